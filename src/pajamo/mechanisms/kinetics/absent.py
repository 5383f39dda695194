"""Transitions that are absent in some rows: log rates of -inf, without a single nan in values or gradients.

Inside the solvers an absent transition has a log rate of `ABSENT`: so small that its exponential is 0 beside
anything else, and finite, so that sums, differences and derivatives stay finite too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.kinetics.connectivity import closed_classes
from pajamo.mechanisms.kinetics.scheme import Scheme

ABSENT = -1e30
SMALLEST = -1e28
"""A log weight below it contains an absent transition."""


def finite(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """The log rates of a scheme with `ABSENT` in place of -inf.

    Raises
    ------
    ModelError: the number of rates is not that of the transitions.
    """
    if log_rates.shape[-1:] != (len(scheme.transitions),):
        raise ModelError(
            f"log rates for {len(scheme.transitions)} transitions are needed",
            where=f"an array of shape {tuple(log_rates.shape)}",
            fix="the last axis is that of scheme.transitions, in their order",
        )
    return torch.where(log_rates.isneginf(), ABSENT, log_rates)


def connected(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """The log rates as `finite` gives them, once each row is known to have one steady state.

    Raises
    ------
    ModelError: the transitions that are absent in some row leave it without a unique steady state.
    """
    checked: torch.Tensor = _Connected.apply(finite(scheme, log_rates), scheme)  # type: ignore[no-untyped-call]
    return checked


def infinite(log_weights: torch.Tensor) -> torch.Tensor:
    """-inf for what contains an absent transition, with a gradient of 0; the rest is left as it is."""
    return torch.where(log_weights < SMALLEST, -torch.inf, log_weights)


class _Connected(torch.autograd.Function):
    """The identity. A function of its own because values can only be looked at there under vmap."""

    @staticmethod
    def forward(log_rates: torch.Tensor, scheme: Scheme) -> torch.Tensor:
        absent = log_rates.detach() < SMALLEST
        if bool(absent.any()):
            for pattern in absent.reshape(-1, absent.shape[-1]).unique(dim=0).tolist():
                _refuse_unconnected(scheme, tuple(pattern))
        return log_rates.view_as(log_rates)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is needed later."""

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ARG004
        return gradient, None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> torch.Tensor:  # noqa: ARG004
        return tangent.view_as(tangent)

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int, None], log_rates: torch.Tensor, scheme: Scheme) -> Any:
        return _Connected.apply(log_rates.movedim(in_dims[0], 0), scheme), 0


@lru_cache(maxsize=1024)
def _refuse_unconnected(scheme: Scheme, absent: tuple[bool, ...]) -> None:
    present = [ends for ends, without in zip(scheme.ends, absent, strict=True) if not without]
    classes = closed_classes(len(scheme.states), present)
    if len(classes) > 1:
        missing = [
            f"{source} -> {target}"
            for (source, target), without in zip(scheme.transitions, absent, strict=True)
            if without
        ]
        named = [shorten([scheme.states[i] for i in members]) for members in classes]
        raise ModelError(
            "a row has no unique steady state",
            where=f"rates of zero: {shorten(missing)}",
            why="without them nothing leaves " + ", and nothing ".join(f"{{{members}}}" for members in named),
            fix="give at least one of these transitions a rate above zero, however small",
        )
