"""The leading eigenvalue of many Jacobians, with its left and right eigenvectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.jacobian import Jacobian

KRYLOV = 60
"""Vectors that Arnoldi's iteration keeps: enough to tell the leading real part from a cloud of eigenvalues."""
DEFECTIVE = 1e-8
"""Cosine between the two eigenvectors below which they are taken as perpendicular."""
Apply = Callable[[torch.Tensor], torch.Tensor]


def leading(jacobian: Jacobian, *, all_at_once: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Left and right eigenvectors of the eigenvalue with the largest real part, scaled to w* v = 1.

    Complex, each of shape (rows, components).

    Parameters
    ----------
    all_at_once: decompose dense matrices; if not, only products with the Jacobian are taken.

    Raises
    ------
    ModelError: the iteration does not converge, or the leading eigenvalue has no full set of eigenvectors.
    """
    left, right = _dense(jacobian.dense()) if all_at_once else _iterated(jacobian)
    left = left / torch.linalg.vector_norm(left, dim=-1, keepdim=True).clamp(min=1e-300)
    overlap = (left.conj() * right).sum(-1, keepdim=True)
    if not bool((overlap.abs() > DEFECTIVE).all()):
        raise ModelError(
            "the leading eigenvalue of a Jacobian is defective: it has no gradient",
            where=f"row {int(overlap.abs().argmin())}",
            why="two modes of the dynamics coincide exactly",
            fix="start the drift from weights that are not all equal or all zero",
        )
    return left / overlap.conj(), right


def _dense(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    values, vectors = torch.linalg.eig(matrix)
    rows = torch.arange(len(matrix), device=matrix.device)
    first = values.real.argmax(-1)
    # rows of the inverse are left eigenvectors; one system gives the row that is needed
    chosen = torch.nn.functional.one_hot(first, matrix.shape[-1]).to(vectors.dtype)
    left, failed = torch.linalg.solve_ex(vectors.mH, chosen.unsqueeze(-1))
    left = torch.where((failed == 0)[:, None], left.squeeze(-1), torch.zeros_like(left.squeeze(-1)))
    return left, vectors[rows, :, first]


def _iterated(jacobian: Jacobian) -> tuple[torch.Tensor, torch.Tensor]:
    diagonal = jacobian.diagonal_entries()
    pairs = []
    for row in range(len(diagonal)):
        one = jacobian[torch.tensor([row], device=diagonal.device)]
        value, right = _arnoldi(one.apply, diagonal[row], row, None)
        _, left = _arnoldi(one.apply_transposed, diagonal[row], row, value)
        pairs.append((left.conj(), right))
    left, right = (torch.from_numpy(np.stack(side)).to(diagonal.device) for side in zip(*pairs, strict=True))
    return left, right


def _arnoldi(
    apply: Apply, like: torch.Tensor, row: int, wanted: complex | None
) -> tuple[complex, np.ndarray]:
    """The eigenvalue of largest real part, or the one nearest to `wanted`, and its right eigenvector."""
    size = len(like)

    def product(vector: np.ndarray) -> np.ndarray:
        column = torch.from_numpy(vector.reshape(1, size)).to(like)
        return apply(column)[0].cpu().numpy()

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    first = np.random.default_rng(0).normal(size=size)
    try:
        values, vectors = eigs(
            operator, k=4, which="LR", v0=first, ncv=min(KRYLOV, size - 1), maxiter=50 * size
        )
    except ArpackNoConvergence as error:
        raise ModelError(
            "the leading eigenvalue of a Jacobian was not found",
            where=f"row {row}, {size} components",
            why="many modes of the dynamics decay at almost the same rate",
            fix="leave the stability hinge out for this model, or reduce the components",
        ) from error
    chosen = int(np.argmax(values.real) if wanted is None else np.argmin(np.abs(values - wanted)))
    return complex(values[chosen]), vectors[:, chosen]
