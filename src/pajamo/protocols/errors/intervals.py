"""Intervals of variance components."""

from __future__ import annotations

import numpy as np
import scipy.stats

from pajamo.protocols.errors.groups import Array

LEVEL = 0.95


def large_sample(weights: Array, values: Array, freedom: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Interval of each component of each gene from independent chi-square forms (modified large sample).

    A component is sum_i c_i M_i, with M_i a form over its degrees of freedom; the squared distance to a
    limit is the sum of (g_i c_i M_i)^2, where g_i makes the limit exact if only M_i mattered (Burdick and
    Graybill 1992, Confidence Intervals on Variance Components; without cross terms).

    Parameters
    ----------
    weights: components by forms, shape (4, 4); NaN rows stay NaN.
    values: forms by genes, shape (4, genes).
    freedom: degrees of freedom of each form.
    """
    used = freedom > 0
    degrees = freedom[used]
    tail = (1 - level) / 2
    below = 1 - degrees / scipy.stats.chi2.ppf(1 - tail, degrees)
    above = degrees / scipy.stats.chi2.ppf(tail, degrees) - 1
    terms = weights[:, used, None] * values[None, used]
    down = np.where(terms > 0, below[:, None], above[:, None]) * terms
    up = np.where(terms > 0, above[:, None], below[:, None]) * terms
    estimate = terms.sum(axis=1)
    low = estimate - np.sqrt((down**2).sum(axis=1))
    high = estimate + np.sqrt((up**2).sum(axis=1))
    return np.asarray(low), np.asarray(high)


def jackknife(estimate: Array, replicates: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Interval from leaving out one part at a time, with Student's t of parts - 1 degrees of freedom.

    Parameters
    ----------
    estimate: from everything, shape (components,).
    replicates: without each part, shape (parts, components); fewer than three rows give NaN.
    """
    n = len(replicates)
    if n < 3:
        return np.full(len(estimate), np.nan), np.full(len(estimate), np.nan)
    error = np.sqrt((n - 1) / n * ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0))
    reach = scipy.stats.t.ppf((1 + level) / 2, n - 1) * error
    return estimate - reach, estimate + reach
