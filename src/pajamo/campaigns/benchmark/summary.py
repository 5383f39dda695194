"""What came out of a simulation, as tables to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pajamo.campaigns.benchmark.comparing import paired
from pajamo.campaigns.benchmark.curves import run_table
from pajamo.campaigns.benchmark.task import Task

SECONDS = "CPU s choosing, a run"
BESIDES = ("rmse", "error", "recall")
"""Figures that are told beside the one that a task is judged by, where there are any."""


def summaries(task: Task, records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each figure of a task with its table."""
    runs = run_table(records)
    there = set(runs["metric"])
    for metric in dict.fromkeys([task.figure, *(one for one in BESIDES if one in there)]):
        yield metric, summary(runs, metric)


def summary(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Final value and area of each strategy, and the paired difference of both to random, 95 %."""
    final, area = (paired(runs, metric, figure=figure) for figure in ("final", "area"))
    return pd.DataFrame(
        {
            "strategy": area["strategy"],
            "seeds": area["seeds"],
            "final": _spread(final),
            "area": _spread(area),
            "area - random [95 %]": _differences(area),
            "t": area["t"],
            "final - random [95 %]": _differences(final),
            "t final": final["t"],
            SECONDS: area["choosing_seconds"],
        }
    )


def ceiling_of(task: Task) -> str | None:
    """What replicates say can be reached at all, or that they do not agree; None without replicates."""
    if task.ceiling is None:
        return None
    hits, model = task.ceiling.verdict("hits"), task.ceiling.verdict("model")
    return f"replicates: {model}; {hits}; reliability {task.ceiling.reliability:.3f}"


def _spread(rows: pd.DataFrame) -> list[str]:
    return [f"{mean:.4f} ± {sd:.4f}" for mean, sd in zip(rows["mean"], rows["deviation"], strict=True)]


def _differences(rows: pd.DataFrame) -> list[str]:
    return [
        "" if np.isnan(difference) else f"{difference:+.4f} [{low:+.4f}, {high:+.4f}]"
        for difference, low, high in zip(rows["difference"], rows["low"], rows["high"], strict=True)
    ]
