"""Whether a fitted scheme is in detailed balance, as far as the data can tell."""

from __future__ import annotations

import numpy as np
from scipy import stats

from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.information import Information
from pajamo.explanations.assays.parameters import WEAK

KNOWN = 1e-9
"""Error of an affinity, in kT, below which no parameter moves it."""


def balance_verdict(affinities: Array, directions: Array, found: Information, level: float) -> str:
    """Whether all affinities together may be 0, in a sentence: a Wald test of those that parameters move.

    Parameters
    ----------
    affinities: of the independent cycles, in kT, shape (cycles,); infinite where a cycle has no way back.
    directions: how each follows the coordinates of the information, shape (cycles, size).
    found: information at the optimum.
    level: balance is denied where so large a share of schemes in balance would come closer to it.
    """
    if not len(affinities):
        return "the scheme has no cycle, and so is in detailed balance whatever its rates."
    if not np.isfinite(affinities).all():
        return "driven: around a cycle with a step that has no reverse a molecule goes one way only."
    covariance = directions @ found.covariance @ directions.T
    free = covariance.diagonal() > KNOWN**2
    if (np.abs(affinities[~free]) >= KNOWN).any():
        return "driven: an affinity is not 0 whatever the parameters."
    if not free.any():
        return "in detailed balance by its declaration, whatever the parameters."
    if not found.positive:
        return "no optimum: whether it is in detailed balance cannot be said."
    return _tested(affinities[free], covariance[np.ix_(free, free)], level) + _held(directions[free], found)


def _tested(affinities: Array, covariance: Array, level: float) -> str:
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    statistic = float(affinities @ np.linalg.pinv(covariance, hermitian=True) @ affinities)
    p_value = float(stats.chi2.sf(statistic, rank))
    if p_value < 1 - level:
        return f"driven out of equilibrium: its affinities are not 0 within their error (p = {p_value:.2g})."
    return (
        f"compatible with detailed balance: its affinities may be 0 within their error (p = {p_value:.2g})."
    )


def _held(directions: Array, found: Information) -> str:
    share = max(found.held(direction) for direction in directions)
    return f" An affinity is held by priors ({100 * share:.0f} %), not by the data." if share >= WEAK else ""
