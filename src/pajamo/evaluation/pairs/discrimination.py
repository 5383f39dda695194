"""How well a prediction tells sites that were found cut from all others, with intervals over guides.

Sites of one guide share how much of it was delivered and how specific it is, so that guides are what a figure could
have come out differently for: they are resampled. Of few guides resamples say little, and rows are taken instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.evaluation.assays.resampling import FEWEST_RESAMPLES, MOST_DRAWS, RESAMPLES, interval
from pajamo.evaluation.assays.units import FEWEST_GUIDES
from pajamo.evaluation.pairs.ranking import Array, Ranking

AUROC, AUPRC, GUIDE_AUPRC = "auroc", "auprc", "guide_auprc"
FIGURES = (AUROC, AUPRC, GUIDE_AUPRC)
"""Of all sites together, and the mean of the average precision over guides of which any site was found."""
_AT_ONCE = 2_000_000
_MANY = 1_000_000
"""Rows: so many that percentiles are not moved."""
Guides = NDArray[np.float64] | NDArray[np.intp]


def discrimination(
    said: Array, label: Array, guide: Guides | None = None, seed: int = 0
) -> dict[str, float | str]:
    """Every figure of one prediction of cuts, each with its 95 % interval.

    Parameters
    ----------
    said: score that rises with how likely a site is found, shape (rows,).
    label: 1 found, 0 not, shape (rows,).
    guide: number of each row's guide, shape (rows,); one guide if not given.
    seed: of the resamples; the same for every model, so that resamples are paired.

    Returns
    -------
    For each of FIGURES its value, `_low` and `_high`; `resampled`, "guides" or "rows"; `rows`, `found`.
    """
    held = figures([said], label, guide, seed)[0]
    resampled = "guides" if _by_guide(guide) else "rows"
    found: dict[str, float | str] = {"rows": len(label), "found": float(label.sum()), "resampled": resampled}
    for name, drawn in held.items():
        low, high = _interval(drawn, guide)
        found |= {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}
    return found


def difference(
    said: Array,
    other: Array,
    label: Array,
    guide: Guides | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """One prediction less another by each of FIGURES, in the same resamples; arguments as of `discrimination`.

    Returns
    -------
    One row a figure: `metric`, `difference`, `low`, `high` (95 %).
    """
    own, others = figures([said, other], label, guide, seed)
    rows = []
    for name, drawn in own.items():
        apart = drawn - others[name]
        low, high = _interval(apart, guide)
        rows.append({"metric": name, "difference": float(apart[0]), "low": low, "high": high})
    return pd.DataFrame(rows)


def per_guide(said: Array, label: Array, guide: Guides) -> pd.DataFrame:
    """Both areas of each guide alone: `guide`, `rows`, `found`, `auroc`, `auprc`; NaN without both labels."""
    numbers, unit, rows = np.unique(guide, return_inverse=True, return_counts=True)
    roc, precision = Ranking.of(said, label, unit).areas(np.eye(len(numbers)))
    found = np.bincount(unit, weights=label)
    return pd.DataFrame({"guide": numbers, "rows": rows, "found": found, AUROC: roc, AUPRC: precision})


def figures(
    predictions: Sequence[Array],
    label: Array,
    guide: Guides | None,
    seed: int,
) -> list[Mapping[str, Array]]:
    """FIGURES of predictions of the same rows, each of shape (1 + resamples,); the first is of all units once."""
    unit = _guides(guide, len(label)) if _by_guide(guide) else np.arange(len(label))
    rankings = [Ranking.of(said, label, unit) for said in predictions]
    means = [_Mean.of(said, label, guide) for said in predictions]
    parts: list[list[tuple[Array, ...]]] = [[] for _ in predictions]
    for weights in _weights(rankings[0].units, seed):
        for own, ranking, mean in zip(parts, rankings, means, strict=True):
            own.append((*ranking.areas(weights), mean.resampled(weights)))
    joined = [map(np.concatenate, zip(*own, strict=True)) for own in parts]
    return [dict(zip(FIGURES, own, strict=True)) for own in joined]


@dataclass(frozen=True)
class _Mean:
    """Average precision of each guide, shape (guides,), and whether guides are what is resampled."""

    of_guides: Array
    by_guide: bool

    @classmethod
    def of(cls, said: Array, label: Array, guide: Guides | None) -> _Mean:
        unit = _guides(guide, len(label))
        ranking = Ranking.of(said, label, unit)
        return cls(ranking.areas(np.eye(ranking.units))[1], _by_guide(guide))

    def resampled(self, weights: Array) -> Array:
        """Mean over guides of which any site was found; of resampled rows it is not known."""
        known = np.isfinite(self.of_guides)
        counted = weights[:, known] if self.by_guide else np.ones((len(weights), int(known.sum())))
        total, count = counted @ self.of_guides[known], counted.sum(axis=1)
        mean = np.divide(total, count, out=np.full(len(weights), np.nan), where=count > 0)
        # The first of all weights are those of no resample: every unit once.
        plain = (weights == 1).all(axis=1)
        return np.where(plain | self.by_guide, mean, np.nan)


def _by_guide(guide: Guides | None) -> bool:
    return guide is not None and len(np.unique(guide)) >= FEWEST_GUIDES


def _guides(guide: Guides | None, rows: int) -> NDArray[np.intp]:
    """Numbers of the guides from 0, one guide if none is given; shape (rows,)."""
    return np.zeros(rows, dtype=np.intp) if guide is None else np.unique(guide, return_inverse=True)[1]


def _weights(units: int, seed: int) -> Iterator[Array]:
    """How often each unit counts: each once, then in each resample; blocks of shape (some, units)."""
    rng = np.random.default_rng(seed)
    yield np.ones((1, units))
    left = min(max(MOST_DRAWS // max(units, 1), FEWEST_RESAMPLES), RESAMPLES)
    while left:
        count = min(left, max(_AT_ONCE // max(units, 1), 1))
        drawn = [np.bincount(rng.integers(units, size=units), minlength=units) for _ in range(count)]
        yield np.stack(drawn).astype(np.float64)
        left -= count


def _interval(drawn: Array, guide: Guides | None) -> tuple[float, float]:
    """Of the resamples of a figure, moved outwards where guides are few."""
    units = len(np.unique(guide)) if guide is not None and _by_guide(guide) else _MANY
    return interval(lambda values: values, drawn[1:], units)
