"""Steady states of any scheme, however many spanning trees it has."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from pajamo.mechanisms.kinetics.absent import connected, infinite
from pajamo.mechanisms.kinetics.adjoint import pulled_back
from pajamo.mechanisms.kinetics.plan import Plan, plan_of
from pajamo.mechanisms.kinetics.reduction import occupied, reduce, tabulated
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.transforms import transformed


def by_elimination(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Log occupancies at steady state by eliminating states in logarithms, shape (..., states).

    The relative error of every occupancy, however small, is that of its own logarithm. Gradients come from
    the adjoint of the elimination, which remembers only the rates; where they are themselves to be
    differentiated (second derivatives, torch.func) the elimination is recorded by torch instead, slower and
    for any order.

    Parameters
    ----------
    log_rates: natural logarithms of the rates (any one unit of time), shape (..., transitions); -inf where a
        transition is absent.

    Raises
    ------
    ModelError: a row has no unique steady state.
    """
    plan = plan_of(scheme, (root_of(scheme),))
    rates = connected(scheme, log_rates)
    if transformed():  # a jvp within a jvp of an own function would be wrong
        return infinite(recorded(plan, rates))
    found: torch.Tensor = _Elimination.apply(rates, plan)  # type: ignore[no-untyped-call]
    return infinite(found)


def root_of(scheme: Scheme) -> int:
    """The recurrent state with the most transitions, which is eliminated last."""
    recurrent = [scheme.state(name) for name in scheme.recurrent]
    return max(recurrent, key=lambda state: sum(state in ends for ends in scheme.ends))


def recorded(plan: Plan, log_rates: torch.Tensor) -> torch.Tensor:
    """Log occupancies, shape (..., states), by operations that torch can differentiate any number of times."""
    logarithms = occupied(plan, reduce(plan, tabulated(plan, log_rates)))
    logarithms = logarithms - torch.logsumexp(logarithms, dim=0)
    return logarithms.mT.reshape(*log_rates.shape[:-1], len(logarithms))


class _Elimination(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, log_rates: torch.Tensor, plan: Plan) -> torch.Tensor:
        ctx.plan = plan
        ctx.save_for_backward(log_rates)
        return recorded(plan, log_rates)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (log_rates,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            _, pull = torch.func.vjp(partial(recorded, ctx.plan), log_rates)
            return pull(gradients[0])[0], None
        return pulled_back(ctx.plan, log_rates, gradients[0]), None
