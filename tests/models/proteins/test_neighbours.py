"""Frequencies of residues given their neighbours, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.proteins.alphabet import CLS, EOS, MASK, TOKENS
from pajamo.data.proteins.pack import Pack
from pajamo.models.proteins.neighbours import CONTEXTS, PRIOR, NeighbourTable

LETTER = {letter: number for number, letter in enumerate(TOKENS)}


def pack(*sequences: str, asked: tuple[int, ...] = ()) -> Pack:
    pieces = [np.array([CLS, *(LETTER[s] for s in sequence), EOS], np.uint8) for sequence in sequences]
    tokens, places = np.concatenate(pieces), np.array(asked, dtype=np.int64)
    targets = tokens[places].copy()
    tokens[places] = MASK
    lengths = np.array([len(piece) for piece in pieces])
    return Pack(tokens, lengths, places, targets, np.arange(len(pieces)))


@pytest.mark.parametrize("offsets", CONTEXTS.values())
def test_probabilities_sum_to_one_in_every_context(offsets: tuple[int, ...]) -> None:
    table = NeighbourTable.of([pack("ACDA", "AC")], offsets)
    assert table.log_probability.shape == (33 ** len(offsets), 33)
    np.testing.assert_allclose(np.exp(table.log_probability).sum(axis=1), 1.0)


def test_frequencies_alone_are_shares_and_nothing_is_impossible() -> None:
    table = NeighbourTable.of([pack("ACDA"), pack("AC")] * 500, ())
    found = np.exp(table.log_probability[0])
    np.testing.assert_allclose(
        found[[LETTER["A"], LETTER["C"], LETTER["D"]]], np.array([3, 2, 1]) / 6, atol=0.01
    )
    assert found.min() > 0


def test_between_neighbours_counts_what_stands_between_them() -> None:
    table = NeighbourTable.of([pack("ACA", "ADA", "ADA")], (-1, 1))
    between = np.exp(table.log_probability[LETTER["A"] * 33 + LETTER["A"]])
    overall = np.ones(33)
    overall[[LETTER["A"], LETTER["C"], LETTER["D"]]] += (6, 1, 2)
    overall /= overall.sum()
    assert between[LETTER["D"]] == pytest.approx((2 + PRIOR * overall[LETTER["D"]]) / (3 + PRIOR))


def test_the_ends_of_a_sequence_are_contexts_and_no_sequence_sees_another() -> None:
    table = NeighbourTable.of([pack("AA", "CC")] * 100, (-2, -1))
    first = np.exp(table.log_probability[CLS * 33 + CLS])
    assert first[LETTER["A"]] == pytest.approx(first[LETTER["C"]])
    assert first[LETTER["A"]] > 0.45
    second = np.exp(table.log_probability[CLS * 33 + LETTER["A"]])
    assert second[LETTER["A"]] > 0.9


def test_nats_are_of_the_true_residue_among_true_neighbours() -> None:
    table = NeighbourTable.of([pack("ACA", "ADA")], (-1, 1))
    asked = pack("ACA", asked=(1, 2))
    expected = -table.log_probability[
        [CLS * 33 + LETTER["C"], LETTER["A"] * 33 + LETTER["A"]], [LETTER["A"], LETTER["C"]]
    ]
    np.testing.assert_allclose(table.nats(asked), expected)


def test_beyond_a_stretch_that_was_cut_out_nothing_is_known() -> None:
    table = NeighbourTable.of([pack("AAAA", "CCCC")] * 50, (-1, 1))
    whole = pack("AAA", "CCC", asked=(1, 4, 6))
    inner = np.ones(len(whole.tokens), dtype=bool)
    inner[[0, 4]] = False
    # The same without the first protein's ends: a stretch of a longer one, beside another protein.
    cut = Pack(whole.tokens[inner], np.array([3, 5]), np.array([0, 4]), whole.targets[[0, 2]], np.arange(2))
    code = LETTER["<unk>"] * 33 + LETTER["A"]
    np.testing.assert_allclose(table.nats(cut)[0], -table.log_probability[code, LETTER["A"]])
    assert table.nats(cut)[1] == pytest.approx(table.nats(whole)[2])
