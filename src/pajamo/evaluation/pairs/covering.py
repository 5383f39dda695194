"""How often intervals of predicted rates hold what is then measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.evaluation.pairs.metrics import Array, Censored

LEVELS = (0.5, 0.8, 0.9, 0.95)
NODES = 31


def rate_coverage(
    said: Array,
    sd: Array,
    value: Array,
    censored: Censored = None,
    *,
    scale: float,
    degrees: float | None = None,
    levels: Sequence[float] = LEVELS,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of readings that lie within the central intervals of what was predicted of them.

    A reading is what is expected of it, which is known up to a normal error, and noise. Of a reading at a limit of
    detection no more is known than that it lies beyond: its place among the readings that are expected is drawn at
    random from there (Czado, Gneiting, Held 2009, Biometrics 65:1254), so that an honest prediction holds as many
    of these as of the others.

    Parameters
    ----------
    said: log10 of the rate, shape (rows,).
    sd: its standard deviation, shape (rows,).
    value, censored: what was recorded; as of `clipped`.
    scale: of the noise, in log10 units.
    degrees: of freedom of its Student distribution; Gaussian if not given.
    levels: of the intervals.
    seed: of the places of readings at a limit.

    Returns
    -------
    Columns level, coverage.
    """
    places, weights = np.polynomial.hermite_e.hermegauss(NODES)
    noise = stats.norm() if degrees is None else stats.t(degrees)
    z = (value[:, None] - said[:, None] - sd[:, None] * places) / scale
    below = noise.cdf(z) @ (weights / weights.sum())
    drawn = np.random.default_rng(seed).random(len(value))
    beyond: Array = np.zeros(len(value)) if censored is None else np.asarray(censored, dtype=np.float64)
    place = np.where(beyond < 0, drawn * below, np.where(beyond > 0, 1 - drawn * (1 - below), below))
    held = [float((np.abs(2 * place - 1) <= level).mean()) for level in levels]
    return pd.DataFrame({"level": list(levels), "coverage": held})
