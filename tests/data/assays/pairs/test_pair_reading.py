"""Tables of guides and targets arrive as an assay: turned, numbered, split by the pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.data.assays.pairs.pair_tables import CUT, ONE, RATE, THREE, TWO, study_of, table_of

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.pairing import perfect
from pajamo.data.assays.reading import read_assay
from pajamo.errors import DataError, SplitError, StudyError


def test_codes_are_those_of_the_turned_pairs(tmp_path: Path) -> None:
    table = table_of()
    assay = read_assay(study_of(tmp_path, table))
    texts = [f"{g[::-1]}:{t[::-1]}" for g, t in zip(table["guide"], table["target"], strict=True)]
    (experiment,) = assay.experiments
    np.testing.assert_array_equal(experiment.codes, PairAlphabet().encode(texts))
    assert ((~perfect()[experiment.codes]).sum(axis=1) == 2).all()
    np.testing.assert_array_equal(experiment.recorded["label"], table["label"])
    np.testing.assert_array_equal(experiment.recorded["guide"], np.repeat([0, 1, 2], 12))
    assert not assay.varies


def test_the_matched_target_of_the_most_frequent_guide_is_what_pairs_are_compared_with(
    tmp_path: Path,
) -> None:
    table = pd.concat([table_of([ONE], 4), table_of([TWO], 6)])
    assay = read_assay(study_of(tmp_path, table))
    turned = "GGN" + TWO[::-1]
    assert assay.alphabet.decode(assay.wild_type[None]) == [f"{turned}:{turned}"]
    assert perfect()[assay.wild_type].all()


def test_guides_of_unequal_length_end_in_missing_codes(tmp_path: Path) -> None:
    table = pd.concat([table_of([ONE]), table_of([TWO[3:]], 6)])
    assay = read_assay(study_of(tmp_path, table))
    (experiment,) = assay.experiments
    missing = experiment.codes == assay.alphabet.missing
    assert missing[12:, -3:].all()
    assert missing.sum() == 18
    assert assay.varies
    assert not (assay.wild_type == assay.alphabet.missing).any()


def test_protospacers_of_two_enzymes_line_up(tmp_path: Path) -> None:
    table_of([ONE]).to_csv(tmp_path / "nine.csv", index=False)
    other = table_of([TWO], 14)
    turned = {"guide": "TTTN" + TWO[::-1], "target": [f"TTTA{text[:20][::-1]}" for text in other["target"]]}
    other.assign(**turned).to_csv(tmp_path / "twelve.csv", index=False)
    experiments = {
        name: {"path": tmp_path / f"{name}.csv", "pairs": {"enzyme": enzyme}, "measurement": CUT}
        for name, enzyme in (("nine", "Cas9"), ("twelve", "Cas12a"))
    }
    assay = read_assay(
        parse_assay_study({"name": "s", "alphabet": "guide-target", "experiments": experiments})
    )
    nine, twelve = assay.experiments
    assert (nine.codes[:, 0] == assay.alphabet.missing).all()
    assert not (twelve.codes == assay.alphabet.missing).any()
    np.testing.assert_array_equal((~perfect()[nine.codes[:, 4:]]).sum(axis=1), 2)
    np.testing.assert_array_equal((~perfect()[twelve.codes[:, 4:]]).sum(axis=1), 2)
    assert assay.alphabet == PairAlphabet(pam=4)
    assert assay.alphabet.decode(assay.wild_type[None])[0].startswith("TTTN")
    np.testing.assert_array_equal(assay.alphabet.encode(assay.alphabet.decode(nine.codes)), nine.codes)


def test_an_enzyme_may_be_a_table_of_the_study(tmp_path: Path) -> None:
    table = table_of()
    table["guide"] = table["guide"].str.replace("NGG", "TAG")
    given = {"pam": "NRG", "side": "3'"}
    assay = read_assay(study_of(tmp_path, table, pairs={"enzyme": given}))
    assert assay.alphabet == PairAlphabet(pam=3)
    assert [assay.alphabet.names[code] for code in assay.experiments[0].codes[0, :3]] == ["G=", "A>G", "N>A"]
    without = table_of().assign(
        guide=[g[:-3] for g in table["guide"]], target=[t[:-3] for t in table["target"]]
    )
    bare = read_assay(study_of(tmp_path, without, pairs={"enzyme": {"pam": ""}}))
    assert bare.alphabet == PairAlphabet(pam=0)
    np.testing.assert_array_equal(bare.experiments[0].codes, assay.experiments[0].codes[:, 3:])
    with pytest.raises(StudyError, match="enzyme"):
        study_of(tmp_path, table, pairs={"enzyme": {"pam": "NXG"}})


def test_a_pair_is_in_one_set_however_it_is_aligned_or_its_pam_written(tmp_path: Path) -> None:
    table = table_of(targets=60)
    again = table.assign(
        guide=[g[:-3] + t[-3:] for g, t in zip(table["guide"], table["target"], strict=True)]
    )
    gapped = table.assign(
        guide=["-" + g for g in table["guide"]], target=["_" + t.lower() for t in table["target"]]
    )
    for seed in range(3):
        assay = read_assay(study_of(tmp_path, pd.concat([table, again, gapped]), seed=seed))
        sets = assay.experiments[0].set_of.reshape(3, -1)
        assert (sets == sets[0]).all()
        assert set(sets[0]) == {0, 1, 2}


def test_a_tables_own_split_may_not_leak_through_gaps(tmp_path: Path) -> None:
    table = table_of(targets=3).assign(set="train")
    gapped = table.iloc[:1].assign(guide=["-" + ONE + "AGG"], target="-" + table["target"][0], set="test")
    study = study_of(tmp_path, pd.concat([table, gapped]), experiment={"split": "set"})
    with pytest.raises(SplitError, match="leaks") as caught:
        read_assay(study)
    assert "row 2 (training) and row 11 (test)" in caught.value.where


def test_rates_of_pairs_arrive_with_their_limits(tmp_path: Path) -> None:
    table = table_of()
    (experiment,) = read_assay(study_of(tmp_path, table, RATE | {"lower": -2.5})).experiments
    np.testing.assert_allclose(experiment.recorded["value"], np.maximum(table["k"], -2.5))
    np.testing.assert_array_equal(experiment.recorded["censored"], -(table["k"] <= -2.5).astype(float))
    assert "guide" not in experiment.recorded


def test_columns_are_those_that_the_study_names(tmp_path: Path) -> None:
    table = table_of().rename(columns={"guide": "on_target", "target": "sequence"}).assign(guide="sgRNA1")
    study = study_of(tmp_path, table, pairs={"guide": "on_target", "target": "sequence"})
    assert read_assay(study).experiments[0].n == 36
    with pytest.raises(DataError, match="'s' in 'sgRNA1'"):
        read_assay(study_of(tmp_path, table, pairs={"target": "sequence"}))
    with pytest.raises(DataError, match="no column 'target'"):
        read_assay(study_of(tmp_path, table))


def test_errors_name_the_row_of_the_table(tmp_path: Path) -> None:
    table = table_of()
    table.loc[4, "target"] = "ACGTZ"
    with pytest.raises(DataError, match=r"row 6: 'Z' in 'ACGTZ'|row 6: 'Z'"):
        read_assay(study_of(tmp_path, table))
    table = table_of()
    table.loc[5, "guide"] = THREE
    with pytest.raises(DataError, match="row 7"):
        read_assay(study_of(tmp_path, table))


def test_a_study_of_pairs_has_no_wild_type(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no wild type"):
        read_assay(study_of(tmp_path, table_of(), wild_type=ONE))
