"""From log rates of edited and unedited cells to the mean that a screen reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from pajamo.measurements.counts import mean_log1p
from pajamo.models.base import Array
from pajamo.units import NORMALISATION_TARGET

LIBRARIES = 5
"""Typical libraries (mid-quantiles of the training cells) over which the reported mean is averaged."""
STEP = 1e-4


@dataclass(frozen=True)
class ReportedMean:
    """Mean of ln(1 + CP10K) of negative binomial counts, zeros and all.

    Attributes
    ----------
    libraries: typical library sizes.
    dispersion: shape (genes,).
    """

    libraries: Array
    dispersion: Array

    @classmethod
    def of(cls, library_size: Array, dispersion: Array) -> ReportedMean:
        """Take mid-quantiles of the libraries."""
        return cls(np.quantile(library_size, (np.arange(LIBRARIES) + 0.5) / LIBRARIES), dispersion)

    def __call__(self, log_rate: Array) -> Array:
        """Mean at log rates of shape (..., genes)."""
        terms = [
            mean_log1p(size * np.exp(log_rate), self.dispersion, NORMALISATION_TARGET / size)
            for size in self.libraries
        ]
        return np.asarray(np.mean(terms, axis=0))

    def slope(self, log_rate: Array) -> Array:
        """Derivative of the mean in the log rate."""
        return (self(log_rate + STEP) - self(log_rate - STEP)) / (2.0 * STEP)

    def of_mixture(self, baseline: Array, effects: Array, edited: Sequence[float]) -> Array:
        """Mean over cells that carry each edit independently, with its own probability.

        Parameters
        ----------
        baseline: log rates of unedited cells, shape (genes,).
        effects: of the edits, shape (edits, genes).
        edited: probability of each edit.
        """
        total = np.zeros_like(baseline)
        for carried, probability in _states(edited):
            if probability > 0.0:
                total += probability * self(baseline + carried @ effects)
        return total


def mixture_effect(effect: Array, edited: Array | float) -> Array:
    """Change of the mean log rate of a mixture, ln(1 + e (exp(effect) - 1))."""
    return np.asarray(np.log1p(edited * np.expm1(effect)))


def mixture_slope(effect: Array, edited: Array | float) -> Array:
    """How fast that change grows with the effect."""
    return np.asarray(edited * np.exp(effect) / (1.0 + edited * np.expm1(effect)))


def _states(edited: Sequence[float]) -> Iterator[tuple[Array, float]]:
    """Each set of edits that a cell may carry, and its probability."""
    for carried in product((0.0, 1.0), repeat=len(edited)):
        chances = [e if has else 1.0 - e for has, e in zip(carried, edited, strict=True)]
        yield np.array(carried), float(np.prod(chances))
