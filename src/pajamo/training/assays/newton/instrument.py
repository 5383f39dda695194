"""The instrument's own parameters during a Newton fit: projected out where the problem in them is convex."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from pajamo.measurements.scalar.expansion import Expansion
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.training.assays.newton.factor import factor

INNER_STEPS = 25
SMALLEST_SHARE = 1e-6
"""Least part of a step that is tried before the present parameters count as the best."""


class Instrument:
    """A measurement's parameters as a vector, with their prior, which is a quadratic."""

    def __init__(self, measurement: Measurement) -> None:
        self._measurement = measurement
        self._precision: Tensor | None = None

    @property
    def vector(self) -> Tensor:
        """The parameters, flat."""
        return parameters_to_vector(self._measurement.parameters()).detach().clone()

    @torch.no_grad()
    def set(self, vector: Tensor) -> None:
        """Take these parameters."""
        vector_to_parameters(vector, self._measurement.parameters())

    def prior(self) -> float:
        """Minus ln of the prior, in nats."""
        return float(self._measurement.penalty().detach())

    def prior_slope(self) -> Tensor:
        """Gradient of the prior."""
        parameters = list(self._measurement.parameters())
        penalty = self._measurement.penalty()
        if not penalty.requires_grad:
            return torch.zeros_like(self.vector)
        slopes = torch.autograd.grad(penalty, parameters, materialize_grads=True)
        return torch.cat([slope.reshape(-1) for slope in slopes])

    def precision(self) -> Tensor:
        """Hessian of the prior; made once, as the prior is a quadratic."""
        if self._precision is None:
            parameters = list(self._measurement.parameters())
            size = sum(p.numel() for p in parameters)
            penalty = self._measurement.penalty()
            if not penalty.requires_grad:
                self._precision = torch.zeros(size, size, dtype=torch.float64)
                return self._precision
            slopes = torch.autograd.grad(penalty, parameters, create_graph=True, materialize_grads=True)
            flat = torch.cat([slope.reshape(-1) for slope in slopes])
            rows = torch.autograd.grad(
                flat,
                parameters,
                torch.eye(size, dtype=flat.dtype),
                is_grads_batched=True,
                materialize_grads=True,
            )
            self._precision = torch.cat([row.reshape(size, -1) for row in rows], dim=1).double()
        return self._precision

    def value(self, expansion: Expansion) -> float:
        """Minus ln of likelihood and prior with the present parameters, in nats."""
        return expansion.value() + self.prior()

    def shift(self, expansion: Expansion, move: Tensor) -> None:
        """Move the parameters, unless that would raise the objective."""
        here, before = self.vector, self.value(expansion)
        self.set(here + move)
        if not self.value(expansion) <= before:
            self.set(here)

    def project(self, expansion: Expansion, tolerance: float) -> None:
        """Find the best parameters for the activities of an expansion, to so many nats (Newton, damped)."""
        value = self.value(expansion)
        for _ in range(INNER_STEPS):
            gradient, hessian = expansion.parameters()
            gradient = gradient + self.prior_slope()
            move = torch.cholesky_solve(gradient[:, None], factor(hessian + self.precision()))[:, 0]
            reached = None
            if not 0.5 * float(gradient @ move) < tolerance:
                reached = self._descend(expansion, move, value)
            if reached is None:
                return
            value = reached

    def _descend(self, expansion: Expansion, move: Tensor, value: float) -> float | None:
        """The objective after the first share of a move that lowers it; None, and nothing moved, if none does."""
        here, share = self.vector, 1.0
        while share > SMALLEST_SHARE:
            self.set(here - share * move)
            reached = self.value(expansion)
            if reached < value:
                return reached
            share /= 2
        self.set(here)
        return None
