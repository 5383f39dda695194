"""Figures of one prediction of rates: correlations within the limits of detection, and the order of known pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pajamo.evaluation.assays.resampling import interval, resampled_totals

Array = NDArray[np.float64]
Censored = NDArray[np.float64] | NDArray[np.int8] | None
_VARIES = 1e-12


def clipped(said: Array, value: Array, censored: Censored) -> Array:
    """Predictions with what the instrument could not have told apart set to its limits of detection.

    Parameters
    ----------
    said: predicted log10 of the rate, shape (rows,).
    value: recorded log10 of the rate, shape (rows,).
    censored: -1 no faster than the value, 1 no slower, 0 resolved, shape (rows,); all resolved if not given.
    """
    if censored is None:
        return said
    slow, fast = value[censored < 0], value[censored > 0]
    low = slow.max() if len(slow) else -np.inf
    high = fast.min() if len(fast) else np.inf
    return np.asarray(np.clip(said, low, high))


def pearson(said: Array, value: Array) -> float:
    """Pearson's correlation; 0 where either is the same for every row, as it then says nothing of the other."""
    return float(of_sums(moments(said, value).sum(axis=0, keepdims=True))[0])


def spearman(said: Array, value: Array) -> float:
    """Pearson's correlation of the ranks, those of ties being their mean."""
    return pearson(stats.rankdata(said), stats.rankdata(value))


def moments(said: Array, value: Array) -> Array:
    """What a correlation needs to be summed over rows, shape (rows, 6); about the means, so that no digits go."""
    x, y = said - said.mean(), value - value.mean()
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)


def of_sums(sums: Array) -> Array:
    """Pearson's correlation of each row of summed `moments`, shape (resamples, 6) to (resamples,)."""
    n, x, y, xx, yy, xy = sums.T
    spread, recorded = xx - x * x / n, yy - y * y / n
    varies = (spread > _VARIES * xx) & (recorded > _VARIES * yy)
    scale = np.sqrt(np.where(varies, spread * recorded, 1.0))
    return np.asarray(np.where(varies, (xy - x * y / n) / scale, 0.0))


def correlations(said: Array, value: Array, censored: Censored = None, seed: int = 0) -> dict[str, float]:
    """Every figure of one prediction of rates.

    Correlations are of predictions within the limits of detection (`clipped`); the interval of Pearson's is from
    resampled rows, 95 %. The concordance knows no limits: see there.

    Parameters
    ----------
    said: predicted log10 of the rate, or any score that rises with it, shape (rows,).
    value: recorded log10 of the rate, shape (rows,).
    censored: as in `clipped`.
    seed: of the resamples.

    Returns
    -------
    pearson, pearson_low, pearson_high, spearman, concordance.
    """
    seen = clipped(said, value, censored)
    low, high = interval(of_sums, resampled_totals(moments(seen, value), seed), len(value))
    return {
        "pearson": pearson(seen, value),
        "pearson_low": low,
        "pearson_high": high,
        "spearman": spearman(seen, value),
        "concordance": concordance(said, value, censored),
    }


def correlation_difference(
    said: Array, other: Array, value: Array, censored: Censored = None, seed: int = 0
) -> dict[str, float]:
    """Pearson's correlation of one prediction less that of another, in the same resampled rows.

    Arguments are as of `correlations`. Returns `difference`, `low`, `high` (95 %).
    """
    both = [moments(clipped(each, value, censored), value) for each in (said, other)]
    columns = np.concatenate(both, axis=1)

    def apart(sums: Array) -> Array:
        return np.asarray(of_sums(sums[:, :6]) - of_sums(sums[:, 6:]))

    low, high = interval(apart, resampled_totals(columns, seed), len(value))
    whole = columns.sum(axis=0, keepdims=True)
    return {"difference": float(apart(whole)[0]), "low": low, "high": high}


def concordance(said: Array, value: Array, censored: Censored = None) -> float:
    """Share of the pairs of rows whose order is known that are predicted in this order; ties count one half.

    The order is known where the faster is no slower than its value, the slower no faster than its own, and these
    differ (Harrell's C, 1982 JAMA 247:2543, for both sides). Of two rates below the limit nothing is known. NaN
    where no order is known.
    """
    beyond = np.zeros(len(value)) if censored is None else censored
    most = np.where(beyond > 0, np.inf, value)
    least = np.where(beyond < 0, -np.inf, value)
    known = int(np.searchsorted(np.sort(most), least, side="left").sum())
    if not known:
        return float("nan")
    below = _in_order(most, least, said, ties=False)
    up_to = _in_order(most, least, said, ties=True)
    return (below + up_to) / (2 * known)


def _in_order(most: Array, least: Array, said: Array, *, ties: bool) -> int:
    """How many pairs have most < least of the other and said < said of the other (or equal, with `ties`).

    Rows stand in one line as the slower of a pair and in another as the faster. The line is halved again and again:
    every pair is once on both sides of a cut, where one sort counts all of them.
    """
    n = len(said)
    bound, slower = np.concatenate([least, most]), np.repeat([False, True], n)
    # At one bound the faster comes first: such a pair is not known.
    line = np.lexsort((slower, bound))
    slower = slower[line]
    score = np.unique(np.concatenate([said, said])[line], return_inverse=True)[1]
    place, total, half = np.arange(2 * n), 0, 1
    while half < 2 * n:
        right = place // half % 2 == 1
        first = slower & ~right
        counts = ~slower & right
        order = np.lexsort((counts != ties, score, place // (2 * half)))
        before = np.cumsum(first[order])
        starts = np.concatenate([[0], np.cumsum(np.bincount(place // (2 * half)))])[:-1]
        total += int((before - _begun(before, starts)[place // (2 * half)])[counts[order]].sum())
        half *= 2
    return total


def _begun(before: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """What had been counted before each block began."""
    return np.where(starts > 0, before[starts - 1], 0)
