"""Muon's change of a matrix against its singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.training.trainer.muon import change, orthogonalised


def gaussian(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize("shape", [(5, 5), (4, 16), (16, 4), (1, 6)])
def test_singular_values_come_near_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = gaussian(*shape)
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonalised(matrix) @ v.T
    assert values.min() > 0.02 * values.norm()
    diagonal = found.diagonal()
    assert torch.all((diagonal > 0.6) & (diagonal < 1.25))
    assert (found - torch.diag(diagonal)).abs().max() < 1e-10


def test_values_follow_the_quintic() -> None:
    matrix = torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64))
    values = torch.tensor([0.6, 0.8], dtype=torch.float64)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    torch.testing.assert_close(orthogonalised(matrix).diagonal(), values, rtol=1e-6, atol=0)


def test_the_scale_of_a_gradient_does_not_count_but_its_turning_does() -> None:
    matrix = gaussian(6, 3)
    turn, _ = torch.linalg.qr(gaussian(6, 6, seed=1))
    torch.testing.assert_close(orthogonalised(1e3 * matrix), orthogonalised(matrix), rtol=0, atol=1e-6)
    torch.testing.assert_close(orthogonalised(turn @ matrix), turn @ orthogonalised(matrix))


def test_matrices_with_more_rows_change_more() -> None:
    tall = gaussian(12, 3)
    torch.testing.assert_close(change(tall), 2 * orthogonalised(tall))
    torch.testing.assert_close(change(tall.T), orthogonalised(tall.T))
