"""Frequencies at each site among relatives: planted relatives, planted preferences."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.proteins.alphabet import PAD, RESIDUE_TOKENS
from pajamo.errors import DataError
from pajamo.models.proteins.site_independent import SiteIndependent, weights

SITES = 60


def relatives(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A wild type, and relatives that differ from it at a third of the sites, with strangers among them."""
    rng = np.random.default_rng(seed)
    wild_type = rng.choice(RESIDUE_TOKENS, SITES)
    found = np.full((2 * number, SITES + 10), PAD, dtype=np.uint8)
    for row in range(number):
        own = np.where(rng.random(SITES) < 1 / 3, rng.choice(RESIDUE_TOKENS, SITES), wild_type)
        own[7] = RESIDUE_TOKENS[3] if row % 4 else wild_type[7]
        found[row, :SITES] = own
        found[number + row] = rng.choice(RESIDUE_TOKENS, SITES + 10)
    return wild_type, found


def test_relatives_are_told_from_strangers() -> None:
    wild_type, candidates = relatives(40)
    assert SiteIndependent.of(wild_type, candidates).relatives == 40


def test_a_residue_that_relatives_prefer_scores_above_the_wild_types() -> None:
    wild_type, candidates = relatives(40)
    model = SiteIndependent.of(wild_type, candidates)
    preferred, other = model.scores(np.array([7, 7]), RESIDUE_TOKENS[[3, 18]], wild_type)
    assert preferred > 0.5 > 0 > other


def test_frequencies_sum_to_one_at_every_site() -> None:
    wild_type, candidates = relatives(5)
    model = SiteIndependent.of(wild_type, candidates)
    np.testing.assert_allclose(np.exp(model.log_frequency).sum(axis=1), 1.0)


def test_without_relatives_it_follows_blosum62() -> None:
    wild_type = RESIDUE_TOKENS[[7, 7]]
    model = SiteIndependent.of(wild_type, np.full((0, 5), PAD, dtype=np.uint8))
    valine, glycine = model.scores(np.array([0, 0]), RESIDUE_TOKENS[[17, 5]], wild_type)
    assert model.relatives == 0
    assert valine > glycine


def test_copies_count_as_one_together() -> None:
    rows = np.stack([RESIDUE_TOKENS[:10]] * 3 + [RESIDUE_TOKENS[10:]])
    np.testing.assert_allclose(weights(rows), [1 / 3, 1 / 3, 1 / 3, 1])


def test_a_wild_type_without_residues_is_refused() -> None:
    with pytest.raises(DataError, match="no residues"):
        SiteIndependent.of(np.zeros(0, dtype=np.uint8), np.zeros((0, 3), dtype=np.uint8))
