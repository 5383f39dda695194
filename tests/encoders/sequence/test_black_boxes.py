"""Networks and convolutions: equal to one-hot references, blind to missing letters, their members apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pajamo.encoders.sequence import black_box
from pajamo.encoders.sequence.black_box import members_in_turn, most_members
from pajamo.encoders.sequence.convolution import ConvolutionEncoder
from pajamo.encoders.sequence.layers import Layer
from pajamo.encoders.sequence.network import NetworkEncoder

BOXES = [NetworkEncoder, ConvolutionEncoder]


def box_of(kind, length=10, letters="ACGT", *, members=3, seed=1, **more):
    box = kind(length, letters, (5, 4), sd=2.0, members=members, **more).double()
    box.randomise(torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed + 1)
    for layer in box.layers:
        layer.bias.data = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float64)
    return box


def some_codes(rows, length=10, letters="ACGT", *, missing=True):
    drawn = np.random.default_rng(0).integers(0, len(letters) + missing, (rows, length))
    return torch.as_tensor(drawn.astype(np.uint8))


def one_hot(codes, letters=4):
    return torch.nn.functional.one_hot(codes.long(), letters + 1)[..., :-1].double()


def through_head(head, member, values):
    for layer in [*head.deeper, head.last]:
        values = torch.nn.functional.silu(values) @ layer.weight[member] + layer.bias[member]
    return values[..., 0]


def naive_network(box, codes):
    flat = one_hot(codes).flatten(1)
    first = [flat @ box.first.weight[m] + box.first.bias[m] for m in range(box.members)]
    return torch.stack([through_head(box.head, m, values) for m, values in enumerate(first)])


def naive_convolution(box, codes):
    """torch's own convolution on one-hot letters, and averages over blocks of positions."""
    before = (box.width - 1) // 2
    letters = torch.nn.functional.pad(one_hot(codes).transpose(1, 2), (before, box.width - 1 - before))
    found = []
    for m in range(box.members):
        kernel = box.filters.weight[m].reshape(box.width, 4, -1).permute(2, 1, 0)
        values = torch.nn.functional.conv1d(letters, kernel, box.filters.bias[m, 0])
        seen = torch.nn.functional.silu(values) * (codes < 4)[:, None]
        blocks = [
            seen[..., i : i + box.pool].sum(dim=-1) / box.pool for i in range(0, codes.shape[1], box.pool)
        ]
        pooled = torch.stack(blocks, dim=1).flatten(1)
        found.append(through_head(box.head, m, pooled @ box.mixing.weight[m] + box.mixing.bias[m]))
    return torch.stack(found)


NAIVE = {NetworkEncoder: naive_network, ConvolutionEncoder: naive_convolution}


@pytest.mark.parametrize("kind", BOXES)
def test_members_equal_their_one_hot_reference_and_the_value_is_their_mean(kind):
    box, codes = box_of(kind), some_codes(20)
    naive = NAIVE[kind](box, codes)
    torch.testing.assert_close(box.values(codes.expand(3, -1, -1)), naive)
    torch.testing.assert_close(box(codes), naive.mean(dim=0))


@pytest.mark.parametrize("kind", BOXES)
@pytest.mark.parametrize("rows", [1, 2, 3, 20])
def test_in_turn_each_row_is_read_by_one_member(kind, rows):
    box, codes = box_of(kind), some_codes(rows)
    naive = NAIVE[kind](box, codes)
    with members_in_turn(box):
        taken = box(codes)
    torch.testing.assert_close(taken, naive[torch.arange(rows) % 3, torch.arange(rows)])
    assert not box.in_turn


def break_off(parts):
    with members_in_turn(parts):
        assert parts[0].in_turn
        raise KeyboardInterrupt


def test_turns_end_even_if_training_breaks_off():
    parts = torch.nn.ModuleList([box_of(NetworkEncoder), Layer(1, 2, 2, sd=1.0)])
    assert most_members(parts) == 3
    assert most_members(parts[1]) == 1
    with pytest.raises(KeyboardInterrupt):
        break_off(parts)
    assert not parts[0].in_turn


@pytest.mark.parametrize("kind", BOXES)
def test_members_learn_apart(kind):
    box, codes = box_of(kind, members=2), some_codes(4)
    with members_in_turn(box):
        box(codes)[1].backward()
    for layer in box.layers:
        assert layer.weight.grad[0].abs().sum() == 0
        assert layer.weight.grad[1].abs().sum() > 0


@pytest.mark.parametrize("kind", BOXES)
def test_positions_beyond_the_end_play_no_part(kind):
    box, codes = box_of(kind, 9), some_codes(6, 9, missing=False)
    codes[:, 6:] = 4
    before = box(codes)
    (slope,) = torch.autograd.grad(before.sum(), (box.first if kind is NetworkEncoder else box.mixing).weight)
    first_unseen = 6 * 4 if kind is NetworkEncoder else 2 * 5
    assert slope[:, first_unseen:].abs().sum() == 0
    assert slope[:, :first_unseen].abs().sum() > 0


def test_a_filter_finds_its_motif_wherever_it_is():
    """With one block over all positions, moving a motif within a constant background changes nothing."""
    box = box_of(ConvolutionEncoder, 20, width=3, pool=20)
    codes = torch.zeros(2, 20, dtype=torch.uint8)
    codes[0, 5:8] = codes[1, 11:14] = torch.tensor([1, 2, 3])
    values = box(codes)
    torch.testing.assert_close(values[0], values[1])
    assert abs(values[0] - box(torch.zeros(1, 20, dtype=torch.uint8))[0]) > 1e-3


@pytest.mark.parametrize("kind", BOXES)
def test_the_gradient_is_right(kind):
    box, codes = box_of(kind, 5, "01", members=2), some_codes(3, 5, "01")
    names, weights = zip(*box.named_parameters(), strict=True)

    def value(*given):
        return torch.func.functional_call(box, dict(zip(names, given, strict=True)), (codes,))

    assert torch.autograd.gradcheck(value, [weight.detach().clone().requires_grad_() for weight in weights])


@pytest.mark.parametrize("kind", BOXES)
def test_blocks_of_rows_change_nothing(kind, monkeypatch):
    box, codes = box_of(kind), some_codes(23)
    whole = box(codes)
    monkeypatch.setattr(black_box, "ROWS", 4)
    torch.testing.assert_close(box(codes), whole)


@pytest.mark.parametrize("kind", BOXES)
def test_the_penalty_is_that_of_one_member_and_knows_no_rows(kind):
    one, many = box_of(kind, members=1), box_of(kind, members=4)
    for single, several in zip(one.layers, many.layers, strict=True):
        several.weight.data = single.weight.data.expand(4, -1, -1).clone()
        several.bias.data = single.bias.data.expand(4, -1, -1).clone()
    torch.testing.assert_close(many.penalty(), one.penalty())
    by_hand = sum((p**2).sum() / (2 * layer.sd**2) for layer in one.layers for p in layer.parameters())
    torch.testing.assert_close(one.penalty(), by_hand)


def test_random_starts_are_draws_from_the_prior_that_give_values_of_the_asked_size():
    box = NetworkEncoder(30, "ACGT", (128, 128), sd=3.0, members=8).double()
    box.randomise(torch.Generator().manual_seed(5))
    for layer in box.layers:
        assert layer.weight.std().item() == pytest.approx(layer.sd, rel=0.1)
    values = box.values(some_codes(200, 30, missing=False).expand(8, -1, -1))
    assert 1.0 < math.sqrt((values**2).mean().item()) < 9.0


@pytest.mark.parametrize("kind", BOXES)
def test_a_random_start_depends_on_its_generator_alone(kind):
    first, second = kind(6, "ACGT"), kind(6, "ACGT")
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    first.randomise(torch.Generator().manual_seed(3))
    assert not torch.equal(first.head.last.weight, second.head.last.weight)
    second.randomise(torch.Generator().manual_seed(3))
    assert torch.equal(first.head.last.weight, second.head.last.weight)


@pytest.mark.parametrize("kind", BOXES)
@pytest.mark.parametrize(("length", "hidden"), [(1, (3,)), (2, (3, 2, 2)), (17, (4,))])
def test_any_length_and_depth(kind, length, hidden):
    box = kind(length, "ACDEFGHIKLMNPQRSTVWY", hidden)
    assert box(some_codes(4, length, "ACDEFGHIKLMNPQRSTVWY")).shape == (4,)
