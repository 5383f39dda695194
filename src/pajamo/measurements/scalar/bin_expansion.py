"""Second-order expansion of a sorter's bins, from small dense products over the segments of the spline's grid.

Rows are put in the order of their segment. In a segment only four basis functions are not zero, so that each sum over
its rows touches four knots of every bin: the cost is that of the rows, not of rows times all knots.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from pajamo.measurements.scalar.splines import LOCAL, SplineGrid


class BinExpansion:
    """Derivatives of minus ln-likelihood of read counts in bins (and an unsorted library of weight 1).

    With z the bins' ln-weights and p the probabilities of a read, d/dz = n p - counts and d2/dz2 = n (diag p - p p').
    """

    def __init__(
        self, curves: Tensor, grid: SplineGrid, activity: Tensor, counts: Tensor, library: Tensor | None
    ) -> None:
        segment, values, slopes, bends = grid.derivatives(activity.detach())
        self._order = torch.argsort(segment, stable=True)
        self._values, self._slopes, self._bends = values[self._order], slopes[self._order], bends[self._order]
        self._counts = counts[self._order]
        self._library = None if library is None else library[self._order]
        self._reads = self._counts.sum(dim=1) + (0.0 if self._library is None else self._library)
        edges = torch.searchsorted(segment[self._order], torch.arange(grid.segments + 1)).tolist()
        self._spans = [(s, i, j) for s, (i, j) in enumerate(pairwise(edges)) if j > i]
        self._grid, self._source = grid, curves

    @property
    def _coefficients(self) -> Tensor:
        return self._source.detach().double().T

    def value(self) -> float:
        """Minus ln-likelihood, in nats."""
        weights = self._mixed(self._values)
        total = self._log_total(weights)
        return float((self._reads * total).sum() - (self._counts * weights).sum())

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Gradient and Hessian by the coefficients, in the order (bin, knot)."""
        p, residual = self._state()
        knots, bins = self._grid.size, p.shape[1]
        gradient = p.new_zeros(knots, bins)
        hessian = p.new_zeros(knots * bins, knots * bins)
        rooted = self._reads.sqrt()[:, None] * p
        every = torch.arange(bins)
        for s, i, j in self._spans:
            near = self._values[i:j]
            gradient[s : s + LOCAL] += near.T @ residual[i:j]
            outer = (near[:, :, None] * rooted[i:j, None, :]).reshape(j - i, LOCAL * bins)
            block = (-outer.T @ outer).reshape(LOCAL, bins, LOCAL, bins)
            squares = (near[:, :, None] * near[:, None, :]).reshape(j - i, -1) * self._reads[i:j, None]
            block[:, every, :, every] += (squares.T @ p[i:j]).reshape(LOCAL, LOCAL, bins).permute(2, 0, 1)
            reach = slice(s * bins, (s + LOCAL) * bins)
            hessian[reach, reach] += block.reshape(LOCAL * bins, LOCAL * bins)
        by_bin = hessian.reshape(knots, bins, knots, bins).permute(1, 0, 3, 2)
        return gradient.T.flatten(), by_bin.reshape(knots * bins, knots * bins)

    def activity(self, convex: bool) -> tuple[Tensor, Tensor]:
        """First and second derivative by each row's activity, in the rows' own order."""
        p, residual = self._state()
        slopes = self._mixed(self._slopes)
        first = (slopes * residual).sum(dim=1)
        mean = (slopes * p).sum(dim=1)
        second = self._reads * ((slopes**2 * p).sum(dim=1) - mean**2)
        if not convex:
            second = second + (self._mixed(self._bends) * residual).sum(dim=1)
        return self._unsorted(first), self._unsorted(second)

    def cross(self, jacobian: Tensor, convex: bool) -> Tensor:
        """Sum over rows of jacobian (rows, columns) times the mixed derivatives: (columns, bins x knots)."""
        p, residual = self._state()
        slopes = self._mixed(self._slopes)
        core = self._reads[:, None] * p * (slopes - (slopes * p).sum(dim=1, keepdim=True))
        knots, bins = self._grid.size, p.shape[1]
        total = p.new_zeros(jacobian.shape[1], knots, bins)
        ordered = jacobian[self._order]
        for s, i, j in self._spans:
            mixed = self._values[i:j, :, None] * core[i:j, None, :]
            if not convex:
                mixed = mixed + self._slopes[i:j, :, None] * residual[i:j, None, :]
            part = ordered[i:j].T @ mixed.reshape(j - i, LOCAL * bins).to(jacobian.dtype)
            total[:, s : s + LOCAL] += part.reshape(len(total), LOCAL, bins)
        return total.transpose(1, 2).reshape(len(total), knots * bins)

    def _mixed(self, basis: Tensor) -> Tensor:
        mixed = torch.empty(len(basis), self._coefficients.shape[1], dtype=basis.dtype)
        coefficients = self._coefficients
        for s, i, j in self._spans:
            mixed[i:j] = basis[i:j] @ coefficients[s : s + LOCAL]
        return mixed

    def _log_total(self, weights: Tensor) -> Tensor:
        if self._library is not None:
            weights = torch.nn.functional.pad(weights, (1, 0))
        return torch.logsumexp(weights, dim=1)

    def _state(self) -> tuple[Tensor, Tensor]:
        """Probability of a read in each bin, and expected minus recorded reads; (rows, bins)."""
        weights = self._mixed(self._values)
        p = (weights - self._log_total(weights)[:, None]).exp()
        return p, self._reads[:, None] * p - self._counts

    def _unsorted(self, ordered: Tensor) -> Tensor:
        back = torch.empty_like(ordered)
        back[self._order] = ordered
        return back
