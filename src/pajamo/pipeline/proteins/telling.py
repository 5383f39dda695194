"""What is said of a training while it runs, and of the model that came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pajamo.config.proteins import TrainingSettings
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.judging import MODEL
from pajamo.training.trainer.folder import METRICS
from pajamo.training.trainer.report import StepReport

EVERY: Final = 10.0
"""Seconds between two lines about a training."""


def tell(settings: TrainingSettings, progress: Progress) -> Callable[[StepReport], None]:
    """Something to call after each step, which says now and then how far it is and how fast."""
    last = [-math.inf]

    def on_step(report: StepReport) -> None:
        now = time.monotonic()
        if now - last[0] < EVERY and report.step < settings.steps:
            return
        last[0] = now
        progress(step_line(report, settings.steps))

    return on_step


def step_line(report: StepReport, steps: int) -> str:
    """One line about a step."""
    parts = [f"step {report.step:,} of {steps:,}", f"{report.loss:.4f} nats a residue"]
    if not report.applied:
        parts.append("left out")
    if report.tokens_per_second is not None:
        parts.append(f"{report.tokens_per_second:,.0f} tokens/s")
    if report.packed is not None:
        parts.append(f"{report.packed:.1%} of places filled")
    if report.utilisation is not None:
        parts.append(f"{report.utilisation:.1%} of the peak")
    left = (steps - report.step) * report.seconds
    return ", ".join([*parts, f"about {_duration(left)} left"] if left else parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def curve(folder: Path) -> pd.DataFrame:
    """The metrics of a training, one row a step that was noted, and the looks at proteins kept aside."""
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return pd.DataFrame(
        [{**{k: v for k, v in row.items() if k != "validation"}, **row.get("validation", {})} for row in rows]
    )


def sentence(perplexity: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """What came of it, in one sentence, and against what."""
    side = "test" if (perplexity["set"] == "test").any() else "validation"
    judged = perplexity[(perplexity["set"] == side) & (perplexity["residues"] == "all")].set_index("model")
    own = judged.loc[MODEL]
    relation = "which cannot be told from"
    if own["difference_high"] < 0:
        relation = "less than"
    elif own["difference_low"] > 0:
        relation = "more than"
    return (
        f"A model of {about['weights'] / 1e6:.1f} million weights guesses hidden residues of "
        f"{own['proteins']:,} {side} proteins, of families that it never saw, with a perplexity of "
        f"{own['perplexity']:.2f} [{own['low']:.2f}, {own['high']:.2f}], {relation} the "
        f"{judged.loc[own['baseline'], 'perplexity']:.2f} of {own['baseline']}."
    )
