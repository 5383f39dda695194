"""Cholesky factors of curvatures that are positive in theory, but maybe not to the last bit."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.errors import ModelError

FIRST_RIDGE = 1e-12
"""Share of the mean diagonal that is added first; it grows a hundredfold until there is a factor."""
LAST_RIDGE = 1e-2


def factor(matrix: Tensor) -> Tensor:
    """Lower Cholesky factor of a symmetric matrix, with as small a ridge as it needs.

    Raises
    ------
    ModelError: it holds values that are not finite, or is far from positive definite.
    """
    found, failed = torch.linalg.cholesky_ex(matrix)
    ridge = FIRST_RIDGE
    while bool(failed) and ridge <= LAST_RIDGE and bool(torch.isfinite(matrix).all()):
        size = ridge * matrix.diagonal().abs().mean()
        found, failed = torch.linalg.cholesky_ex(matrix + size * torch.eye(len(matrix), dtype=matrix.dtype))
        ridge *= 100.0
    if bool(failed):
        raise not_finite("the curvature by the instrument's parameters")
    return found


def not_finite(what: str) -> ModelError:
    """The error where a fit meets values with which it cannot go on."""
    return ModelError(
        f"{what} is not finite or not positive",
        why="numbers in the table, or energies, are too extreme for double precision",
        fix="look for extreme counts, readings, errors or concentrations, and give weaker initial values",
    )
