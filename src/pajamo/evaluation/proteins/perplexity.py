"""Perplexity: among how many equally likely residues a model would still have to guess, beside what it must beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError

BANDS: Final = ((0, 100), (100, 200), (200, 400), (400, 800), (800, None))
"""Residues, from and below."""
LEVEL: Final = 0.95
RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Told:
    """How well a model told hidden residues, protein by protein.

    Attributes
    ----------
    nats: sum of -ln p of the true residues, shape (proteins,).
    asked: how many were hidden, shape (proteins,).
    """

    nats: Array
    asked: Array

    @property
    def perplexity(self) -> float:
        """exp of the mean -ln p over all hidden residues."""
        return float(np.exp(self.nats.sum() / self.asked.sum()))


def perplexities(
    told: Mapping[str, Told],
    lengths: NDArray[np.int64],
    families: NDArray[np.int64],
    baselines: Iterable[str],
    seed: int = 0,
) -> pd.DataFrame:
    """Perplexity of every model on the same hidden residues, over all proteins and by length.

    Families are resampled, the same ones for all models, so that differences are paired; relatives do not count as
    independent. Intervals hold for other families, given these training proteins.

    Parameters
    ----------
    told: by model, of the same proteins.
    lengths: residues of each protein.
    families: number of each protein's family.
    baselines: which models must be beaten.

    Returns
    -------
    One row a model and band: proteins, families, asked, perplexity with its interval, and the difference to the best
    baseline in nats a residue with its interval (negative where the model is better).

    Raises
    ------
    DataError: no protein, or none of which anything was asked.
    """
    asked = next(iter(told.values())).asked
    if not asked.sum() > 0:
        raise DataError("there is no hidden residue to tell", fix="keep more proteins aside")
    known = [name for name in baselines if name in told]
    rows: list[dict[str, object]] = []
    for band, inside in _bands(lengths):
        if asked[inside].sum() > 0:
            rows += _band(told, band, inside, families, known, seed)
    return pd.DataFrame(rows)


def _bands(lengths: NDArray[np.int64]) -> list[tuple[str, NDArray[np.bool_]]]:
    found = [("all", np.ones(len(lengths), dtype=bool))]
    for low, high in BANDS:
        inside = (lengths >= low) & (lengths < (np.inf if high is None else high))
        found.append((f"{low} and more" if high is None else f"{low} to {high - 1}", inside))
    return found


def _band(
    told: Mapping[str, Told],
    band: str,
    inside: NDArray[np.bool_],
    families: NDArray[np.int64],
    baselines: list[str],
    seed: int,
) -> list[dict[str, object]]:
    units, unit_of = np.unique(families[inside], return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(
        len(units), np.full(len(units), 1 / len(units)), RESAMPLES
    )
    draws[0] = 1
    asked = _per_unit(next(iter(told.values())).asked[inside], unit_of, len(units))
    means = {
        name: draws @ _per_unit(one.nats[inside], unit_of, len(units)) / np.maximum(draws @ asked, 1e-12)
        for name, one in told.items()
    }
    best = min(baselines, key=lambda name: means[name][0], default=None)
    rows = []
    for name, mean in means.items():
        low, high = np.exp(_interval(mean))
        row: dict[str, object] = {
            "residues": band, "model": name, "proteins": int(inside.sum()), "families": len(units),
            "asked": int(asked.sum()), "perplexity": float(np.exp(mean[0])), "low": low, "high": high,
            "baseline": best or "",
        }  # fmt: skip
        if best is not None:
            row |= _difference(mean - means[best])
        rows.append(row)
    return rows


def _difference(nats: Array) -> dict[str, object]:
    low, high = _interval(nats)
    return {"difference": float(nats[0]), "difference_low": low, "difference_high": high}


def _interval(resampled: Array) -> Array:
    """Quantiles of the resampled values; the first is the value itself."""
    tail = (1 - LEVEL) / 2
    return np.asarray(np.quantile(resampled[1:], (tail, 1 - tail)))


def _per_unit(values: Array, unit_of: NDArray[np.intp], units: int) -> Array:
    return np.bincount(unit_of, values, minlength=units).astype(np.float64)
