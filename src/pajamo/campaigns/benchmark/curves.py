"""Learning curves on labels and on money, and the one number that each is summed up in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError

AXES = ("labels", "money")


def area(along: ArrayLike, values: ArrayLike) -> float:
    """Area under a curve by the trapezoid rule, divided by its length: the mean height.

    Points at which nothing could be judged (NaN) are left out.

    Raises
    ------
    DataError: different lengths, or positions that do not grow.
    """
    x, y = np.asarray(along, dtype=float), np.asarray(values, dtype=float)
    if x.shape != y.shape or (np.diff(x) < 0).any():
        raise DataError(
            "a curve needs one value at each position, and positions that grow",
            where="area under a curve",
            why=f"positions have the shape {x.shape}, values {y.shape}",
        )
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if len(x) == 0:
        return float("nan")
    length = x[-1] - x[0]
    return float(np.trapezoid(y, x) / length) if length > 0 else float(y.mean())


def on_grid(along: ArrayLike, values: ArrayLike, grid: ArrayLike) -> Array:
    """A curve read at other positions, between its points by lines; NaN outside of it (rounds of unequal cost)."""
    x, y = np.asarray(along, dtype=float), np.asarray(values, dtype=float)
    return np.asarray(np.interp(np.asarray(grid, dtype=float), x, y, left=np.nan, right=np.nan))


def long_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a run, round and metric: task, strategy, seed, round, labels, money, metric, value."""
    rows = [
        {
            "task": record["task"],
            "strategy": record["strategy"],
            "seed": record["seed"],
            "round": number,
            "labels": labels,
            "money": money,
            "metric": metric,
            "value": np.nan if values[number] is None else values[number],
        }
        for record in records
        for metric, values in record["metrics"].items()
        for number, (labels, money) in enumerate(zip(record["labels"], record["money"], strict=True))
    ]
    columns = ["task", "strategy", "seed", "round", "labels", "money", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def run_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a run and metric: final value, area under the curve on labels (`area`) and on money, CPU seconds."""
    rows = []
    for record in records:
        for metric, values in record["metrics"].items():
            curve = np.array([np.nan if value is None else value for value in values], dtype=float)
            rows.append(
                {
                    "task": record["task"],
                    "strategy": record["strategy"],
                    "seed": record["seed"],
                    "metric": metric,
                    "final": curve[-1],
                    "area": area(record["labels"], curve),
                    "area_on_money": area(record["money"], curve),
                    "choosing_seconds": float(np.sum(record["seconds"]["choosing"])),
                    "fitting_seconds": float(np.sum(record["seconds"]["fitting"])),
                }
            )
    columns = ["task", "strategy", "seed", "metric", "final", "area", "area_on_money"]
    return pd.DataFrame(rows, columns=[*columns, "choosing_seconds", "fitting_seconds"])
