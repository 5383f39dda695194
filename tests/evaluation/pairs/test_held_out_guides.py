"""What is left out to judge guides that a fit never saw, and how often intervals hold what is measured."""

import numpy as np
import pytest

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.evaluation.pairs.covering import rate_coverage
from pajamo.evaluation.pairs.held_out import GUIDES, MOST_FOLDS, PLACES, folds, guide_keys

ALPHABET = PairAlphabet(pam=3)
ONE, TWO = "NGG" + "ACGTTGCA", "NGG" + "CATGACTT"


def coded(*pairs):
    return ALPHABET.encode_pairs([guide for guide, _ in pairs], [target for _, target in pairs])


def test_a_guide_has_one_key_whatever_its_target_and_the_length_of_the_table():
    codes = coded((ONE, "AGGACGTTGCA"), (TWO, "AGGCATGACTT"), (ONE, "AGGACCTTGCA"), (ONE, "AGGACTTGCA"))
    keys = guide_keys(codes, ALPHABET.missing)
    assert keys[0] == keys[2] == keys[3] != keys[1]
    longer = np.pad(codes, ((0, 0), (0, 4)), constant_values=ALPHABET.missing)
    assert guide_keys(longer, ALPHABET.missing) == keys


def test_guides_are_left_out_as_a_whole_in_every_table():
    guides = ["NGG" + "".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), (9, 8))]
    pairs = [(guide, guide.replace("N", "A")) for guide in guides]
    found = folds([coded(*pairs), coded(*pairs[:3])], ALPHABET.missing, 3)
    assert found.by == GUIDES
    assert len(found.held) == MOST_FOLDS
    np.testing.assert_array_equal(np.sum([held[0] for held in found.held], axis=0), 1)
    for first, second in found.held:
        np.testing.assert_array_equal(second, first[:3])


def test_of_one_guide_pairs_that_differ_along_a_stretch_are_left_out():
    pairs = [(ONE, "AGG" + ONE[3 : 3 + i] + "N" + ONE[4 + i :]) for i in range(8)]
    changed = [
        (ONE, "AGG" + ONE[3 : 3 + i] + ("A" if ONE[3 + i] != "A" else "C") + ONE[4 + i :]) for i in range(8)
    ]
    matched, pam = [(ONE, "AGG" + ONE[3:])], [(ONE, "ATG" + ONE[3:])]
    found = folds([coded(*changed, *pairs, *matched, *pam)], ALPHABET.missing, 3)
    assert found.by == PLACES
    held = np.array([fold[0] for fold in found.held])
    # Each mismatch of the protospacer is left out once; what was not read, matches, and the PAM never.
    np.testing.assert_array_equal(held[:, :8].sum(axis=0), 1)
    assert not held[:, 8:].any()


def test_a_double_mismatch_is_left_out_with_both_of_its_places():
    found = folds([coded((ONE, "AGG" + "T" + ONE[4:-1] + "T"))], ALPHABET.missing, 3)
    assert [bool(fold[0][0]) for fold in found.held] == [True, False, False, False, True]


@pytest.mark.parametrize("degrees", [None, 4.0])
def test_honest_predictions_cover_what_they_say_also_beyond_the_limit(degrees):
    rng, rows = np.random.default_rng(1), 20_000
    said, sd = rng.normal(-4, 1.5, rows), rng.uniform(0.1, 1.0, rows)
    noise = rng.standard_normal(rows) if degrees is None else rng.standard_t(degrees, rows)
    drawn = said + sd * rng.standard_normal(rows) + 0.3 * noise
    value, censored = np.clip(drawn, -5, -2), (drawn >= -2).astype(float) - (drawn <= -5)
    found = rate_coverage(said, sd, value, censored, scale=0.3, degrees=degrees).set_index("level")[
        "coverage"
    ]
    np.testing.assert_allclose(found, found.index, atol=0.015)
    narrow = rate_coverage(said, sd / 4, value, censored, scale=0.3, degrees=degrees)
    assert (narrow["coverage"] < narrow["level"] - 0.08)[:2].all()
