"""How much is asked for, what is shown instead, and what is never touched."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.alphabet import CLS, EOS, MASK, RESIDUE_TOKENS, TOKENS
from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.masking import masked

SHORT, LENGTH = 40, 200


def many(token: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, lengths and places of `SHORT` samples of `LENGTH` residues each."""
    rng = np.random.default_rng(seed)
    tokens = rng.choice(RESIDUE_TOKENS, (SHORT, LENGTH + 2)) if token is None else None
    tokens = np.full((SHORT, LENGTH + 2), token, dtype=np.uint8) if tokens is None else tokens
    tokens[:, 0], tokens[:, -1] = CLS, EOS
    return (
        tokens.reshape(-1),
        np.full(SHORT, LENGTH + 2, dtype=np.int64),
        np.tile(np.arange(LENGTH + 2), SHORT),
    )


def keys(seed: int) -> np.ndarray:
    return hashed(seed, np.arange(SHORT))


def test_shares_are_those_of_the_settings() -> None:
    settings = MaskingSettings(share=0.2, masked=0.7, random=0.2)
    tokens, lengths, places = many()
    asked = shown_masked = shown_true = 0
    others = np.zeros(len(TOKENS), dtype=int)
    for seed in range(40):
        shown, at, targets = masked(tokens, lengths, places, keys(seed), settings)
        np.testing.assert_array_equal(targets, tokens[at])
        rest = np.setdiff1d(np.arange(len(tokens)), at)
        np.testing.assert_array_equal(shown[rest], tokens[rest])
        asked += len(at)
        shown_masked += np.count_nonzero(shown[at] == MASK)
        shown_true += np.count_nonzero(shown[at] == targets)
        others += np.bincount(shown[at][shown[at] != MASK], minlength=len(TOKENS))
    trials = 40 * SHORT * LENGTH
    assert stats.binomtest(asked, trials, 0.2).pvalue > 1e-3
    assert stats.binomtest(int(shown_masked), asked, 0.7).pvalue > 1e-3
    # One random residue in twenty is the true one.
    assert stats.binomtest(int(shown_true), asked, 0.1 + 0.2 / 20).pvalue > 1e-3
    assert others.sum() == others[RESIDUE_TOKENS].sum()


def test_random_residues_are_drawn_alike_from_twenty() -> None:
    settings = MaskingSettings(share=0.9, masked=0, random=1)
    counts = np.zeros(len(TOKENS), dtype=int)
    for seed in range(20):
        shown, at, _ = masked(*many(token=5), keys(seed), settings)
        counts += np.bincount(shown[at], minlength=len(TOKENS))
    assert stats.chisquare(counts[RESIDUE_TOKENS]).pvalue > 1e-3
    assert counts.sum() == counts[RESIDUE_TOKENS].sum()


def test_each_place_is_asked_for_alike_and_independently() -> None:
    lengths, settings = np.full(SHORT, LENGTH + 2, dtype=np.int64), MaskingSettings()
    tokens, _, places = many()
    table = np.zeros((60, SHORT * (LENGTH + 2)))
    for seed in range(60):
        table[seed, masked(tokens, lengths, places, keys(seed), settings)[1]] = 1
    by_place = table.reshape(60, SHORT, LENGTH + 2)[:, :, 1:-1]
    assert stats.chisquare(by_place.sum(axis=(0, 1))).pvalue > 1e-3
    neighbours = np.corrcoef(by_place[:, :, 1:].ravel(), by_place[:, :, :-1].ravel())[0, 1]
    samples = np.corrcoef(by_place[:, 1:].ravel(), by_place[:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.01
    assert abs(samples) < 0.01


@pytest.mark.parametrize("letter", ["X", "B", "Z"])
def test_ends_and_residues_that_nobody_knows_are_never_asked_for(letter: str) -> None:
    tokens, lengths, places = many(token=TOKENS.index(letter))
    shown, at, targets = masked(tokens, lengths, places, keys(0), MaskingSettings(share=0.99))
    assert len(at) == len(targets) == 0
    np.testing.assert_array_equal(shown, tokens)


def test_at_least_one_residue_of_each_sample_is_asked_for() -> None:
    tokens, lengths, places = many()
    _, at, _ = masked(tokens, lengths, places, keys(0), MaskingSettings(share=1e-9))
    np.testing.assert_array_equal(at // (LENGTH + 2), np.arange(SHORT))
    within = at % (LENGTH + 2)
    assert within.min() > 0
    assert within.max() <= LENGTH
    assert len(np.unique(within)) > SHORT // 2


def test_a_mask_follows_the_residue_not_the_stretch_that_holds_it() -> None:
    tokens, lengths, places = many()
    _, at, _ = masked(tokens, lengths, places, keys(3), MaskingSettings(share=0.3))
    stretch = slice(50, 120)
    _, some, _ = masked(
        tokens[stretch], np.array([70]), places[stretch], keys(3)[:1], MaskingSettings(share=0.3)
    )
    np.testing.assert_array_equal(some + 50, at[(at >= 50) & (at < 120)])


def test_no_sample_is_no_mask() -> None:
    none = np.zeros(0, dtype=np.int64)
    shown, at, targets = masked(none.astype(np.uint8), none, none, none.astype(np.uint64), MaskingSettings())
    assert len(shown) == len(at) == len(targets) == 0
