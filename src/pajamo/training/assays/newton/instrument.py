"""The instrument's own parameters during a Newton fit: projected out where the problem in them is convex."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from pajamo.measurements.scalar.expansion import Expansion
from pajamo.measurements.scalar.measurement import Measurement

INNER_STEPS = 25


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

    def project(self, expansion: Expansion, tolerance: float) -> None:
        """Find the best parameters for the activities of an expansion, to so many nats (Newton, damped)."""
        value = expansion.value() + self.prior()
        for _ in range(INNER_STEPS):
            gradient, hessian = expansion.parameters()
            gradient = gradient + self.prior_slope()
            factor = torch.linalg.cholesky(hessian + self.precision())
            move = torch.cholesky_solve(gradient[:, None], factor)[:, 0]
            if 0.5 * float(gradient @ move) < tolerance:
                return
            value = self._descend(expansion, move, value)

    def _descend(self, expansion: Expansion, move: Tensor, value: float) -> float:
        here, share = self.vector, 1.0
        while True:
            self.set(here - share * move)
            reached = expansion.value() + self.prior()
            if reached < value or share < 1e-6:
                return reached
            share /= 2
