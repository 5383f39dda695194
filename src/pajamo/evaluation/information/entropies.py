"""Entropies in bits: of bins that were counted and of values that were measured."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from pajamo.errors import DataError
from pajamo.evaluation.information.checking import enough_rows, finite_column, read_table
from pajamo.evaluation.information.estimate import (
    HALVES,
    Array,
    InformationEstimate,
    from_halves,
    over_halves,
)

NEIGHBOURS = 7
RESOLUTION = 0.01
Correction = Literal["plug-in", "Miller-Madow", "Grassberger"]


def entropy_of_counts(counts: ArrayLike, correction: Correction = "Miller-Madow") -> InformationEstimate:
    """Entropy in bits of the categories that independent draws fell into.

    Plug-in: H = -sum p log2 p with p = n / N, too small by about (m - 1) / (2 N) nats for m categories seen.
    Miller-Madow adds that. Grassberger: H = ln N - sum n G(n) / N nats with
    G(n) = psi(n) + (-1)^n (psi((n + 1) / 2) - psi(n / 2)) / 2, the least biased when most categories are rare.

    Sources: Miller 1955, Note on the bias of information estimates; Grassberger 2003, arXiv
    physics/0307138, equation 35.

    Parameters
    ----------
    counts: draws in each category, shape (categories,).
    correction: which bias correction.

    Raises
    ------
    DataError: a count is negative or no whole number, or all are zero.
    """
    seen = read_table(np.atleast_2d(np.asarray(counts))).ravel()
    number = seen[seen > 0].astype(np.float64)
    total = number.sum()
    surprise = -np.log2(number / total)
    plain = float(number @ surprise / total)
    # The first term vanishes for equal counts; the second is what then is left of the variance.
    spread = number @ (surprise - plain) ** 2 + (len(number) - 1) / (2 * np.log(2) ** 2)
    error = float(np.sqrt(spread) / total)
    bits = plain if correction == "plug-in" else _corrected(number, plain, correction)
    return InformationEstimate.of(
        bits, error, freedom=np.inf, method=f"{correction} entropy", observations=int(total)
    )


def miller_madow(categories: int, draws: float) -> float:
    """Bits by which the plug-in entropy of `categories` that were seen in `draws` falls short."""
    return float((categories - 1) / (2 * draws * np.log(2)))


def _corrected(number: Array, plain: float, correction: Correction) -> float:
    if correction == "Miller-Madow":
        return plain + miller_madow(len(number), number.sum())
    if correction != "Grassberger":
        raise DataError(f"no correction is called {correction!r}", fix="plug-in, Miller-Madow or Grassberger")
    alternating = np.where(number % 2, -0.5, 0.5) * (digamma((number + 1) / 2) - digamma(number / 2))
    expected = digamma(number) + alternating
    total = number.sum()
    return float((np.log(total) - number @ expected / total) / np.log(2))


def entropy_of_values(
    values: ArrayLike, *, neighbours: int = NEIGHBOURS, halves: int = HALVES, seed: int = 0
) -> InformationEstimate:
    """Differential entropy in bits of a measured quantity, in its own unit, from nearest neighbours.

    H = psi(N) - psi(k) + mean ln(2 d_k) nats, with d_k the distance of a value to its k-th neighbour. Values
    in another unit shift it: H[a y] = H[y] + log2 a.

    Source: Kozachenko and Leonenko 1987, Probl. Inf. Transm. 23:95; k = 7 as MAVE-NN (Tareen et al. 2022,
    Genome Biol. 23:98). The error comes from half-sampling (`over_halves`).

    Parameters
    ----------
    values: what was measured, shape (rows,). Values that repeat are blurred (`blur_repeated`).
    neighbours: k; more of them scatter less and blur more.
    halves: halves drawn for the error.
    seed: of the halves and of the blur.

    Raises
    ------
    DataError: values that are not finite, all alike, or too few.
    """
    column = finite_column(values, "what was measured")
    enough_rows(len(column), neighbours)
    distinct = blur_repeated(column, seed)

    def entropy(rows: Array) -> float:
        return float(surprise_of_values(rows, neighbours).mean())

    over = over_halves(lambda half: entropy(distinct[half]), len(distinct), halves=halves, seed=seed)
    method = f"Kozachenko-Leonenko entropy, {neighbours} neighbours"
    return from_halves(entropy(distinct), over, method=method, observations=len(distinct))


def surprise_of_values(values: Array, neighbours: int) -> Array:
    """Each value's share in the entropy, -log2 of its estimated density, shape (rows,); no ties allowed.

    The mean is the Kozachenko-Leonenko entropy in bits.
    """
    order = np.argsort(values)
    shares = np.empty(len(values))
    constant = digamma(len(values)) - digamma(neighbours)
    shares[order] = (constant + np.log(2 * _distance_to_neighbour(values[order], neighbours))) / np.log(2)
    return shares


def _distance_to_neighbour(ordered: Array, neighbours: int) -> Array:
    """Distance of each of the ordered values to its k-th neighbour.

    The k nearest lie in one of the k + 1 windows of k + 1 consecutive values around it; the nearest such
    window reaches least far.
    """
    padded = np.concatenate([np.full(neighbours, -np.inf), ordered, np.full(neighbours, np.inf)])
    rows = len(ordered)
    reach = np.full(rows, np.inf)
    for left in range(neighbours + 1):
        below = padded[neighbours - left :][:rows]
        above = padded[2 * neighbours - left :][:rows]
        np.minimum(reach, np.maximum(ordered - below, above - ordered), out=reach)
    return reach


def blur_repeated(values: Array, seed: int) -> Array:
    """Add normal noise of 1 % of the standard deviation to values that occur more than once, shape (rows,).

    A value that repeats exactly (a ratio of small counts, a detection limit) has a distance of zero to its
    neighbours, and its entropy would fall without end. Noise sets the resolution at which it is taken: far
    below that of any instrument, and in proportion to the values, so that their unit does not matter. Values
    that occur once stay as they are; `seed` fixes the noise.

    Source: MAVE-NN blurs every value by as much (Tareen et al. 2022, its argument knn_fuzz).

    Raises
    ------
    DataError: all values are alike.
    """
    distinct, of_row, times = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) < 2:
        raise DataError("all values are alike", why="a quantity that never varies holds no information")
    noise = RESOLUTION * values.std() * np.random.default_rng(seed).standard_normal(len(values))
    return np.asarray(np.where(times[of_row] > 1, values + noise, values))
