"""A study that names guides tests on all of their pairs, in every experiment, and learns nothing of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.assays.pairs.pair_tables import CUT, ONE, RATE, THREE, TWO, study_of, table_of

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.errors import DataError, SplitError, StudyError


def sets_of(folder: Path, table: pd.DataFrame, **study: Any) -> np.ndarray:
    return read_assay(study_of(folder, table, **study)).experiments[0].set_of


@pytest.mark.parametrize("written", [ONE + "NGG", ONE, ONE + "TGG", ONE.lower(), "GACGC-ATAAAGATGAGACGCNGG"])
def test_all_pairs_of_a_guide_are_tested_however_it_is_named(tmp_path: Path, written: str) -> None:
    sets = sets_of(tmp_path, table_of(targets=40), test_guides=[written])
    assert (sets[:40] == 2).all()
    assert set(sets[40:]) == {0, 1}


def test_validation_guides_leave_nothing_to_chance(tmp_path: Path) -> None:
    sets = sets_of(tmp_path, table_of(), test_guides=[ONE], validation_guides=[TWO])
    np.testing.assert_array_equal(sets, np.repeat([2, 1, 0], 12))


def test_validation_guides_alone_leave_the_test_set_to_be_drawn(tmp_path: Path) -> None:
    sets = sets_of(tmp_path, table_of(targets=40), validation_guides=[TWO])
    assert (sets[40:80] == 1).all()
    assert set(np.delete(sets, slice(40, 80))) == {0, 2}


def test_no_pair_of_a_test_guide_is_learned_through_gaps_or_the_pam(tmp_path: Path) -> None:
    table = table_of(targets=20)
    other = table.assign(
        guide=["-" + g[:-3] + "TGG" for g in table["guide"]], target=["-" + t for t in table["target"]]
    )
    sets = sets_of(tmp_path, pd.concat([table, other]), test_guides=[TWO])
    held = np.tile(np.repeat([False, True, False], 20), 2)
    assert (sets[held] == 2).all()
    assert not (sets[~held] == 2).any()
    np.testing.assert_array_equal(sets[:60], sets[60:])


def test_a_guide_is_held_out_of_every_experiment(tmp_path: Path) -> None:
    table = table_of()
    table.to_csv(tmp_path / "t.csv", index=False)
    experiments = {
        name: {"path": tmp_path / "t.csv", "pairs": {}, "measurement": measurement}
        for name, measurement in (("cut", CUT), ("rate", RATE))
    }
    study = {"name": "s", "alphabet": "guide-target", "experiments": experiments, "test_guides": [THREE]}
    one, other = read_assay(parse_assay_study(study)).experiments
    np.testing.assert_array_equal(one.set_of, other.set_of)
    assert (one.set_of[24:] == 2).all()


@pytest.mark.parametrize(
    ("guides", "study", "kind", "words"),
    [
        ([ONE], {"test_guides": [ONE]}, SplitError, ["at least two guides", ONE, "random split by pair"]),
        ([ONE, TWO], {"test_guides": [ONE, TWO]}, SplitError, ["all 2 guides are held out"]),
        ([ONE, TWO], {"test_guides": [ONE], "validation_guides": [TWO]}, SplitError, ["all 2 guides"]),
        (
            [ONE, TWO],
            {"test_guides": [ONE[:-1] + "A"]},
            StudyError,
            ["no pair has the guide", f"did you mean '{ONE}'"],
        ),
        ([ONE, TWO], {"test_guides": ["sgRNA1"]}, StudyError, ["named by its sequence", ONE, TWO]),
        (
            [ONE, TWO],
            {"test_guides": [ONE], "validation_guides": [ONE + "NGG"]},
            StudyError,
            ["is in two sets"],
        ),
    ],
)
def test_a_split_by_guide_that_cannot_be_says_why(
    tmp_path: Path, guides: list[str], study: dict[str, Any], kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        sets_of(tmp_path, table_of(guides), **study)
    for word in words:
        assert word in str(caught.value)


def test_a_table_has_one_split(tmp_path: Path) -> None:
    table = table_of().assign(set="train")
    with pytest.raises(StudyError, match="split of its own"):
        sets_of(tmp_path, table, experiment={"split": "set"}, test_guides=[ONE])


def test_an_experiment_without_a_guide_to_learn_from_is_refused(tmp_path: Path) -> None:
    table_of([ONE, TWO]).to_csv(tmp_path / "a.csv", index=False)
    table_of([THREE]).to_csv(tmp_path / "b.csv", index=False)
    experiments = {n: {"path": tmp_path / f"{n}.csv", "pairs": {}, "measurement": CUT} for n in "ab"}
    study = {"name": "s", "alphabet": "guide-target", "experiments": experiments, "test_guides": [THREE]}
    with pytest.raises(DataError, match="no row of the experiment is in the training set"):
        read_assay(parse_assay_study(study))
