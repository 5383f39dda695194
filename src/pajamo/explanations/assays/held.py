"""The posterior with one quantity held: a constant, or the energy with which a site binds the wild type."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pajamo.explanations.assays.gauging import buffer, linear_readers
from pajamo.explanations.assays.quantities import Quantity
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.newton.gauge import basis
from pajamo.training.assays.newton.problem import Problem, Quadratic


class StillProblem(Problem):
    """A problem whose instruments keep their scales, so that all points of a profile share one objective."""

    def lay(self) -> None:
        """Leave the scales as the optimum has them."""


class HeldProblem(StillProblem):
    """A problem whose steps leave a linear function g of its coordinates as it is.

    One coordinate, the pivot (the constant itself, or the constant of a site's energy), has g = 1 and follows the
    others: x_pivot = value - sum of g x over the others. The objective is then a function of the others alone.
    """

    def __init__(self, assembly: Assembly, parts: tuple[Rows, ...], quantity: Quantity) -> None:
        super().__init__(assembly, parts)
        self._quantity = quantity
        self._direction, self._pivot = self._held()
        others = torch.arange(self.coordinates.size) != self._pivot
        self._along = torch.eye(self.coordinates.size, dtype=torch.float64)[:, others]
        self._along[self._pivot] = -self._direction[others]

    def _held(self) -> tuple[Tensor, int]:
        """The function's coefficients, shape (coordinates,), and the pivot."""
        quantity, direction = self._quantity, torch.zeros(self.coordinates.size, dtype=torch.float64)
        if quantity.features is None:
            place = self.assembly.blueprint.term(quantity.of)
            pivot = dict(self.coordinates.constants)[place]
            direction[pivot] = 1.0
            return direction, pivot
        where = next(block.where for block in self.coordinates.readers if block.key == quantity.read_by)
        direction[where] = torch.as_tensor(quantity.features) @ basis(
            linear_readers(self.assembly)[quantity.read_by]
        )
        # The first weight that the quantity holds: a reader's constant, or the own weight of a step of an R-loop.
        pivot = int(direction.nonzero()[0])
        return direction, pivot

    @property
    def size(self) -> int:
        """Number of parameters that steps move."""
        return self.coordinates.size - 1

    @property
    def value(self) -> float:
        """Where the quantity stands, in the unit of its term."""
        return self._quantity.value(self.assembly) / self._quantity.scale

    def put(self, value: float) -> None:
        """Move the quantity, and nothing else that is a coordinate."""
        move = torch.zeros(self.coordinates.size, dtype=torch.float64)
        move[self._pivot] = value - self.value
        self.coordinates.move(move)

    def step(self, move: Tensor, quadratic: Quadratic, tolerance: float) -> float:
        """Move the others, and the pivot along with them; returns the objective."""
        return super().step(self._along @ move, quadratic, tolerance)

    def expand(self, convex: bool) -> Quadratic:
        """The expansion in the others; instruments respond to all coordinates, as `step` moves all."""
        whole, along = super().expand(convex), self._along
        scale = ((along**2).T @ whole.scale**2).sqrt()
        return replace(
            whole, gradient=along.T @ whole.gradient, hessian=along.T @ whole.hessian @ along, scale=scale
        )

    def slope(self) -> float:
        """Nats by which the profile rises per unit of the quantity.

        That of the objective along the pivot, less what the others' own slopes make of it: they need not be at
        their best exactly, and follow the pivot far.
        """
        whole, along = super().expand(False), self._along
        others, mixed = along.T @ whole.hessian @ along, along.T @ whole.hessian[self._pivot]
        left = torch.linalg.pinv(others, hermitian=True) @ (along.T @ whole.gradient)
        return float(whole.gradient[self._pivot] - mixed @ left) - self._own_slope()

    def _own_slope(self) -> float:
        """Of the prior of a constant itself."""
        if self._quantity.features is not None:
            return 0.0
        mean, sd = self._mean_and_sd()
        return (self.value - mean) / sd**2

    def own_prior(self) -> float:
        """Nats that the prior of a constant itself costs, which the profile leaves out."""
        if self._quantity.features is not None:
            return 0.0
        mean, sd = self._mean_and_sd()
        return ((self.value - mean) / sd) ** 2 / 2

    def _mean_and_sd(self) -> tuple[float, float]:
        """Mean and sd of the constant."""
        assembly = self.assembly
        number = assembly.constant_terms.index(assembly.blueprint.term(self._quantity.of))
        return float(buffer(assembly, "constant_mean")[number]), float(
            buffer(assembly, "constant_sd")[number]
        )
