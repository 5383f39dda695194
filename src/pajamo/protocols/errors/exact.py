"""Power of the exact conditional test on sums of negative binomial counts, for genes with few molecules."""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from pajamo.protocols.errors.groups import Array

TAIL = 1e-9
"""Probability that is left out at either end of a distribution of counts."""


def exact_power(
    mean: float,
    dispersion: float,
    effect: float,
    n_perturbed: float,
    n_control: float,
    *,
    level: float = 0.05,
    between: float = 0.0,
) -> float:
    """Probability that the exact test of two sums of counts sees a log fold change.

    The sum of n cells is negative binomial with mean n mu and dispersion phi / n, to which half of the
    variance between guides and batches adds on either side. The test conditions on the sum of both sums,
    and doubles the smaller tail (Robinson and Smyth 2008, Biostatistics 9, 321, section 4).

    Parameters
    ----------
    mean, dispersion: of the gene in a control cell.
    effect: natural log fold change in perturbed cells.
    n_perturbed, n_control: numbers of cells.
    between: variance of the log ratio that more cells do not lower.
    """
    changed = n_perturbed * mean * np.exp(effect)
    perturbed = (n_perturbed * mean, dispersion / n_perturbed + between / 2)
    control = (n_control * mean, dispersion / n_control + between / 2)
    null = _probabilities(*perturbed, top=changed), _probabilities(*control)
    truth = _probabilities(changed, perturbed[1], top=perturbed[0]), null[1]
    if len(null[0]) > len(null[1]):  # the shorter side is the one that is stepped through
        null, truth = (null[1], null[0]), (truth[1], truth[0])
    seen = _rejected(*null, level)
    return float((_joint(*truth) * seen).sum())


def _rejected(first: Array, second: Array, level: float) -> NDArray[np.bool_]:
    """Which pairs (first count, sum of both) the test rejects."""
    joint = _joint(first, second)
    lower = np.cumsum(joint, axis=0)
    total = lower[-1]
    upper = total - lower + joint
    return np.asarray(2 * np.minimum(lower, upper) <= level * total)


def _joint(first: Array, second: Array) -> Array:
    """Probability of each first count (rows) and each sum of both counts (columns)."""
    joint = np.zeros((len(first), len(first) + len(second) - 1))
    for count, probability in enumerate(first):
        joint[count, count : count + len(second)] = probability * second
    return joint


def _probabilities(mean: float, dispersion: float, top: float = 0.0) -> Array:
    """Probability of each count from zero to where the tail ends, also if the mean were `top`."""
    largest = max(mean, top)
    if dispersion <= 0:
        counts = np.arange(int(scipy.stats.poisson.isf(TAIL, largest)) + 1)
        return np.asarray(scipy.stats.poisson.pmf(counts, mean))
    size = 1 / dispersion
    counts = np.arange(int(scipy.stats.nbinom.isf(TAIL, size, size / (size + largest))) + 1)
    return np.asarray(scipy.stats.nbinom.pmf(counts, size, size / (size + mean)))
