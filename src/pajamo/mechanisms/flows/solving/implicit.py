"""Linearly implicit Rosenbrock method of order 4 with an embedded order 3: for stiff flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import vjp, vmap

from pajamo.mechanisms.flows.jacobian import DenseJacobian, Factored, Jacobian
from pajamo.mechanisms.flows.solving.derivative import directional
from pajamo.mechanisms.flows.solving.failure import refuse_second_derivatives
from pajamo.mechanisms.flows.solving.method import Field, Increments, weighted

GAMMA = 0.25
NO_STEP = 1e-30
"""Stands for a step of 0, by which the linear systems would have to be divided."""
ENDS = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950)
STAGES = (
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    ENDS,
    (*ENDS, 1.0),
)
COUPLINGS = (
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
SECOND = (
    10.12623508344586,
    -7.487995877610167,
    -34.80091861555747,
    -7.992771707568823,
    1.025137723295662,
    0.0,
)
THIRD = (
    -0.6762803392801253,
    6.087714651680015,
    16.43084320892478,
    24.76722511418386,
    -6.594389125716872,
    0.0,
)


class Rosenbrock:
    """RODAS of Hairer and Wanner, Solving Ordinary Differential Equations II (1996), section IV.7.

    Six stages, each one linear system with the same matrix I - h/4 J, no Newton iteration. L-stable and stiffly
    accurate: what decays fast within a step is gone at its end. States inside a step are of order 3.
    """

    order = 4
    error_order = 3
    weights: Sequence[float] = (*ENDS, 1.0, 1.0)
    error_weights: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    dense: Sequence[Sequence[float]] = tuple(
        (whole + second, third - second, -third)
        for whole, second, third in zip(weights, SECOND, THIRD, strict=True)
    )

    def increments(
        self,
        field: Field,
        state: torch.Tensor,
        step: torch.Tensor,
        *,
        slope: torch.Tensor | None = None,
        jacobian: Callable[[torch.Tensor], Jacobian | None] | None = None,
        end_only: bool = False,  # noqa: ARG002 (the end needs all stages)
    ) -> Increments:
        """The six solutions u_i of (I - h/4 J) u_i = h/4 f(x + sum_j a_ij u_j) + 1/4 sum_j c_ij u_j."""
        solve = _System.of(field, state, GAMMA * step.clamp(min=NO_STEP), jacobian).solve
        slope = field(state) if slope is None else slope
        parts = [solve(GAMMA * step * slope)]
        for row, coupling in zip(STAGES, COUPLINGS, strict=True):
            slope = field(state + weighted(parts, row))
            parts.append(solve(GAMMA * (step * slope + weighted(parts, coupling))))
        return Increments(parts)


@dataclass(frozen=True)
class _System:
    """(I - scale J) y = r, factored once for all stages, and differentiable by r, x and the weights in J.

    The factors know no gradients. They come from J y, which is cheap: what the solution leaves over, r - y +
    scale J y, is zero as a number but not as a function, and solving for it once more adds its derivative.
    """

    factors: Factored
    scale: torch.Tensor
    product: Callable[[torch.Tensor], torch.Tensor]

    @classmethod
    def of(
        cls,
        field: Field,
        state: torch.Tensor,
        scale: torch.Tensor,
        jacobian: Callable[[torch.Tensor], Jacobian | None] | None,
    ) -> _System:
        known = jacobian(state) if jacobian else None
        with torch.no_grad():
            matrix = known or _dense(field, state.detach())
            factors = matrix.minus(1.0 / scale).factor()
        return cls(factors, scale, known.apply if known else lambda one: directional(field, state, one))

    def solve(self, right: torch.Tensor) -> torch.Tensor:
        """The solution y, shape (rows, components)."""
        with torch.no_grad():
            found = self.factors.solve(-right / self.scale)
        if not torch.is_grad_enabled():
            return found
        left_over = right - found + self.scale * self.product(found)
        more: torch.Tensor = _Solved.apply(self.factors, -left_over / self.scale)  # type: ignore[no-untyped-call]
        return found + more


class _Solved(torch.autograd.Function):
    """J^-1 r by factors that are taken as given; not differentiable twice."""

    @staticmethod
    def forward(ctx: Any, factors: Factored, right: torch.Tensor) -> torch.Tensor:
        ctx.factors = factors
        return factors.solve(right)

    @staticmethod
    def backward(ctx: Any, *sent: torch.Tensor) -> tuple[None, torch.Tensor]:
        refuse_second_derivatives()
        return None, ctx.factors.solve_transposed(sent[0])


def _dense(field: Field, state: torch.Tensor) -> Jacobian:
    """By one call of the field and one pull back, batched over the components; rows do not influence one another."""
    pull = vjp(field, state)[1]
    basis = torch.eye(state.shape[1], dtype=state.dtype, device=state.device)
    return DenseJacobian(vmap(lambda one: pull(one.expand_as(state))[0], out_dims=1)(basis))
