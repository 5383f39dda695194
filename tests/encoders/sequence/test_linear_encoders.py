"""Additive, neighbour and pairwise maps: equal to sums over letters, to their dense design and to each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from pajamo.encoders.sequence import encoder as encoder_module
from pajamo.encoders.sequence import gather as gather_module
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.errors import ModelError

ENCODERS = [AdditiveEncoder, NeighbourEncoder, PairwiseEncoder]
ALPHABETS = ["ACGT", "ACGU", "*ACDEFGHIKLMNPQRSTVWY", "01"]


def planted(kind, length=6, letters="ACGT", seed=0):
    encoder = kind(length, letters, sd=2.0).double()
    encoder.randomise(torch.Generator().manual_seed(seed))
    return encoder


def some_codes(rows, length, letters, *, seed=0, missing=True):
    drawn = np.random.default_rng(seed).integers(0, len(letters) + missing, (rows, length))
    return torch.as_tensor(drawn.astype(np.uint8))


def pairs_of(encoder):
    length = encoder.length
    if isinstance(encoder, NeighbourEncoder):
        return [(i, i + 1) for i in range(length - 1)]
    return list(itertools.combinations(range(length), 2)) if isinstance(encoder, PairwiseEncoder) else []


def by_hand(encoder, sequence):
    """The sum over named features, in Python."""
    weights = dict(zip(encoder.names(), encoder.weights.tolist(), strict=True))
    letters = [encoder.letters[code] if code < len(encoder.letters) else None for code in sequence]
    names = [f"{i}{a}" for i, a in enumerate(letters) if a]
    names += [f"{i}{letters[i]}:{j}{letters[j]}" for i, j in pairs_of(encoder) if letters[i] and letters[j]]
    return weights["constant"] + sum(weights[name] for name in names)


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("letters", ALPHABETS)
def test_the_value_is_the_sum_over_named_features(kind, letters):
    encoder, codes = planted(kind, 5, letters), some_codes(20, 5, letters)
    expected = [by_hand(encoder, sequence) for sequence in codes.tolist()]
    np.testing.assert_allclose(encoder(codes).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ENCODERS)
def test_design_adjoint_and_value_agree(kind):
    encoder, codes = planted(kind), some_codes(50, 6, "ACGT")
    design = encoder.design(codes)
    assert design.shape == (50, encoder.features) == (50, len(encoder.names()))
    torch.testing.assert_close(design @ encoder.weights, encoder(codes))
    values = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder.adjoint(values, codes), design.T @ values)


@pytest.mark.parametrize("kind", ENCODERS)
def test_normal_equations_by_indices_equal_the_dense_ones(kind):
    encoder, codes = planted(kind, 4), some_codes(30, 4, "ACGT")
    places = encoder.indices(codes)
    assert places.shape == (30, encoder.active)
    size = encoder.features + 1
    normal = torch.zeros(size, size, dtype=torch.float64)
    rows, columns = places[:, :, None].expand(-1, -1, encoder.active), places[:, None, :]
    normal.index_put_((rows, columns), torch.ones((), dtype=torch.float64), accumulate=True)
    design = encoder.design(codes)
    torch.testing.assert_close(normal[:-1, :-1], design.T @ design)


@pytest.mark.parametrize("kind", ENCODERS)
def test_missing_letters_contribute_nothing(kind):
    encoder = planted(kind)
    nothing = torch.full((1, 6), 4, dtype=torch.uint8)
    assert encoder(nothing).item() == encoder.weights[0].item()
    short = kind(4, "ACGT").double()
    cut = [i for i, name in enumerate(encoder.names()) if name in set(short.names())]
    short.weights.data = encoder.weights.data[cut]
    codes = some_codes(10, 6, "ACGT", missing=False)
    codes[:, 4:] = 4
    torch.testing.assert_close(encoder(codes), short(codes[:, :4]))


@pytest.mark.parametrize("kind", ENCODERS)
def test_blocks_of_rows_change_nothing(kind, monkeypatch):
    encoder, codes = planted(kind), some_codes(33, 6, "ACGT")
    whole = encoder(codes)
    (slope,) = torch.autograd.grad((whole**2).sum(), encoder.weights)
    monkeypatch.setattr(gather_module, "ENTRIES", 50)
    blocked = encoder(codes)
    torch.testing.assert_close(blocked, whole)
    torch.testing.assert_close(torch.autograd.grad((blocked**2).sum(), encoder.weights)[0], slope)


@pytest.mark.parametrize("kind", ENCODERS)
def test_first_and_second_derivatives_are_right(kind):
    encoder, codes = planted(kind, 3, "01"), some_codes(4, 3, "01")

    def value(weights):
        return torch.func.functional_call(encoder, {"weights": weights}, (codes,)) ** 3

    weights = encoder.weights.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, weights)
    assert torch.autograd.gradgradcheck(value, weights)


@pytest.mark.parametrize("kind", ENCODERS)
def test_many_starts_at_once_equal_one_after_the_other(kind):
    encoder, codes = planted(kind), some_codes(8, 6, "ACGT")
    starts = torch.randn(3, encoder.features, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def loss(weights):
        return (torch.func.functional_call(encoder, {"weights": weights}, (codes,)) ** 2).sum()

    together = torch.func.vmap(torch.func.grad(loss))(starts)
    apart = torch.stack([torch.func.grad(loss)(one) for one in starts])
    torch.testing.assert_close(together, apart)


def test_a_pairwise_map_without_distant_pairs_is_the_neighbour_map():
    neighbour, pairwise = planted(NeighbourEncoder), PairwiseEncoder(6, "ACGT").double()
    place = {name: i for i, name in enumerate(pairwise.names())}
    with torch.no_grad():
        for name, weight in zip(neighbour.names(), neighbour.weights, strict=True):
            pairwise.weights[place[name]] = weight
    codes = some_codes(40, 6, "ACGT")
    torch.testing.assert_close(pairwise(codes), neighbour(codes))


def test_the_number_of_features_is_that_of_independent_tables():
    assert AdditiveEncoder(75, "ACGT").features == 1 + 75 * 4
    assert NeighbourEncoder(75, "ACGT").features == 1 + 75 * 4 + 74 * 16
    assert PairwiseEncoder(84, "ACDEFGHIKLMNPQRSTVWY").features == 1 + 84 * 20 + 84 * 83 // 2 * 400


def test_views_of_the_weights_are_where_their_names_say():
    encoder = planted(PairwiseEncoder, 3)
    named = dict(zip(encoder.names(), encoder.weights.tolist(), strict=True))
    assert encoder.matrix[1, 2].item() == named["1G"]
    assert encoder.pair_matrices[1, 0, 3].item() == named["0A:2T"]


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_prior_is_a_gaussian_about_the_given_matrix(kind):
    matrix = torch.arange(8.0).reshape(2, 4)
    encoder = kind(2, "ACGT", sd=2.0, matrix=matrix)
    assert encoder.penalty().item() == 0.0
    torch.testing.assert_close(encoder.matrix, matrix)
    encoder.weights.data[1] += 3.0
    assert encoder.penalty().item() == pytest.approx(3.0**2 / (2 * 2.0**2))


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_random_start_depends_on_its_generator_alone(kind):
    first, second = planted(kind, seed=3), planted(kind, seed=3)
    second.randomise(torch.Generator().manual_seed(3))
    assert torch.equal(first.weights, second.weights)
    assert not torch.equal(first.weights, planted(kind, seed=4).weights)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_any_integers_are_letters(dtype):
    encoder, codes = planted(PairwiseEncoder), some_codes(5, 6, "ACGT")
    torch.testing.assert_close(encoder(codes.to(dtype)), encoder(codes))


def test_a_dense_design_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(encoder_module, "DENSE", 1000)
    encoder = planted(AdditiveEncoder)
    assert encoder.design(some_codes(40, 6, "ACGT")).shape == (40, 25)
    with pytest.raises(ModelError, match="41 sequences by 25 features"):
        encoder.design(some_codes(41, 6, "ACGT"))


def test_a_window_of_one_letter_has_no_pairs():
    for kind in (NeighbourEncoder, PairwiseEncoder):
        encoder = planted(kind, 1)
        assert encoder.features == 5
        torch.testing.assert_close(encoder(torch.tensor([[2]]))[0], encoder.weights[0] + encoder.weights[3])


def test_all_pairs_of_a_protein_pass_through_without_a_dense_table():
    """84 positions: a dense product of one-hot letters would take 22 GB for these rows in float64."""
    letters = "ACDEFGHIKLMNPQRSTVWY"
    encoder, codes = planted(PairwiseEncoder, 84, letters), some_codes(1000, 84, letters)
    encoder(codes).sum().backward()
    assert encoder.weights.grad.sum().item() == pytest.approx(
        (encoder.indices(codes) < encoder.features).sum()
    )


@pytest.mark.parametrize("starts", [[0], [3, 4, 5, 6], [9, 0, 4, 4], range(10)])
def test_a_scan_equals_one_window_after_the_other(starts):
    encoder, codes = planted(AdditiveEncoder), some_codes(12, 15, "ACGT")
    naive = torch.stack([encoder(codes[:, first : first + 6]) for first in starts], dim=1)
    scanned = encoder.scan(codes, starts)
    torch.testing.assert_close(scanned, naive)
    (slope,) = torch.autograd.grad((naive**2).sum(), encoder.weights)
    torch.testing.assert_close(torch.autograd.grad((scanned**2).sum(), encoder.weights)[0], slope)


def test_a_scan_in_blocks_equals_a_scan_at_once(monkeypatch):
    encoder, codes = planted(AdditiveEncoder), some_codes(12, 15, "ACGT")
    whole = encoder.scan(codes, range(10))
    monkeypatch.setattr("pajamo.encoders.sequence.additive.ENTRIES", 100)
    torch.testing.assert_close(encoder.scan(codes, range(10)), whole)
