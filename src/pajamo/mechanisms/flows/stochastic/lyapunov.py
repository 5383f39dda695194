"""The Lyapunov equation A S + S A' + D = 0, for many systems at once and with gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.jacobian import BATCHED_UP_TO

DOUBLINGS = 60
"""Enough for rates that differ by a factor of 2^50; a system that needs more is not stable in float64."""


def lyapunov(matrix: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The symmetric S with A S + S A' + D = 0: the stationary covariance of dX = A X dt + D^(1/2) dW.

    Gradients come from one more equation with the transposed matrix, A' Y + Y A + G = 0: dL/dD = Y and
    dL/dA = 2 Y S.

    Parameters
    ----------
    matrix: A, stable, shape (..., components, components).
    noise: D, symmetric, same shape.

    Raises
    ------
    ModelError: some A is not stable: it has an eigenvalue whose real part is not negative.
    """
    shape = torch.broadcast_shapes(matrix.shape, noise.shape)
    solved: torch.Tensor = _Lyapunov.apply(matrix.expand(shape), noise.expand(shape))
    return solved


class _Lyapunov(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        solved = _refined(matrix, (noise + noise.mT) / 2)
        ctx.save_for_backward(matrix, solved)
        return solved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        matrix, solved = ctx.saved_tensors
        adjoint = _refined(matrix.mT, (gradient + gradient.mT) / 2)
        return 2.0 * adjoint @ solved, adjoint


def _refined(matrix: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The doubled sum, and one correction by what is left of the equation."""
    if matrix.dim() > 2 and matrix.shape[-1] > BATCHED_UP_TO:
        each = [_refined(one, made) for one, made in zip(matrix, noise, strict=True)]
        return torch.stack(each)
    first = _doubled(matrix, noise)
    return first + _doubled(matrix, matrix @ first + first @ matrix.mT + noise)


def _doubled(matrix: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """S = sum of C^k Q C'^k, C the Cayley transform of A, in doubling steps (Smith 1968, SIAM J. Appl. Math. 16:198).

    With p > 0, C = (p - A)^-1 (p + A) and Q = 2 p (p - A)^-1 D (p - A')^-1.
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    shift = _shift(matrix) * identity
    left = torch.linalg.inv(shift - matrix)
    carried = left @ (shift + matrix)
    total = 2.0 * shift @ left @ noise @ left.mT
    for _ in range(DOUBLINGS):
        size = torch.linalg.matrix_norm(carried).amax()
        if not bool(size < 1e100):
            break
        total = carried @ total @ carried.mT + total
        if bool(size < 1e-9):
            return (total + total.mT) / 2
        carried = carried @ carried
    raise _unstable(matrix)


def _shift(matrix: torch.Tensor) -> torch.Tensor:
    """A rate between the slowest and the fastest, shape (..., 1, 1)."""
    fast = torch.linalg.matrix_norm(matrix)
    slow = 1.0 / torch.linalg.matrix_norm(torch.linalg.pinv(matrix)).clamp(min=1e-30)
    return (fast * slow).sqrt().clamp(min=1e-12)[..., None, None]


def _unstable(matrix: torch.Tensor) -> ModelError:
    margin = torch.linalg.eigvals(matrix).real.amax(-1).flatten()
    row = int(margin.argmax())
    return ModelError(
        "a linear system is not stable, so that it has no stationary covariance",
        where=f"row {row}: largest real part of an eigenvalue {float(margin[row]):.3g} per unit of time",
        why="fluctuations grow instead of dying out",
        fix="add the stability hinge to the loss, or use transient_covariance for the time that was measured",
    )
