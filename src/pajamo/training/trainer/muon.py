"""Muon: a matrix changes by the nearest orthogonal matrix to its gradient's running mean.

Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"
(kellerjordan.github.io/posts/muon).
"""

from __future__ import annotations

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic a x + b x^3 + c x^5, which quickly brings singular values of (0, 1] near 1 (as in the source)."""
ITERATIONS = 5


def orthogonalised(matrix: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Bring all singular values of a matrix near 1 (between about 0.7 and 1.2), keeping its singular vectors.

    Parameters
    ----------
    matrix: shape (rows, columns); computed in 32 bits on a CPU and in bfloat16, as the source does, on a GPU.

    Returns
    -------
    A matrix of the same shape and type.
    """
    a, b, c = COEFFICIENTS
    x = matrix.to(torch.bfloat16) if matrix.is_cuda else matrix
    # The product of the short side with itself is the smaller one.
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        squared = x @ x.T
        x = a * x + (b * squared + c * squared @ squared) @ x
    return (x.T if tall else x).to(matrix.dtype)


def change(matrix: Tensor) -> Tensor:
    """The change of a matrix at rate 1: orthogonalised, and larger for matrices with more rows than columns."""
    rows, columns = matrix.shape
    return orthogonalised(matrix) * max(1.0, rows / columns) ** 0.5
