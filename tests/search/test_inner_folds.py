"""Rows that are kept aside within a training set: groups stay together, and every row is kept aside once."""

from __future__ import annotations

import numpy as np
import pytest
from tests.search.planted import GUIDES

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import SplitError
from pajamo.search.inner import groups, inner_folds
from pajamo.search.rewarding import Task


def codes(pairs: list[str]) -> np.ndarray:
    return PairAlphabet().encode(pairs)


def test_equal_pairs_changes_at_equal_places_and_guides_stay_together() -> None:
    guide, other = GUIDES
    first, second = guide[0], other[0]
    same_place = [base + guide[1:] for base in "ACGT" if base != first]
    elsewhere = guide[:4] + ("A" if guide[4] != "A" else "C") + guide[5:]
    pairs = [f"{guide}:{target}" for target in [*same_place, elsewhere, same_place[0]]]
    pairs.append(f"{other}:{'A' if second != 'A' else 'C'}{other[1:]}")
    found = codes(pairs)
    assert groups(found, "pair").tolist()[0] == groups(found, "pair").tolist()[4]
    assert len(set(groups(found, "pair").tolist())) == 5
    place = groups(found, "place")
    assert len(set(place[[0, 1, 2, 4, 5]].tolist())) == 1
    assert place[3] != place[0]
    guides = groups(found, "guide")
    assert len(set(guides[:5].tolist())) == 1
    assert guides[5] != guides[0]


@pytest.mark.parametrize("kind", ["pair", "place"])
def test_folds_keep_groups_together_and_use_every_fold(small: Task, kind: str) -> None:
    given = small.assay.experiments[0].codes
    folds = inner_folds(given, kind, 3, 0)  # type: ignore[arg-type]
    assert set(folds.tolist()) == {0, 1, 2}
    group = groups(given, kind)  # type: ignore[arg-type]
    assert all(len(set(folds[group == one].tolist())) == 1 for one in set(group.tolist()))
    assert (inner_folds(given, kind, 3, 0) == folds).all()  # type: ignore[arg-type]
    assert (inner_folds(given, kind, 3, 1) != folds).any()  # type: ignore[arg-type]


def test_one_guide_cannot_be_divided_by_guide(small: Task) -> None:
    with pytest.raises(SplitError, match="1 groups") as error:
        inner_folds(small.assay.experiments[0].codes, "guide", 2, 0)
    assert "one guide" in error.value.why
