"""Power on counts: which log fold changes can be seen in which genes with so many cells.

Counts of a gene in a cell are negative binomial with mean mu and variance mu + phi mu^2. The log ratio of two
pseudobulks has variance (1/mu_p + phi)/n_p + (1/mu_c + phi)/n_c (delta method), which holds from about ten
expected molecules in each group; below it the power of an exact test is summed up instead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.stats
from numpy.typing import NDArray

from pajamo.errors import DataError
from pajamo.protocols.errors.controls import control_ratio
from pajamo.protocols.errors.exact import exact_power
from pajamo.protocols.errors.groups import Array

LEAST_COUNTS = 10.0
"""Expected molecules of the poorer group from which the delta method holds."""
LARGEST_EFFECT = 20.0
"""Natural log fold change beyond which nothing is looked for."""
STEPS = 200
COARSE = 0.1
"""Step of ln(mean) and ln(1 + dispersion) within which rare genes share one exact computation."""


def variance_of_log_ratio(
    mean: npt.ArrayLike,
    dispersion: npt.ArrayLike,
    n_perturbed: float,
    n_control: float,
    *,
    effect: npt.ArrayLike = 0.0,
    between: float = 0.0,
) -> Array:
    """Variance of ln(mean of perturbed / mean of control) of pseudobulks, by the delta method.

    Parameters
    ----------
    mean: molecules of each gene in a control cell, shape (genes,).
    dispersion: phi of each gene.
    n_perturbed, n_control: numbers of cells.
    effect: natural log fold change, which changes the mean of perturbed cells.
    between: variance on the log scale that more cells do not lower: batches by perturbation, guides.

    Raises
    ------
    DataError: a mean or number of cells that is not above zero, or a negative dispersion.
    """
    mu, phi = _counts(mean, dispersion, n_perturbed, n_control)
    perturbed = mu * np.exp(np.asarray(effect, dtype=float))
    return np.asarray((1 / perturbed + phi) / n_perturbed + (1 / mu + phi) / n_control + between)


def least_counts(
    mean: npt.ArrayLike, n_perturbed: float, n_control: float, effect: npt.ArrayLike = 0.0
) -> Array:
    """Expected molecules of the poorer of both groups, with and without the effect."""
    lower = np.exp(np.minimum(np.asarray(effect, dtype=float), 0.0))
    return np.asarray(np.asarray(mean, dtype=float) * np.minimum(n_perturbed * lower, n_control))


def power(
    mean: npt.ArrayLike,
    dispersion: npt.ArrayLike,
    effect: npt.ArrayLike,
    n_perturbed: float,
    n_control: float,
    *,
    level: float = 0.05,
    between: float = 0.0,
) -> tuple[Array, NDArray[np.bool_]]:
    """Probability that a two-sided test at this level sees the effect, for each gene.

    Returns
    -------
    The power, and whether the delta method was used (else the exact negative binomial test), each of
    shape (genes,).

    Raises
    ------
    DataError: as `variance_of_log_ratio`; a level that is not between 0 and 1.
    """
    mu, phi = _counts(mean, dispersion, n_perturbed, n_control)
    mu, phi, effect = (
        np.atleast_1d(a) for a in np.broadcast_arrays(mu, phi, np.asarray(effect, dtype=float))
    )
    _require_level(level)
    variance = variance_of_log_ratio(mu, phi, n_perturbed, n_control, effect=effect, between=between)
    found = normal_power(effect, variance, level)
    delta = least_counts(mu, n_perturbed, n_control, effect) >= LEAST_COUNTS
    coarse = np.round(np.stack([np.log(mu), np.log1p(phi)], axis=1)[~delta] / COARSE) * COARSE
    rare = np.column_stack([coarse, effect[~delta]])
    kinds, kind = np.unique(rare, axis=0, return_inverse=True)
    exact = [
        exact_power(np.exp(m), np.expm1(p), e, n_perturbed, n_control, level=level, between=between)
        for m, p, e in kinds
    ]
    found[~delta] = np.array(exact)[kind.ravel()] if len(kinds) else []
    return found, delta


def normal_power(effect: npt.ArrayLike, variance: npt.ArrayLike, level: float) -> Array:
    """Power of a two-sided z test."""
    reach = scipy.stats.norm.isf(level / 2)
    signal = np.abs(np.asarray(effect, dtype=float)) / np.sqrt(np.asarray(variance, dtype=float))
    return np.asarray(scipy.stats.norm.sf(reach - signal) + scipy.stats.norm.sf(reach + signal))


def detectable_difference(variance: npt.ArrayLike, *, level: float = 0.05, wanted: float = 0.8) -> Array:
    """Smallest difference seen with the power wanted: (z_(1-level/2) + z_wanted) sqrt(variance)."""
    _require_level(level)
    _require_level(wanted)
    reach = scipy.stats.norm.isf(level / 2) + scipy.stats.norm.ppf(wanted)
    return np.asarray(reach * np.sqrt(np.asarray(variance, dtype=float)))


def detectable_effect(
    mean: npt.ArrayLike,
    dispersion: npt.ArrayLike,
    n_perturbed: float,
    n_control: float,
    *,
    down: bool = True,
    level: float = 0.05,
    wanted: float = 0.8,
    between: float = 0.0,
) -> Array:
    """Smallest natural log fold change of each gene that is seen with the power wanted, by the delta method.

    Solved by iteration from below, because a decrease also lowers the mean. NaN where the effect found leaves
    fewer than ten expected molecules in a group, so that the delta method does not hold, or where no effect
    is seen at all: such a gene is too rare.

    Parameters
    ----------
    down: whether the effect is a decrease; an increase is easier to see in a rare gene.

    Returns
    -------
    Negative for decreases; shape (genes,).
    """
    mu, phi = np.broadcast_arrays(*_counts(mean, dispersion, n_perturbed, n_control))
    sign = -1.0 if down else 1.0
    found = np.zeros(mu.shape)
    for _ in range(STEPS):
        variance = variance_of_log_ratio(
            mu, phi, n_perturbed, n_control, effect=sign * found, between=between
        )
        found = np.minimum(detectable_difference(variance, level=level, wanted=wanted), LARGEST_EFFECT)
    held = least_counts(mu, n_perturbed, n_control, sign * found) >= LEAST_COUNTS
    return np.where(held & (found < LARGEST_EFFECT), sign * found, np.nan)


def cells_needed(
    mean: npt.ArrayLike,
    dispersion: npt.ArrayLike,
    effect: float,
    perturbations: int,
    *,
    level: float = 0.05,
    wanted: float = 0.8,
    between: float = 0.0,
) -> Array:
    """Cells of each perturbation from which the effect is seen, with sqrt(K) times as many controls.

    (z_(1-level/2) + z_wanted)^2 ((1/mu_p + phi) + (1/mu_c + phi) / sqrt(K)) / effect^2, at least as many as
    the delta method needs; infinite where what varies between batches and guides alone hides the effect.

    Raises
    ------
    DataError: an effect of zero, or as `variance_of_log_ratio`.
    """
    if effect == 0 or not np.isfinite(effect):
        raise DataError("an effect of zero cannot be seen", where="effect", fix="give a log fold change")
    mu, phi = _counts(mean, dispersion, 1, 1)
    ratio = float(control_ratio(perturbations))
    reach = float(detectable_difference(1.0, level=level, wanted=wanted))
    per_cell = variance_of_log_ratio(mu, phi, 1, ratio, effect=effect)
    room = effect**2 / reach**2 - between
    if room <= 0:
        return np.full(np.shape(per_cell), np.inf)
    fewest = LEAST_COUNTS / least_counts(mu, 1, ratio, effect)
    return np.maximum(per_cell / room, fewest)


def _counts(
    mean: npt.ArrayLike, dispersion: npt.ArrayLike, n_perturbed: float, n_control: float
) -> tuple[Array, Array]:
    mu, phi = np.asarray(mean, dtype=float), np.asarray(dispersion, dtype=float)
    if not ((mu > 0).all() and np.isfinite(mu).all() and (phi >= 0).all()):
        raise DataError(
            "a mean count must be above zero and a dispersion not negative",
            where="expression levels",
            fix="leave genes out that are never seen",
        )
    if not (n_perturbed > 0 and n_control > 0):
        raise DataError(
            f"{n_perturbed:g} perturbed and {n_control:g} control cells make no comparison",
            where="numbers of cells",
            fix="give both above zero",
        )
    return mu, phi


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise DataError(f"{level} is not a probability between 0 and 1", where="level or power wanted")
