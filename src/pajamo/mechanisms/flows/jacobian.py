"""How a drift changes with the state: dense, or a diagonal plus a product of few programmes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from pajamo.mechanisms.flows.drift import Drift
    from pajamo.mechanisms.flows.intervention import Intervention

Solve = Callable[[torch.Tensor], torch.Tensor]
ENTRIES_AT_ONCE = 1 << 23
"""Entries of the table of products of programmes that are formed at a time (64 MiB in float64)."""

BATCHED_UP_TO = 128
"""Rows of a matrix up to which many are decomposed in one call. On processors, torch 2.13 with MKL and two threads
returns wrong pivots for batches of larger ones; one at a time they are right, and as fast."""


class Factored(Protocol):
    """A Jacobian that was factored once and solves many right-hand sides."""

    @property
    def attracting(self) -> torch.Tensor:
        """Whether det(-J) > 0, shape (rows,): true of every stable rest point, false of a saddle with one way out."""
        ...

    def solve(self, right: torch.Tensor) -> torch.Tensor:
        """J^-1 right, shape (rows, components)."""
        ...

    def solve_transposed(self, right: torch.Tensor) -> torch.Tensor:
        """J'^-1 right, shape (rows, components)."""
        ...


class Jacobian(Protocol):
    """d drift / d state, one matrix a row."""

    def __getitem__(self, rows: torch.Tensor) -> Jacobian: ...

    def minus(self, rate: torch.Tensor) -> Jacobian:
        """J - diag(rate), for a rate of shape (rows, components) or (rows, 1)."""
        ...

    def apply(self, vector: torch.Tensor) -> torch.Tensor:
        """J vector, shape (rows, components)."""
        ...

    def apply_transposed(self, vector: torch.Tensor) -> torch.Tensor:
        """J' vector, shape (rows, components)."""
        ...

    def dense(self) -> torch.Tensor:
        """The matrices themselves, shape (rows, components, components)."""
        ...

    def diagonal_entries(self) -> torch.Tensor:
        """Their diagonals, shape (rows, components)."""
        ...

    def factor(self) -> Factored:
        """Factor once."""
        ...

    def solver(self, scale: torch.Tensor) -> Solve:
        """Function from r to the solution y of (I - scale J) y = r, for a positive scale of shape (rows, 1)."""
        ...


@dataclass(frozen=True)
class DenseJacobian:
    """Any matrix, shape (rows, components, components)."""

    matrix: torch.Tensor

    def __getitem__(self, rows: torch.Tensor) -> DenseJacobian:
        return DenseJacobian(self.matrix[rows])

    def minus(self, rate: torch.Tensor) -> DenseJacobian:
        """J - diag(rate)."""
        return DenseJacobian(self.matrix - torch.diag_embed(rate.expand(self.matrix.shape[:-1])))

    def apply(self, vector: torch.Tensor) -> torch.Tensor:
        """J vector."""
        return (self.matrix @ vector.unsqueeze(-1)).squeeze(-1)

    def apply_transposed(self, vector: torch.Tensor) -> torch.Tensor:
        """J' vector."""
        return (self.matrix.mT @ vector.unsqueeze(-1)).squeeze(-1)

    def dense(self) -> torch.Tensor:
        """The matrices."""
        return self.matrix

    def diagonal_entries(self) -> torch.Tensor:
        """Their diagonals."""
        return torch.diagonal(self.matrix, dim1=-2, dim2=-1)

    def factor(self) -> DenseFactored:
        """LU decomposition."""
        return DenseFactored(*_lu(self.matrix), components=self.matrix.shape[-1])

    def solver(self, scale: torch.Tensor) -> Solve:
        """Solutions of (I - scale J) y = r."""
        return _implicit(self, scale)


@dataclass(frozen=True)
class DenseFactored:
    """LU decomposition of dense Jacobians."""

    triangles: torch.Tensor
    pivots: torch.Tensor
    components: int

    @property
    def attracting(self) -> torch.Tensor:
        """Whether det(-J) > 0."""
        return _sign(self.triangles, self.pivots) * (-1) ** self.components > 0

    def solve(self, right: torch.Tensor) -> torch.Tensor:
        """J^-1 right."""
        return torch.linalg.lu_solve(self.triangles, self.pivots, right.unsqueeze(-1)).squeeze(-1)

    def solve_transposed(self, right: torch.Tensor) -> torch.Tensor:
        """J'^-1 right."""
        column = right.unsqueeze(-1)
        return torch.linalg.lu_solve(self.triangles, self.pivots, column, adjoint=True).squeeze(-1)


@dataclass(frozen=True)
class LowRankJacobian:
    """J = diag(diagonal) + diag(scale) writes diag(slope) reads' diag(free): all listen to a few programmes.

    Attributes
    ----------
    diagonal: negative wherever the matrix is to be factored, shape (rows, components).
    scale: of what each component makes of the programmes, shape (rows, components).
    free: False where a component is clamped, so that nothing listens to its state, shape (rows, components).
    writes, reads: shared by all rows, shape (components, programmes).
    slope: how steeply each programme follows what it reads, shape (rows, programmes); one if not given.
    """

    diagonal: torch.Tensor
    scale: torch.Tensor
    free: torch.Tensor
    writes: torch.Tensor
    reads: torch.Tensor
    slope: torch.Tensor | None = None

    def __getitem__(self, rows: torch.Tensor) -> LowRankJacobian:
        slope = None if self.slope is None else self.slope[rows]
        return LowRankJacobian(
            self.diagonal[rows], self.scale[rows], self.free[rows], self.writes, self.reads, slope
        )

    def minus(self, rate: torch.Tensor) -> LowRankJacobian:
        """J - diag(rate)."""
        return replace(self, diagonal=self.diagonal - rate)

    def apply(self, vector: torch.Tensor) -> torch.Tensor:
        """J vector."""
        read = self._sloped(self._freed(vector) @ self.reads)
        return self.diagonal * vector + self.scale * (read @ self.writes.T)

    def apply_transposed(self, vector: torch.Tensor) -> torch.Tensor:
        """J' vector."""
        written = self._sloped((self.scale * vector) @ self.writes)
        return self.diagonal * vector + self._freed(written @ self.reads.T)

    def dense(self) -> torch.Tensor:
        """The matrices."""
        writes = self.writes if self.slope is None else self.writes * self.slope.unsqueeze(-2)
        product = self.scale.unsqueeze(-1) * (writes @ self.reads.T)
        return product * self.free.unsqueeze(-2) + torch.diag_embed(self.diagonal)

    def diagonal_entries(self) -> torch.Tensor:
        """Their diagonals."""
        both = self.writes * self.reads
        own = both.sum(-1) if self.slope is None else self.slope @ both.T
        return self.diagonal + self._freed(self.scale * own)

    def programmes(self, weight: torch.Tensor) -> torch.Tensor:
        """reads' diag(free weight) writes diag(slope): what programmes do to one another, (rows, rank, rank).

        Parameters
        ----------
        weight: of each component, shape (rows, components).
        """
        found = _weighted_products(self._freed(weight), self.reads, self.writes)
        return found if self.slope is None else found * self.slope.unsqueeze(-2)

    def factor(self) -> Factored:
        """Woodbury: the only matrix decomposed has one row and column a programme; dense where that is no gain."""
        components, rank = self.reads.shape
        if 2 * rank > components:
            return DenseJacobian(self.dense()).factor()
        small = self.programmes(self.scale / self.diagonal)
        small = small + torch.eye(small.shape[-1], dtype=small.dtype, device=small.device)
        return LowRankFactored(self, *_lu(small))

    def solver(self, scale: torch.Tensor) -> Solve:
        """Solutions of (I - scale J) y = r."""
        return _implicit(self, scale)

    def _freed(self, vector: torch.Tensor) -> torch.Tensor:
        return torch.where(self.free, vector, torch.zeros_like(vector))

    def _sloped(self, read: torch.Tensor) -> torch.Tensor:
        return read if self.slope is None else read * self.slope


@dataclass(frozen=True)
class LowRankFactored:
    """Woodbury: (D + A W S R')^-1 = D^-1 - D^-1 A W S (I + R' D^-1 A W S)^-1 R' D^-1."""

    jacobian: LowRankJacobian
    triangles: torch.Tensor
    pivots: torch.Tensor

    @property
    def attracting(self) -> torch.Tensor:
        """Whether det(-J) > 0, by det J = det D det(I + R' D^-1 A W S)."""
        outer = torch.sign(-self.jacobian.diagonal).prod(-1)
        return outer * _sign(self.triangles, self.pivots) > 0

    def solve(self, right: torch.Tensor) -> torch.Tensor:
        """J^-1 right."""
        j = self.jacobian
        direct = right / j.diagonal
        column = (j._freed(direct) @ j.reads).unsqueeze(-1)
        small = torch.linalg.lu_solve(self.triangles, self.pivots, column).squeeze(-1)
        return direct - j.scale / j.diagonal * (j._sloped(small) @ j.writes.T)

    def solve_transposed(self, right: torch.Tensor) -> torch.Tensor:
        """J'^-1 right."""
        j = self.jacobian
        direct = right / j.diagonal
        column = j._sloped((j.scale * direct) @ j.writes).unsqueeze(-1)
        small = torch.linalg.lu_solve(self.triangles, self.pivots, column, adjoint=True).squeeze(-1)
        return direct - j._freed(small @ j.reads.T) / j.diagonal


def jacobian_of(drift: Drift, state: torch.Tensor, intervention: Intervention) -> Jacobian:
    """d drift / d state: the drift's own `low_rank_jacobian` where it has one, else dense.

    Dense matrices come from automatic differentiation; rows of the drift must not depend on one another.

    Parameters
    ----------
    state: shape (rows, components).
    """
    own = getattr(drift, "low_rank_jacobian", None)
    structured = own(state, intervention) if own is not None else None
    return structured if structured is not None else dense_jacobian(drift, state, intervention)


def dense_jacobian(drift: Drift, state: torch.Tensor, intervention: Intervention) -> DenseJacobian:
    """d drift / d state as matrices, whatever the drift knows of its structure; differentiable in turn."""
    kept = torch.is_grad_enabled()
    with torch.enable_grad():
        point = state if kept and state.requires_grad else state.detach().requires_grad_()
        # the sum keeps a drift that does not depend on the state differentiable
        change = drift(point, intervention) + 0.0 * point
        basis = torch.eye(state.shape[-1], dtype=state.dtype, device=state.device)
        directions = basis.unsqueeze(1).expand(-1, *state.shape)
        (rows,) = torch.autograd.grad(change, point, directions, is_grads_batched=True, create_graph=kept)
    return DenseJacobian(rows.movedim(0, -2))


def derivative_along(
    drift: Drift, state: torch.Tensor, direction: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """J direction, shape (rows, components), without forming J; differentiable in turn."""
    own = getattr(drift, "low_rank_jacobian", None)
    structured = own(state, intervention) if own is not None else None
    if structured is not None:
        return structured.apply(direction)
    kept = torch.is_grad_enabled()
    with torch.enable_grad():
        point = state if kept and state.requires_grad else state.detach().requires_grad_()
        moved = directional(drift(point, intervention) + 0.0 * point, point, direction)
    return moved if kept else moved.detach()


def directional(value: torch.Tensor, at: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """d value / d at in a direction, shape of `value`, by differentiating twice backwards.

    u -> J' u is linear in u, and the gradient of (J' u) . direction by u is J direction. Forward differentiation
    would not pass through custom gradients such as that of a rest point.
    """
    form = torch.zeros_like(value, requires_grad=True)
    (pulled,) = torch.autograd.grad(value, at, form, create_graph=True)
    (pushed,) = torch.autograd.grad(pulled, form, direction, create_graph=True, materialize_grads=True)
    return pushed


def _implicit(jacobian: Jacobian, scale: torch.Tensor) -> Solve:
    factored = jacobian.minus(1.0 / scale).factor()
    return lambda right: factored.solve(-right / scale)


def _weighted_products(weight: torch.Tensor, reads: torch.Tensor, writes: torch.Tensor) -> torch.Tensor:
    """reads' diag(weight) writes of every row, as one product of matrices a slice of components."""
    components, rank = reads.shape
    found = weight.new_zeros(len(weight), rank * rank)
    size = max(1, ENTRIES_AT_ONCE // rank**2)
    for first in range(0, components, size):
        part = slice(first, first + size)
        table = (reads[part, :, None] * writes[part, None, :]).reshape(-1, rank * rank)
        found = found.addmm(weight[:, part], table)
    return found.reshape(-1, rank, rank)


def _lu(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if matrix.is_cuda or matrix.shape[-1] <= BATCHED_UP_TO:
        triangles, pivots, _ = torch.linalg.lu_factor_ex(matrix)
        return triangles, pivots
    each = [torch.linalg.lu_factor_ex(one)[:2] for one in matrix]
    return torch.stack([one for one, _ in each]), torch.stack([order for _, order in each])


def _sign(triangles: torch.Tensor, pivots: torch.Tensor) -> torch.Tensor:
    """Sign of the determinant, from the LU decomposition."""
    order = torch.arange(1, pivots.shape[-1] + 1, dtype=pivots.dtype, device=pivots.device)
    swaps = (pivots != order).sum(-1)
    diagonal = torch.diagonal(triangles, dim1=-2, dim2=-1)
    return torch.sign(diagonal).prod(-1) * (1 - 2 * (swaps % 2))
