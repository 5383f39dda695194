"""A linear network at steady state, estimated from perturbed means: x = W x + b, cycles allowed.

Each gene's level is regressed on those of all others over the conditions in which it was not perturbed itself:
ridge regression in the dual, so that conditions, not genes, set the size of every system. Regressors are measured
with error, which would shrink W however many cells there are (attenuation); they are replaced by their conditional
mean given the data, a Wiener filter along shared programmes (regression calibration; Carroll et al. 2006,
Measurement Error in Nonlinear Models, ch. 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.encoders.programmes import wiener_filter
from pajamo.models.base import Array

MOST_LEVERAGE = 1.0 - 1e-6
"""A gene that alone makes a programme would otherwise be regressed on itself divided by zero."""


@dataclass(frozen=True)
class LinearNetwork:
    """W = left right - diag(own): low-rank but for its diagonal, which is zero.

    Attributes
    ----------
    left: shape (genes, conditions).
    right: shape (conditions, genes).
    own: what the product puts on the diagonal, shape (genes,).
    """

    left: Array
    right: Array
    own: Array

    def weights(self, columns: NDArray[np.intp]) -> Array:
        """W of all genes on some regulators, shape (genes, columns)."""
        chosen = self.left @ self.right[:, columns]
        chosen[columns, np.arange(len(columns))] = 0.0
        return chosen

    def total(self, columns: NDArray[np.intp]) -> Array:
        """Columns of T = (I - W)^-1: total effect of a unit added to each gene, (genes, columns), by Woodbury."""
        inverse = 1.0 / (1.0 + self.own)
        inner = np.eye(len(self.right)) - (self.right * inverse) @ self.left
        unit = np.zeros((len(self.own), len(columns)))
        unit[columns, np.arange(len(columns))] = inverse[columns]
        solved = np.linalg.lstsq(inner, self.right[:, columns] * inverse[columns], rcond=1e-10)[0]
        return np.asarray(unit + inverse[:, None] * (self.left @ solved))


def response_to_held(total: Array, columns: NDArray[np.intp], kept: Array, forcing: Array) -> Array:
    """Change of all genes when the equations of a set S of targets are edited; closed form.

    Targets follow x_S = kept (W x)_S + forcing instead of their own equation, all other genes theirs. With
    T = (I - W)^-1 the change is T_.S a, [kept + (1 - kept) T_SS] a = forcing. kept = 0 holds the levels, which
    gives the set-knockout formula T_.S T_SS^-1 x_S; kept = 1 adds a shift, T_.S x_S, and shifts add.

    Parameters
    ----------
    total: columns S of T, shape (genes, targets).
    columns: S, shape (targets,).
    kept, forcing: shape (targets,).
    """
    inner = np.diag(kept) + (1.0 - kept)[:, None] * total[columns]
    return np.asarray(total @ np.linalg.lstsq(inner, forcing, rcond=1e-10)[0])


@dataclass(frozen=True)
class NetworkData:
    """Changes in units of their noise, and what the estimate of W needs of them at any penalty.

    Attributes
    ----------
    changes: shape (conditions, genes), each divided by the noise of its condition and gene.
    filtered: the same, what programmes do not share taken off.
    scale: noise of each gene, in the changes' unit, shape (genes,).
    targets: for each condition the columns of its own targets.
    """

    changes: Array
    filtered: Array
    scale: Array
    targets: Sequence[NDArray[np.intp]]

    @classmethod
    def of(cls, delta: Array, scale: Array, noise: Array, targets: Sequence[NDArray[np.intp]]) -> NetworkData:
        """Weigh and filter.

        Parameters
        ----------
        delta: changes, shape (conditions, genes).
        scale: standard deviation between cells of each gene, shape (genes,).
        noise: variance of each condition's change, in units of scale squared, shape (conditions,).
        targets: for each condition the columns of its own targets.
        """
        weight = np.sqrt(noise.mean() / noise)[:, None]
        typical = float(1.0 / noise.mean())
        filtered = wiener_filter(delta, np.zeros((0, delta.shape[1])), scale, typical)
        return cls(weight * delta / scale, weight * filtered / scale, scale, targets)

    def fit(self, penalty: float) -> LinearNetwork:
        """Estimate W; `penalty` is in units of the mean square of a condition's filtered changes."""
        gram = self.filtered @ self.filtered.T
        ridge = penalty * max(float(np.trace(gram)) / len(gram), np.finfo(float).tiny)
        inverse = np.asarray(np.linalg.inv(gram + ridge * np.eye(len(gram))), dtype=np.float64)
        onto, own = inverse @ self.changes, inverse @ self.filtered
        leverage = np.minimum((self.filtered * own).sum(axis=0), MOST_LEVERAGE)
        dual = onto + own * ((self.filtered * onto).sum(axis=0) / (1.0 - leverage))
        for gene, rows in self._perturbed_in().items():
            dual[:, gene] = self._without(inverse, gene, rows)
        left, right = dual.T * self.scale[:, None], self.filtered / self.scale
        return LinearNetwork(left, right, (left * right.T).sum(axis=1))

    def _without(self, inverse: Array, gene: int, rows: list[int]) -> Array:
        """Dual weights of one gene from the conditions in which it is no target."""
        regressor, answer = self.filtered[:, gene], self.changes[:, gene]
        own = inverse @ regressor
        without_self = inverse + np.outer(own, own) / (1.0 - min(float(regressor @ own), MOST_LEVERAGE))
        full = without_self @ answer
        block = without_self[:, rows]
        return np.asarray(full - block @ np.linalg.solve(block[rows], full[rows]))

    def _perturbed_in(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row, columns in enumerate(self.targets):
            for column in columns:
                found.setdefault(int(column), []).append(row)
        return found
