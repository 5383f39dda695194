"""Does the order matter: the score of two operations."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.flow_systems import BOOST, KNOCKOUT, linear, segment, toggle

from pajamo.data.history import Edit
from pajamo.mechanisms.flows.commutator import commutator_score, leading_commutator

STATES = torch.tensor([[3.0, 1.0], [0.5, 0.2]], dtype=torch.float64)


def test_an_operation_commutes_with_itself():
    score = commutator_score(toggle(), STATES, segment(KNOCKOUT), segment(KNOCKOUT, time=2.0))
    torch.testing.assert_close(score, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-7)


def test_shifts_without_decay_commute():
    flow = linear(torch.zeros(2, 2, dtype=torch.float64))
    score = commutator_score(flow, STATES, segment(Edit("x", "shift", 1.0)), segment(BOOST, time=2.0))
    torch.testing.assert_close(score, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)


def test_score_of_two_shifts_in_closed_form():
    """dx/dt = u - x: F_a x = e x + (1 - e) a for e = exp(-1), so that swapping a and b moves by (1 - e)^2 (b - a)."""
    flow = linear(-torch.eye(2, dtype=torch.float64))
    a, b = Edit("x", "shift", 1.0), Edit("x", "shift", 3.0)
    start = torch.zeros(1, 2, dtype=torch.float64)
    e = float(torch.exp(torch.tensor(-1.0, dtype=torch.float64)))
    swapped, moved = 2.0 * (1 - e) ** 2, (1 - e) * (e * 1.0 + 3.0)
    assert commutator_score(flow, start, segment(a), segment(b)).item() == pytest.approx(
        swapped / moved, rel=1e-6
    )


def test_where_nothing_moves_the_score_is_zero():
    flow = linear(torch.zeros(2, 2, dtype=torch.float64))
    assert commutator_score(flow, STATES, segment(), segment(time=2.0)).tolist() == [0.0, 0.0]


def test_bracket_of_linear_drifts_is_the_commutator_of_their_matrices():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(2, 2, generator=generator, dtype=torch.float64) for _ in range(2))

    def drift(state, numbers):
        return state @ torch.where(numbers.factor[0, 0] == 0, first, second).T

    numbers = toggle().intervene([segment(KNOCKOUT)] * 2), toggle().intervene([segment()] * 2)
    found = leading_commutator(drift, STATES, *numbers)
    torch.testing.assert_close(found, STATES @ (second @ first - first @ second).T)
