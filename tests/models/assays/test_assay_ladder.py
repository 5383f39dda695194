"""Comparisons without a mechanism: the baselines are always there, and every name is a declaration."""

from __future__ import annotations

from typing import get_args

import pytest

from pajamo.config.assays import LatentSettings
from pajamo.config.assays.reading import SequenceMap
from pajamo.config.assays.study import LadderSettings
from pajamo.errors import StudyError
from pajamo.models.assays.ladder import RUNGS, ladder, rung


def test_baselines_are_always_there_and_the_order_is_fixed() -> None:
    assert list(ladder()) == ["mean", "additive"]
    assert list(ladder(("network", "neighbour"))) == ["mean", "additive", "neighbour", "network"]


def test_every_encoder_and_every_name_of_a_study_is_a_rung() -> None:
    names = {each.name for each in RUNGS}
    assert names == {"mean", *get_args(SequenceMap)}
    (allowed, _) = get_args(LadderSettings.model_fields["ladder"].annotation)
    assert {each.name for each in RUNGS if not each.is_baseline} == set(get_args(allowed))


@pytest.mark.parametrize("name", [each.name for each in RUNGS])
def test_each_declares_a_map_and_says_its_limits(name: str) -> None:
    found = rung(name)
    assert found.title
    assert found.reference
    assert found.limits.endswith(".")
    declared = found.mechanism
    assert isinstance(declared, LatentSettings)
    assert declared.sequence == (name != "mean")
    if declared.sequence:
        assert declared.reads.encoder == name


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(StudyError, match="no comparison 'pairwize'") as caught:
        ladder(("pairwize",))
    assert "did you mean 'pairwise'" in caught.value.fix
