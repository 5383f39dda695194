"""The six metrics on one scale: 0 for the mean baseline, 1 for a repeat of the experiment, and their mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.bootstrap import Resamples
from pajamo.evaluation.comparison import MEAN_BASELINE
from pajamo.evaluation.metric import COUNTS, metric, metrics
from pajamo.evaluation.truth import TECHNICAL_DUPLICATE

MEAN_OF_SIX: Final = "mean of six"
"""Name of the mean of all six scaled metrics in the table of `calibrated_six`."""
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {"counts_error": (0.0, 1.0), "fold_error": (-6.0, np.inf)}
"""Where cell-eval2 clamps a scaled metric, so that one of them cannot decide the mean."""
COLUMNS: Final = ("split", "model", "metric", "mean", "zero", "one", "scaled", "low", "high", "note")


def calibrated_six(
    scores: pd.DataFrame,
    *,
    mean_baseline: str = MEAN_BASELINE,
    duplicate: str = TECHNICAL_DUPLICATE,
    level: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Scale each metric on counts as (u - b) / (r - b) and average the six, equally weighted.

    u is the model's mean over held-out perturbations, b the mean baseline's, r that of the split-half
    replicate, in which each half has its own controls. A condition to which a metric does not apply is left
    out of that mean, as in cell-eval2. Perturbations are resampled for the intervals. There b is the mean
    response of the test perturbations themselves; here it is that of the training ones, which a model can know.

    Parameters
    ----------
    scores: rows of `score` with columns split and fold.

    Returns
    -------
    One row for each split, model and metric, and one of "mean of six": mean (u), zero (b), one (r), scaled,
    low, high, and note, which says why there is no value. Empty where nothing was scored on counts.

    Source: preset vcc2026 of cell-eval2 0.20.0.
    """
    names = [name for name, item in metrics().items() if item.family == COUNTS]
    counted = scores[scores["metric"].isin(names)]
    rows = [
        {"split": split, **row}
        for split, table in counted.groupby("split", sort=False)
        for means in [_Means(table, level, n_bootstrap, seed)]
        for model in dict.fromkeys(table["model"])
        for row in _of_model(means, str(model), names, (mean_baseline, duplicate))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


class _Means:
    """Means of every metric and model of one split: the estimate first, then its resamples."""

    def __init__(self, table: pd.DataFrame, level: float, n_bootstrap: int, seed: int) -> None:
        wide = table.pivot(index=["fold", "condition"], columns=["metric", "model"], values="value")
        units, names = pd.factorize(wide.index.get_level_values("condition"))
        self._units = len(names)
        self._resamples = Resamples.draw(units.astype(np.intp), n_bootstrap, level, seed)
        point, drawn = self._resamples.means(wide.to_numpy(dtype=float))
        values = np.vstack([point, drawn]).T
        self._columns: dict[object, Array] = dict(zip(wide.columns.to_flat_index(), values, strict=True))
        self._blank: Array = np.full(1 + n_bootstrap, np.nan)

    def of(self, name: str, model: str) -> Array:
        """NaN where the metric was not computed."""
        return np.asarray(self._columns.get((name, model), self._blank))

    def ranged(self, values: Array) -> dict[str, float]:
        """Estimate and interval."""
        if not np.isfinite(values[0]):
            return dict.fromkeys(("scaled", "low", "high"), np.nan)
        low, high = self._resamples.interval(values[1:, None], self._units)
        return {"scaled": float(values[0]), "low": float(low[0]), "high": float(high[0])}


def _of_model(
    means: _Means, model: str, names: Sequence[str], ends: tuple[str, str]
) -> Iterator[dict[str, object]]:
    every, lacking = [], []
    for name in names:
        value, zero, one = (means.of(name, of) for of in (model, *ends))
        note = _note(name, value[0], zero[0], one[0])
        every.append(np.full_like(value, np.nan) if note else _scaled(name, value, zero, one))
        lacking += [name] if note else []
        measured = {"mean": value[0], "zero": zero[0], "one": one[0]}
        yield {"model": model, "metric": name, **measured, **means.ranged(every[-1]), "note": note}
    note = f"no mean of six without {', '.join(lacking)}" if lacking else ""
    overall = means.ranged(np.asarray(np.stack(every).mean(axis=0)))
    yield {"model": model, "metric": MEAN_OF_SIX, **overall, "note": note}


def _note(name: str, value: float, zero: float, one: float) -> str:
    if not np.isfinite([value, zero, one]).all():
        return "no value for the model, the mean baseline or the replicate"
    if not metric(name).sign * (one - zero) > 0:
        return "the replicate is not better than the mean baseline: the scale has no length"
    return ""


def _scaled(name: str, value: Array, zero: Array, one: Array) -> Array:
    # A resample in which the replicate is no better says nothing and is left out.
    length = np.where(metric(name).sign * (one - zero) > 0, one - zero, np.nan)
    low, high = BOUNDS.get(name, (-np.inf, np.inf))
    return np.clip((value - zero) / length, low, high)
