"""Libraries of variants: as many as asked for, each once, at the rate and the places asked for."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.errors import DataError
from pajamo.explanations.designs.mutagenesis import Mutagenesis, variants_of

WILD_TYPE = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], dtype=np.uint8)


def test_random_variants_are_different_and_have_the_rate() -> None:
    long = np.tile(WILD_TYPE, 4)
    found = variants_of(long, 4, Mutagenesis(variants=4000, rate=0.3), seed=0)
    assert len(np.unique(found, axis=0)) == 4000
    assert (found != long).mean() == pytest.approx(0.3, abs=0.01)
    assert np.array_equal(found[0], long)


def test_saturation_is_every_single_mutant() -> None:
    found = variants_of(WILD_TYPE, 4, Mutagenesis(how="saturation"), seed=0)
    assert len(np.unique(found, axis=0)) == len(found) == 37
    assert sorted((found != WILD_TYPE).sum(axis=1)) == [0] + [1] * 36


def test_combinations_are_every_choice_at_the_positions() -> None:
    found = variants_of(WILD_TYPE, 4, Mutagenesis(how="combinatorial", positions=(2, 5, 9)), seed=0)
    assert len(np.unique(found, axis=0)) == len(found) == 64
    rest = np.delete(found, [2, 5, 9], axis=1)
    assert (rest == np.delete(WILD_TYPE, [2, 5, 9])).all()


def test_too_many_combinations_are_drawn_at_random() -> None:
    found = variants_of(WILD_TYPE, 4, Mutagenesis(how="combinatorial", variants=500), seed=0)
    assert len(np.unique(found, axis=0)) == 500
    assert (found != WILD_TYPE).mean() == pytest.approx(0.75, abs=0.03)


def test_impossible_libraries_are_refused() -> None:
    with pytest.raises(DataError, match="position 12 is outside"):
        variants_of(WILD_TYPE, 4, Mutagenesis(positions=(1, 12)), seed=0)
    with pytest.raises(DataError, match="different sequences were found, 100 are asked for"):
        variants_of(WILD_TYPE, 4, Mutagenesis(positions=(1,), variants=100), seed=0)
