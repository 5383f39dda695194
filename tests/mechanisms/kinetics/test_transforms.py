"""Transforms of torch.func are noticed, alone and within one another, and nothing else is taken for one."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev, vjp, vmap

from pajamo.mechanisms.kinetics.transforms import transformed

ONE = torch.ones(3, dtype=torch.float64)


def noting(seen: list[bool]):
    """A function that notes whether it is transformed."""

    def square(x: torch.Tensor) -> torch.Tensor:
        seen.append(transformed())
        return (x**2).sum()

    return square


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own use
@pytest.mark.parametrize(
    "transform",
    [grad, jacrev, jacfwd, hessian, vmap, lambda f: vmap(grad(f)), lambda f: lambda x: vjp(f, x)[0]],
)
def test_a_transform_is_noticed(transform) -> None:
    seen: list[bool] = []
    transform(noting(seen))(ONE)
    assert seen
    assert all(seen)
    assert not transformed()


def test_plain_differentiation_is_no_transform() -> None:
    seen: list[bool] = []
    square = noting(seen)
    with torch.no_grad():
        square(ONE)
    square(ONE.clone().requires_grad_()).backward()
    torch.autograd.functional.hessian(square, ONE)
    assert seen == [False] * 3
