"""Linear maps of guide-target pairs: equal to loops over positions, to convolutions and to their own design."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.data.assays.pairs import pairing
from pajamo.encoders.guides.linear import POOLED, MismatchMap, additive, convolution, pooled, smooth
from pajamo.encoders.sequence.encoder import LEVEL

LENGTH = 9
BUILD = {
    "additive": lambda changes, length=LENGTH: additive(length, changes, sd=2.0),
    "convolution": lambda changes, length=LENGTH: convolution(length, changes, 3, sd=2.0),
    "smooth": lambda changes, length=LENGTH: smooth(length, changes, 4, sd=2.0),
    "pooled": lambda changes, length=LENGTH: pooled(length, changes, 3, sd=2.0),
}
CASES = [(name, changes) for name in BUILD for changes in ("to", "kind")]


def planted(name, changes, seed=0):
    found = BUILD[name](changes).double()
    found.randomise(torch.Generator().manual_seed(seed))
    return found


def some_pairs(rows=40, length=LENGTH, seed=0):
    """Codes of every kind: matches, mismatches, deletions, insertions, unread bases, and the missing one."""
    codes = np.random.default_rng(seed).integers(0, pairing.SIZE + 1, (rows, length)).astype(np.uint8)
    return torch.as_tensor(codes)


def matched(length=LENGTH):
    """A guide with its own target."""
    base = np.arange(length) % 4
    return torch.as_tensor(pairing.pairing(base, base, np.zeros(length, int)))[None]


def differences(codes, changes):
    """What differs at each position, by the names of the channels: the same as the encoder's, said in Python."""
    found = []
    for code in codes.tolist():
        here = []
        if code < pairing.SIZE:
            guide, target, inserted = (int(part) for part in pairing.parts(np.uint8(code)))
            own, met, more = pairing.GUIDE[guide], pairing.TARGET[target], pairing.INSERTED[inserted]
            if own != "N" and met in pairing.BASES and own != met:
                here.append(f">{met}" if changes == "to" else f"{own}>{met}")
            if met == "-":
                here.append("-")
            if more != ".":
                here.append(f"+{more}")
        found.append(here)
    return found


def summed(encoder, changes, codes, weight):
    """Constant plus the sum over positions and differences of a weight (position, channel)."""
    listed = pairing.CHANNELS[changes]
    total = encoder.weights[0].item()
    for position, names in enumerate(differences(codes, changes)):
        total += sum(weight(position, listed.index(name)) for name in names)
    return total


@pytest.mark.parametrize("changes", ["to", "kind"])
def test_an_additive_map_is_a_sum_over_named_weights(changes):
    encoder, codes = planted("additive", changes), some_pairs()
    named = dict(zip(encoder.names(), encoder.weights.tolist(), strict=True))
    listed = pairing.CHANNELS[changes]
    expected = [summed(encoder, changes, row, lambda p, c: named[f"{p}{listed[c]}"]) for row in codes]
    np.testing.assert_allclose(encoder(codes).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("changes", ["to", "kind"])
@pytest.mark.parametrize("kernel", [1, 3, 7, 30])
def test_a_convolution_is_a_kernel_slid_along_the_window_and_summed(changes, kernel):
    encoder, codes = convolution(LENGTH, changes, kernel, sd=2.0).double(), some_pairs()
    encoder.randomise(torch.Generator().manual_seed(1))
    taps = min(kernel, LENGTH)
    switched = torch.as_tensor(pairing.channels(changes)).double()[codes.long()]
    filters = encoder.weights[1:].reshape(taps, -1).T[None]
    expected = torch.nn.functional.conv1d(switched.mT, filters).sum(dim=(1, 2)) + encoder.weights[0]
    torch.testing.assert_close(encoder(codes), expected)


def test_a_convolution_shares_one_weight_over_inner_positions():
    table = planted("convolution", "to").table
    torch.testing.assert_close(table[2:-2], table[2].expand(LENGTH - 4, -1))
    assert not torch.allclose(table[0], table[2])


def test_taps_of_a_kernel_are_no_copies_and_each_has_a_gradient_of_its_own():
    encoder, codes = planted("convolution", "to"), some_pairs()
    kernel = encoder.weights[1:].detach().reshape(3, -1)
    assert torch.cdist(kernel, kernel).fill_diagonal_(1.0).min() > 0.1
    (slope,) = torch.autograd.grad((encoder(codes) ** 2).sum(), encoder.weights)
    slope = slope[1:].reshape(3, -1)
    assert torch.cdist(slope, slope).fill_diagonal_(1.0).min() > 1e-3


def test_a_smooth_map_is_linear_between_its_knots():
    table = planted("smooth", "to").table.detach().numpy()
    knots = np.linspace(0, LENGTH - 1, 4)
    weights = planted("smooth", "to").weights.detach().numpy()[1:].reshape(4, -1)
    expected = [[np.interp(p, knots, column) for column in weights.T] for p in range(LENGTH)]
    np.testing.assert_allclose(table, expected, atol=1e-12)


def test_a_pooled_map_is_a_kernel_and_small_deviations_from_it():
    encoder = planted("pooled", "to")
    shared, own = planted("convolution", "to"), planted("additive", "to")
    with torch.no_grad():
        shared.weights[1:] = encoder.weights[1 : shared.features]
        own.weights[1:] = encoder.weights[shared.features :]
    torch.testing.assert_close(encoder.table, shared.table + own.table)
    assert encoder.prior_sd[1].item() == 2.0
    assert encoder.prior_sd[-1].item() == 2.0 * POOLED


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_a_matched_target_has_the_constant(name, changes):
    encoder = planted(name, changes)
    assert encoder(matched()).item() == encoder.weights[0].item()
    nothing = torch.full((1, LENGTH), pairing.SIZE, dtype=torch.uint8)
    assert encoder(nothing).item() == encoder.weights[0].item()


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_design_and_value_agree(name, changes):
    encoder, codes = planted(name, changes), some_pairs()
    design = encoder.design(codes)
    assert design.shape == (40, encoder.features) == (40, len(encoder.names()))
    assert design.dtype == encoder.weights.dtype
    torch.testing.assert_close(design @ encoder.weights, encoder(codes))
    assert len(set(encoder.names())) == encoder.features


@pytest.mark.parametrize("name", BUILD)
def test_derivatives_by_the_weights_are_right(name):
    encoder, codes = planted(name, "to"), some_pairs(3)

    def value(weights):
        return torch.func.functional_call(encoder, {"weights": weights}, (codes,)) ** 3

    weights = encoder.weights.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, weights)
    assert torch.autograd.gradgradcheck(value, weights)


@pytest.mark.parametrize("name", BUILD)
def test_many_starts_at_once_equal_one_after_another(name):
    encoder, codes = planted(name, "kind"), some_pairs(8)
    starts = torch.randn(3, encoder.features, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def value(weights):
        return torch.func.functional_call(encoder, {"weights": weights}, (codes,))

    together = torch.func.vmap(value)(starts)
    torch.testing.assert_close(together, torch.stack([value(one) for one in starts]))


@pytest.mark.parametrize("name", BUILD)
def test_a_window_of_one_position_is_read(name):
    encoder = BUILD[name]("to", 1).double()
    encoder.randomise(torch.Generator().manual_seed(0))
    codes = some_pairs(30, 1)
    torch.testing.assert_close(encoder.design(codes) @ encoder.weights, encoder(codes))


def test_the_prior_is_wider_for_the_matched_target():
    encoder = BUILD["additive"]("to")
    assert isinstance(encoder, MismatchMap)
    assert encoder.prior_sd[0].item() == LEVEL * 2.0
    encoder.weights.data[1] = 3.0
    assert encoder.penalty().item() == pytest.approx((3.0 / 2.0) ** 2 / 2)


def test_numbers_of_weights_are_those_of_what_positions_share():
    counts = {name: BUILD[name]("to", 20).features - 1 for name in BUILD}
    assert counts == {"additive": 20 * 10, "convolution": 3 * 10, "smooth": 4 * 10, "pooled": 23 * 10}
