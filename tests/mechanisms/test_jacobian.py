"""Jacobians by programmes against dense ones."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.rest_systems import network, some_edits, toggle, unperturbed

from pajamo.mechanisms.flows import jacobian as module
from pajamo.mechanisms.flows.jacobian import DenseJacobian, LowRankJacobian, dense_jacobian, jacobian_of


@pytest.fixture
def pair():
    """The same Jacobians by programmes and dense, without the zero rows of clamped components; a vector."""
    drift, edits = network(9, 2), some_edits(4, 9)
    draw = torch.Generator().manual_seed(5)
    state, vector = torch.rand(2, 4, 9, generator=draw, dtype=torch.float64)
    with torch.no_grad():
        low_rank, dense = jacobian_of(drift, state, edits), dense_jacobian(drift, state, edits)
    assert isinstance(low_rank, LowRankJacobian)
    clamped = edits.held.double()
    return low_rank.minus(clamped), dense.minus(clamped), vector


def test_both_are_the_same_matrix(pair):
    low_rank, dense, vector = pair
    torch.testing.assert_close(low_rank.dense(), dense.dense())
    torch.testing.assert_close(low_rank.diagonal_entries(), dense.diagonal_entries())
    torch.testing.assert_close(low_rank.apply(vector), dense.apply(vector))
    torch.testing.assert_close(low_rank.apply_transposed(vector), dense.apply_transposed(vector))
    rows = torch.tensor([2, 0])
    torch.testing.assert_close(low_rank[rows].dense(), dense[rows].dense())


@pytest.mark.parametrize("entries", [1, 12, 1 << 20])
def test_both_solve_the_same_systems(pair, entries, monkeypatch):
    monkeypatch.setattr(module, "ENTRIES_AT_ONCE", entries)
    low_rank, dense, vector = pair
    for one, other in zip(_solved(low_rank, vector), _solved(dense, vector), strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(dense.apply(dense.factor().solve(vector)), vector)
    torch.testing.assert_close(dense.apply_transposed(dense.factor().solve_transposed(vector)), vector)


def _solved(jacobian, vector):
    factored, scale = jacobian.factor(), torch.full((4, 1), 0.3, dtype=torch.float64)
    implicit = jacobian.solver(scale)(vector)
    torch.testing.assert_close(implicit - scale * jacobian.apply(implicit), vector)
    return factored.solve(vector), factored.solve_transposed(vector), implicit


def test_the_sign_of_the_determinant():
    draw = torch.Generator().manual_seed(0)
    matrices = torch.randn(40, 5, 5, generator=draw, dtype=torch.float64)
    expected = torch.linalg.det(-matrices) > 0
    assert 5 < expected.sum() < 35
    assert torch.equal(DenseJacobian(matrices).factor().attracting, expected)
    diagonal = -torch.rand(40, 5, generator=draw, dtype=torch.float64)
    scale = 4.0 * torch.randn(40, 5, generator=draw, dtype=torch.float64)
    writes, reads = torch.randn(2, 5, 2, generator=draw, dtype=torch.float64)
    low_rank = LowRankJacobian(diagonal, scale, scale > -9.0, writes, reads)
    expected = torch.linalg.det(-low_rank.dense()) > 0
    assert 5 < expected.sum() < 35
    assert torch.equal(low_rank.factor().attracting, expected)


def test_a_network_of_full_rank_is_factored_as_a_matrix():
    drift, edits = network(4, 4), unperturbed(1, 4)
    state = torch.ones(1, 4, dtype=torch.float64)
    with torch.no_grad():
        factored = jacobian_of(drift, state, edits).factor()
        solved = factored.solve(state)
        torch.testing.assert_close(dense_jacobian(drift, state, edits).apply(solved), state)


def test_dense_jacobians_are_differentiable():
    drift, edits = toggle(), unperturbed(1, 2)
    state = torch.tensor([[0.5, 1.5]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: dense_jacobian(drift, x, edits).dense(), state)
    (found,) = torch.autograd.grad(
        dense_jacobian(drift, state, edits).dense()[0, 0, 1], drift.production.strength
    )
    y = 1.5
    torch.testing.assert_close(found, torch.tensor([-4 * y**3 / (1 + y**4) ** 2, 0.0], dtype=torch.float64))


def test_a_drift_that_ignores_the_state_has_none():
    found = dense_jacobian(lambda x, _: torch.ones_like(x), torch.ones(1, 3), unperturbed(1, 3))
    assert not found.dense().any()


def test_large_matrices_are_decomposed_one_at_a_time():
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 150, 150, generator=draw, dtype=torch.float64)
    vector = torch.randn(4, 150, generator=draw, dtype=torch.float64)
    solved = DenseJacobian(matrix).factor().solve(vector)
    torch.testing.assert_close(DenseJacobian(matrix).apply(solved), vector)


def test_programmes_with_a_slope_of_their_own():
    draw = torch.Generator().manual_seed(3)
    diagonal = -torch.rand(4, 9, generator=draw, dtype=torch.float64) - 0.5
    scale, vector = torch.randn(2, 4, 9, generator=draw, dtype=torch.float64)
    writes, reads = torch.randn(2, 9, 3, generator=draw, dtype=torch.float64)
    slope = torch.randn(4, 3, generator=draw, dtype=torch.float64)
    low_rank = LowRankJacobian(diagonal, scale, scale > -1.0, writes, reads, slope)
    matrix = scale[:, :, None] * ((writes * slope[:, None, :]) @ reads.T) * (scale > -1.0)[:, None, :]
    dense = DenseJacobian(matrix + torch.diag_embed(diagonal))
    torch.testing.assert_close(low_rank.dense(), dense.dense())
    torch.testing.assert_close(low_rank.diagonal_entries(), dense.diagonal_entries())
    torch.testing.assert_close(low_rank.apply(vector), dense.apply(vector))
    torch.testing.assert_close(low_rank.apply_transposed(vector), dense.apply_transposed(vector))
    torch.testing.assert_close(low_rank[torch.tensor([1])].dense(), dense[torch.tensor([1])].dense())
    for one, other in zip(_solved(low_rank, vector), _solved(dense, vector), strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(low_rank.factor().attracting, dense.factor().attracting)
