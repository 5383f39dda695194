"""Whether torch.func (vmap, grad, jvp and what is made of them) is transforming what is computed just now."""

from __future__ import annotations

from typing import Any

import torch


def transformed() -> bool:
    """Whether a transform traces the values, so that own derivatives do not hold and no value can be looked at.

    torch has no public question for it, but refuses under any transform an autograd.Function that does not separate
    its context from its forward pass ("Extending torch.func with autograd.Function", torch's manual): it is asked by
    way of such a function, which does nothing.
    """
    try:
        _Refused.apply(torch.empty(0))  # type: ignore[no-untyped-call]
    except RuntimeError:
        return True
    return False


class _Refused(torch.autograd.Function):
    """Runs only where nothing is transformed, as it has no `setup_context`."""

    @staticmethod
    def forward(ctx: Any, nothing: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return nothing

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return gradients[0]
