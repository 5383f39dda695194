"""Drifts as functions of every tensor that they depend on, so that gradients know where to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch.func import functional_call

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import Jacobian

Function = Callable[..., Any]
Tensors = tuple[torch.Tensor, ...]


def with_weights(f: Function, arguments: Tensors) -> tuple[Function, Tensors]:
    """The function f(state, *arguments, *weights), and its arguments followed by the weights of f.

    A function that is not a module has no weights and is returned as it is.
    """
    if not isinstance(f, torch.nn.Module):
        return f, arguments
    module, count = f, len(arguments)
    names, weights = _weights(module)

    def call(state: torch.Tensor, *tensors: torch.Tensor) -> Any:
        own = dict(zip(names, tensors[count:], strict=True))
        return functional_call(module, own, (state, *tensors[:count]))

    return call, (*arguments, *weights)


@dataclass(frozen=True)
class BoundDrift:
    """A drift under an intervention, in the form that `solve` takes.

    Attributes
    ----------
    f: dx/dt from (state, *arguments).
    arguments: the numbers of the intervention, then the weights of the drift.
    jacobian: J from (state, *arguments), or None where the drift does not know its own.
    """

    f: Function
    arguments: Tensors
    jacobian: Callable[..., Jacobian | None] | None

    @classmethod
    def of(cls, drift: Drift, intervention: Intervention) -> BoundDrift:
        """Rows of the intervention belong to rows of the state."""
        numbers = tuple(getattr(intervention, field.name) for field in fields(intervention))
        f, arguments = _unpacked(drift, "__call__", numbers)
        known = hasattr(drift, "low_rank_jacobian")
        return cls(f, arguments, _unpacked(drift, "low_rank_jacobian", numbers)[0] if known else None)


class _Caller(torch.nn.Module):
    """One method of a drift that is a module, as a module of its own: its weights can then be handed over."""

    def __init__(self, drift: torch.nn.Module, what: str) -> None:
        super().__init__()
        self.drift, self.what = drift, what

    def forward(self, state: torch.Tensor, *numbers: torch.Tensor) -> Any:
        return getattr(self.drift, self.what)(state, Intervention(*numbers))


def _unpacked(drift: Drift, what: str, numbers: Tensors) -> tuple[Function, Tensors]:
    """A method of a drift whose intervention comes as plain tensors, and all tensors that it takes."""
    if isinstance(drift, torch.nn.Module):
        return with_weights(_Caller(drift, what), numbers)
    return lambda state, *tensors: getattr(drift, what)(state, Intervention(*tensors)), numbers


def _weights(module: torch.nn.Module) -> tuple[tuple[str, ...], Tensors]:
    named = dict(module.named_parameters())
    return tuple(named), tuple(named.values())
