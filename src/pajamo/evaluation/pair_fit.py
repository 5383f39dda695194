"""Fit a double perturbation by its singles: delta_ab ~ c1 delta_a + c2 delta_b."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pajamo.data.pseudobulk import Array

HUBER_TUNING: Final = 1.345
"""Residuals beyond this many robust standard deviations lose weight (95 % efficiency for normal errors)."""
RIDGE: Final = 1e-8
MOST_CORRECTION: Final = 0.5
"""Share of the singles' moments that may be taken off as noise."""


@dataclass(frozen=True)
class PairNoise:
    """Variances by gene behind one pair; each of shape (genes,).

    Attributes
    ----------
    first, second: squared standard errors of the singles' means.
    control: of the control mean that both singles refer to.
    double: of the double's change, its own control included.
    """

    first: Array
    second: Array
    control: Array
    double: Array

    def without_double(self) -> PairNoise:
        """The same for a sum of the singles alone."""
        return replace(self, double=np.zeros_like(self.double))


def least_squares(singles: Array, double: Array) -> Array:
    """Coefficients (2,) that minimise the squared residual; singles (genes, 2), double (genes,)."""
    gram = singles.T @ singles
    return _solve(gram, singles.T @ double)


def noise_corrected(singles: Array, double: Array, noise: PairNoise) -> Array:
    """Least squares without the attenuation that noisy singles cause.

    The expected noise is taken off the singles' moments, (X'X - N) c = X'y (Fuller 1987, Measurement
    Error Models, eq. 2.2.5), where N holds the singles' variances and, everywhere, that of their common
    control. In no direction is more than half of the moment taken off: beyond that the correction
    itself is noise.
    """
    shared = noise.control.sum()
    expected = np.array([[noise.first.sum() + shared, shared], [shared, noise.second.sum() + shared]])
    gram = singles.T @ singles
    # The largest share s <= 1 of the noise with gram - s * noise >= (1 - MOST_CORRECTION) * gram.
    relative = np.linalg.eigvals(np.linalg.solve(gram + _ridge(gram), expected)).real.max()
    share = 1.0 if relative <= MOST_CORRECTION else MOST_CORRECTION / relative
    return _solve(gram - share * expected, singles.T @ double)


def huber(singles: Array, double: Array, steps: int = 50) -> Array:
    """Robust coefficients (2,), by iteratively reweighted least squares from the least-squares fit.

    Source: Huber 1964, Ann. Math. Stat. 35:73; scale from the median absolute residual.
    """
    coefficients = least_squares(singles, double)
    for _ in range(steps):
        residual = double - singles @ coefficients
        scale = np.median(np.abs(residual)) / 0.6745
        if scale <= 0:
            break
        size = np.maximum(np.abs(residual) / (HUBER_TUNING * scale), 1.0)
        weighted = singles / size[:, None]
        updated = _solve(weighted.T @ singles, weighted.T @ double)
        done = np.abs(updated - coefficients).max() < 1e-9
        coefficients = updated
        if done:
            break
    return coefficients


def residual_square(
    singles: Array, double: Array, coefficients: Array, noise: PairNoise
) -> tuple[float, float]:
    """Squared norm of what the fit does not explain, noise taken off, with its standard error.

    With independent normal errors of known variance v a gene's squared residual has mean r² + v and
    variance 2 v² + 4 r² v. Each gene's r² is estimated and cut at zero, which makes the standard
    error up to a third too large, never too small.
    """
    c1, c2 = coefficients
    variance = noise.double + c1**2 * noise.first + c2**2 * noise.second + (c1 + c2) ** 2 * noise.control
    square = (double - singles @ coefficients) ** 2
    true = np.maximum(square - variance, 0.0)
    return float((square - variance).sum()), float(np.sqrt((2 * variance**2 + 4 * true * variance).sum()))


def _ridge(gram: Array) -> Array:
    return np.asarray(RIDGE * max(float(np.trace(gram)), 1e-300) * np.eye(2))


def _solve(gram: Array, moments: Array) -> Array:
    # Two singles that are the same leave only the sum of the coefficients: the ridge shares it equally.
    return np.asarray(np.linalg.solve(gram + _ridge(gram), moments))
