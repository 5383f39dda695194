"""The distribution of hidden tokens: it sums to one, and its loss is that of the definition."""

from __future__ import annotations

import math

import pytest
import torch
from tests.encoders.protein_packs import widened

from pajamo.measurements.masked_tokens import MaskedTokens

WIDTH = 12


@pytest.fixture
def head():
    return widened(MaskedTokens(WIDTH))


def described(places, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(places, WIDTH, generator=generator, dtype=torch.float64)
    embedding = torch.randn(33, WIDTH, generator=generator, dtype=torch.float64)
    return hidden.to(dtype), embedding.to(dtype)


def test_probabilities_sum_to_one(head):
    found = head.log_probabilities(*described(7))
    assert found.shape == (7, 33)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(7, dtype=torch.float64))


def test_the_loss_is_the_sum_of_what_was_missed(head):
    hidden, embedding = described(7)
    targets = torch.tensor([4, 5, 6, 23, 4, 9, 30])
    expected = -sum(
        head.log_probabilities(hidden, embedding)[row, token] for row, token in enumerate(targets)
    )
    torch.testing.assert_close(head.loss(hidden, embedding, targets), expected)


def test_without_weights_all_tokens_are_as_probable():
    head = MaskedTokens(WIDTH)
    hidden, _ = described(5, torch.float32)
    loss = head.loss(hidden, torch.zeros(33, WIDTH), torch.full((5,), 4))
    assert loss.item() == pytest.approx(5 * math.log(33), rel=1e-6)


def test_nothing_asked_costs_nothing_and_has_gradients(head):
    hidden, embedding = described(0)
    loss = head.loss(hidden, embedding.requires_grad_(), torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert all((weight.grad == 0).all() for weight in (*head.parameters(), embedding))


def test_gradients(head):
    hidden, embedding = described(3)
    targets = torch.tensor([4, 5, 6])

    def loss(*inputs):
        return head.loss(*inputs, targets)

    assert torch.autograd.gradcheck(loss, (hidden.requires_grad_(), embedding.requires_grad_()))


def test_sums_are_taken_in_32_bits():
    head = MaskedTokens(WIDTH).bfloat16()
    hidden, embedding = described(7, torch.bfloat16)
    assert head.loss(hidden, embedding, torch.full((7,), 4)).dtype == torch.float32
