"""Strategies compared seed by seed: the same split, the same start, so that differences are the strategies' own."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError, nearest, shorten
from pajamo.evaluation.bootstrap import Resamples

FEWEST = 20
"""Paired seeds below which a difference of a few percent is not seen."""


def paired(
    runs: pd.DataFrame,
    metric: str,
    *,
    figure: str = "area",
    reference: str = "random",
    how: Literal["t", "bootstrap"] = "t",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Each strategy of one task against the reference, over the seeds that both have.

    Parameters
    ----------
    runs: as `curves.run_table` gives it, of one task.
    metric: the one compared.
    figure: "final", "area", or "area_on_money".
    how: interval of the mean difference: Student's, or the expanded percentile interval over resampled seeds.

    Returns
    -------
    One row a strategy: seeds, mean, deviation (over seeds), difference, low, high, t, p, better (seeds with a
    higher value than the reference), choosing_seconds; the reference's own difference is empty.

    Raises
    ------
    DataError: several tasks, an unknown metric or reference, or a run that is there twice.
    """
    wide, seconds = _wide(runs, metric, figure, reference)
    rows = [
        {
            "strategy": str(name),
            "seeds": int(wide[name].notna().sum()),
            "mean": float(wide[name].mean()),
            "deviation": float(wide[name].std(ddof=1)),
            **_difference(wide, str(name), reference, how, level, seed),
            "choosing_seconds": seconds[str(name)],
        }
        for name in wide
    ]
    return pd.DataFrame(rows)


def difference_of(
    values: Array, *, how: Literal["t", "bootstrap"] = "t", level: float = 0.95, seed: int = 0
) -> dict[str, float]:
    """Mean of paired differences with its interval, Student's t and two-sided p; NaN below two pairs."""
    found = np.asarray(values, dtype=float)
    number, mean = len(found), float(found.mean()) if len(found) else float("nan")
    if number < 2:
        return dict.fromkeys(("low", "high", "t", "p"), float("nan")) | {"difference": mean}
    error = float(found.std(ddof=1) / np.sqrt(number))
    t = mean / error if error > 0 else float(np.copysign(np.inf, mean)) if mean else 0.0
    low, high = _interval(found, mean, error, how, level, seed)
    p = float(2 * stats.t.sf(abs(t), number - 1))
    return {"difference": mean, "low": low, "high": high, "t": float(t), "p": p}


def _interval(
    values: Array, mean: float, error: float, how: str, level: float, seed: int
) -> tuple[float, float]:
    if how == "t":
        half = float(stats.t.ppf(0.5 + level / 2, len(values) - 1)) * error
        return mean - half, mean + half
    resamples = Resamples.draw(np.arange(len(values)), 10_000, level, seed)
    _, drawn = resamples.means(values[:, None])
    low, high = resamples.interval(drawn, len(values))
    return float(low[0]), float(high[0])


def _difference(
    wide: pd.DataFrame, name: str, reference: str, how: Literal["t", "bootstrap"], level: float, seed: int
) -> dict[str, float]:
    if name == reference:
        return dict.fromkeys(("difference", "low", "high", "t", "p", "better"), float("nan"))
    both = wide[[name, reference]].dropna()
    values = np.asarray(both[name] - both[reference], dtype=float)
    return difference_of(values, how=how, level=level, seed=seed) | {"better": float((values > 0).sum())}


def _wide(
    runs: pd.DataFrame, metric: str, figure: str, reference: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    if runs["task"].nunique() > 1:
        raise DataError(f"runs of several tasks: {shorten(runs['task'].unique())}", where="comparison")
    _require(metric, set(runs["metric"]), "metric")
    _require(reference, set(runs["strategy"]), "strategy")
    own = runs[runs["metric"] == metric]
    if own.duplicated(["strategy", "seed"]).any():
        raise DataError("a strategy has the same seed twice", where="comparison")
    order = list(dict.fromkeys(own["strategy"]))
    wide = own.pivot(index="seed", columns="strategy", values=figure)[order]
    seconds = own.groupby("strategy")["choosing_seconds"].mean()
    return wide, {str(name): float(value) for name, value in seconds.items()}


def _require(name: str, known: set[str], what: str) -> None:
    if name not in known:
        raise DataError(
            f"no run has the {what} {name!r}",
            where="comparison",
            fix=f"{nearest(name, known)}there are: {shorten(sorted(known))}",
        )
