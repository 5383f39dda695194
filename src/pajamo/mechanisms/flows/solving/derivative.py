"""Derivatives of a drift along directions of its state, without forming a matrix."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.func import vjp

Field = Callable[[torch.Tensor], torch.Tensor]


def pushed(field: Field, state: torch.Tensor) -> tuple[torch.Tensor, Field]:
    """f(x), and the function from v to Df(x) v, all of shape (rows, components).

    u -> Df(x)' u is linear, so that pulling v back through it gives Df(x) v; torch's forward differentiation
    would do it in one pass, but loads decompositions that torch itself has deprecated.
    """
    slope, pull = vjp(field, state)[:2]
    push = vjp(lambda upward: pull(upward)[0], torch.zeros_like(state))[1]
    return slope, lambda direction: push(direction)[0]


def directional(field: Field, state: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Df(x) v, shape (rows, components)."""
    return pushed(field, state)[1](direction)
