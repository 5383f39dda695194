"""Second-order expansion of a measurement about the activity and the instrument's own parameters.

A Newton fit needs, of minus the log-likelihood, the derivatives by the activity of each row, by the instrument's
parameters, and across. Any measurement gets them by differentiating twice; one with structure gives its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pajamo.measurements.scalar.measurement import Measurement, Recorded

_Mixed = tuple[Tensor, list[tuple[Tensor, Tensor]]]
CHUNK = 16
"""Parameters whose rows of the Hessian are made at once."""


class Expansion(Protocol):
    """Derivatives of minus ln-likelihood at given activities and at the measurement's present parameters."""

    def value(self) -> float:
        """Minus ln-likelihood, in nats."""
        ...

    def activity(self, convex: bool) -> tuple[Tensor, Tensor]:
        """First and second derivative by each row's activity; `convex`: one that is never negative."""
        ...

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Gradient and Hessian by the instrument's parameters (flat, in their own order)."""
        ...

    def cross(self, jacobian: Tensor, convex: bool) -> Tensor:
        """Sum over rows of jacobian (rows, columns) times the mixed derivatives: (columns, parameters)."""
        ...


class AutogradExpansion:
    """The expansion of any measurement that can be differentiated twice."""

    def __init__(self, measurement: Measurement, activity: Tensor, recorded: Recorded) -> None:
        self._measurement, self._recorded = measurement, recorded
        self._activity = activity.detach()
        self._found: tuple[Tensor, _Mixed] | None = None

    def value(self) -> float:
        """Minus ln-likelihood, in nats."""
        with torch.no_grad():
            return -float(self._measurement.log_likelihood(self._activity, self._recorded).sum())

    def activity(self, convex: bool) -> tuple[Tensor, Tensor]:
        """First and second derivative by each row's activity."""
        at = self._activity.clone().requires_grad_(True)
        loss = -self._measurement.log_likelihood(at, self._recorded).sum()
        (slope,) = torch.autograd.grad(loss, at, create_graph=True)
        (second,) = torch.autograd.grad(slope.sum(), at)
        return slope.detach(), second.clamp(min=0.0) if convex else second

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Gradient and Hessian by the instrument's parameters."""
        gradient, rows = self._mixed()
        return gradient, torch.cat([row[1] for row in rows])

    def cross(self, jacobian: Tensor, convex: bool) -> Tensor:
        """Sum over rows of the jacobian times the mixed derivatives."""
        del convex
        _, rows = self._mixed()
        return torch.cat([(row[0].to(jacobian.dtype) @ jacobian).double() for row in rows]).T

    def _mixed(self) -> _Mixed:
        """Gradient by the parameters; for chunks of it, derivatives by activities and by parameters."""
        at = torch.cat([p.detach().reshape(-1) for p in self._measurement.parameters()])
        if self._found is None or not torch.equal(self._found[0], at):
            self._found = at.clone(), self._differentiated()
        return self._found[1]

    def _differentiated(self) -> _Mixed:
        parameters = list(self._measurement.parameters())
        at = self._activity.clone().requires_grad_(True)
        loss = -self._measurement.log_likelihood(at, self._recorded).sum()
        slopes = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
        gradient = torch.cat([slope.reshape(-1) for slope in slopes])
        found = []
        for directions in torch.eye(len(gradient), dtype=gradient.dtype).split(CHUNK):
            parts = torch.autograd.grad(
                gradient, [at, *parameters], directions, retain_graph=True, is_grads_batched=True,
                materialize_grads=True,
            )  # fmt: skip
            own = torch.cat([part.reshape(len(directions), -1) for part in parts[1:]], dim=1)
            found.append((parts[0], own))
        return gradient.detach(), found
