"""Each trap of tables of pairs is planted, and found with its rows; on published tables those that are known."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data.assays.pairs.pair_tables import CUT, ONE, RATE, THREE, TWO, study_of, table_of

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.pairs.audit import (
    differing_duplicates,
    families,
    guides_by_set,
    matched,
    negative_on_targets,
    shared_guides,
    spellings,
    spread_of_pairs,
    unread_targets,
    with_pam,
)
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import Pairs, read_pairs
from pajamo.data.assays.pairs.rate_audit import mixed_units, pile_ups, twin_columns
from pajamo.data.assays.pairs.rules import pair_rules
from pajamo.data.assays.reading import read_assay
from pajamo.data.assays.tables import Table
from pajamo.data.checks.report import RuleResult

CAS9 = enzyme_of("Cas9")


def pairs_of(guides: list[str], targets: list[str]) -> Pairs:
    return read_pairs(guides, targets, CAS9)


def rules(folder: Path, table: pd.DataFrame, *measurement: Any, **study: Any) -> dict[str, RuleResult]:
    asked = study_of(folder, table, *measurement, **study)
    return {found.id: found for found in pair_rules(asked, read_assay(asked))}


def test_a_guides_own_target_is_found_through_gaps_and_with_any_pam() -> None:
    targets = [
        ONE + "AGG",
        ONE + "GAT",
        "-" + ONE + "TGG",
        "T" + ONE[1:] + "AGG",
        TWO + "AGG",
        ONE[1:] + "AGG",
    ]
    guides = [ONE + "NGG", ONE + "TGG", "-" + ONE + "TGG", *[ONE + "NGG"] * 3]
    pairs = pairs_of(guides, targets)
    assert matched(pairs).tolist() == [True, True, True, False, False, False]
    assert with_pam(pairs).tolist() == [True, False, True, True, True, True]
    found = negative_on_targets(pairs, np.arange(2, 8), np.array([0.0, 0, 1, 0, 0, 0]))
    assert found["row"].tolist() == [2, 3]
    assert found["pam"].tolist() == [True, False]
    assert found["target"].tolist() == [ONE + "AGG", ONE + "GAT"]


def test_rows_of_one_pair_are_counted_and_compared_under_the_same_inputs() -> None:
    keys, values = ["a", "b", "a", "a", "b"], np.array([1.0, 2.0, 4.0, 1.5, 2.0])
    spread = spread_of_pairs(keys, [], values)
    assert spread["copies"].tolist() == [3, 2, 3, 3, 2]
    assert spread["apart"].tolist() == [3, 0, 3, 3, 0]
    assert spread["first"].tolist() == [True, True, False, False, False]
    times = np.array([1.0, 1.0, 5.0, 1.0, 5.0])
    spread = spread_of_pairs(keys, [times], values)
    assert spread["copies"].tolist() == [2, 1, 1, 2, 1]
    assert spread["apart"].tolist() == [0.5, 0, 0, 0.5, 0]


def test_duplicates_that_differ_stand_together_the_worst_first() -> None:
    pairs = pairs_of([ONE + "NGG"] * 5, [t + "AGG" for t in (TWO, THREE, TWO, ONE, THREE)])
    found = differing_duplicates(pairs, np.arange(10, 15), [], np.array([0.0, 1, 5, 3, 2]))
    assert found["row"].tolist() == [10, 12, 11, 14]
    assert found["value"].tolist() == [0, 5, 1, 2]


def test_one_guide_written_in_several_ways() -> None:
    guides = [ONE + "AGG", ONE + "TGG", TWO + "NGG", "-" + ONE + "AGG"]
    found = spellings(pairs_of(guides, ["-" * ("-" in guide) + ONE + "AGG" for guide in guides]))
    assert found.to_dict("records") == [{"guide": ONE, "ways": 2, "as": f"{ONE}AGG, {ONE}TGG"}]


def test_guides_are_counted_over_experiments() -> None:
    first, second = (
        pairs_of([ONE + "NGG"] * 3, [ONE + "AGG"] * 3),
        pairs_of([TWO + "NGG", ONE + "AGG"], [ONE + "AGG"] * 2),
    )
    counted = guides_by_set([first, second], [np.array([0, 0, 1], np.int8), np.array([2, 2], np.int8)])
    assert counted.to_dict("records") == [
        {"guide": ONE, "training": 2, "validation": 1, "test": 1},
        {"guide": TWO, "training": 0, "validation": 0, "test": 1},
    ]
    assert shared_guides(counted)["guide"].tolist() == [ONE]


@pytest.mark.parametrize("most", [0, 2, 12])
def test_families_equal_a_comparison_of_all_pairs(most: int) -> None:
    rng = np.random.default_rng(0)
    guides = ["".join(row) for row in rng.choice(list("AC"), size=(40, 10))] + ["ACGT", "ACGA", "ACGTA"]
    guides = list(dict.fromkeys(guides))
    expected = {
        (one, other): sum(a != b for a, b in zip(one, other, strict=True))
        for one, other in combinations(guides, 2)
        if len(one) == len(other)
    }
    found = {(one, other): number for one, other, number in families(guides, most).itertuples(index=False)}
    assert found == {pair: number for pair, number in expected.items() if number <= most}
    assert families([]).empty


def test_targets_that_were_not_read_are_shown() -> None:
    found = unread_targets(pairs_of([ONE + "NGG"] * 2, [ONE + "AGG", ONE[:-1] + "NAGG"]), np.array([2, 3]))
    assert found["row"].tolist() == [3]


def rate_table(**columns: Any) -> Table:
    frame = pd.DataFrame(columns)
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return Table(frame, "t.csv")


def test_a_rate_beside_its_logarithm_is_seen_in_both_directions() -> None:
    k = np.geomspace(1e-5, 0.1, 20)
    table = rate_table(k=k, log10_k=np.log10(k), other=np.linspace(1, 2, 20), name=["a"] * 20)
    assert twin_columns(table, "log10_k").to_dict("records") == [
        {"column": "k", "is": "the rate of", "value": "log10_k", "rows": 20}
    ]
    assert twin_columns(table, "k").to_dict("records") == [
        {"column": "log10_k", "is": "log10 of", "value": "k", "rows": 20}
    ]


def test_a_sheet_of_rates_among_logarithms_is_seen() -> None:
    k = np.geomspace(1e-5, 0.1, 20)
    table = rate_table(k=np.concatenate([np.log10(k), k, np.log10(k)]), sheet=np.repeat(["a", "b", "c"], 20))
    found = mixed_units(table, "k")
    assert found[["column", "group", "rows", "row"]].to_dict("records") == [
        {"column": "sheet", "group": "b", "rows": 20, "row": 22}
    ]
    assert mixed_units(rate_table(k=np.log10(k), sheet=["a", "b"] * 10), "k").empty


def test_many_rates_of_one_extreme_value_are_a_limit() -> None:
    value = np.array([-5.0] * 8 + [-4.0, -3.0, -2.0, -1.0])
    found = pile_ups(value, np.zeros(12))
    assert found.to_dict("records") == [{"limit": "lower", "value": -5.0, "rows": 8}]
    assert pile_ups(value, np.where(value == -5, -1.0, 0.0)).empty


def test_a_clean_table_passes_every_rule(tmp_path: Path) -> None:
    for measurement in (None, RATE):
        found = rules(tmp_path, table_of(targets=60), measurement, test_guides=[ONE], validation_guides=[TWO])
        assert {name: rule.status for name, rule in found.items() if rule.status != "ok"} == {}
        assert all(rule.rows is None or rule.rows.empty for rule in found.values())


def test_every_trap_of_a_table_of_cuts_is_named_with_its_rows(tmp_path: Path) -> None:
    table = table_of(targets=60)
    own = pd.DataFrame({"guide": [ONE + "NGG"], "target": [ONE + "CGG"], "label": [0], "k": [0.0]})
    twice = table.iloc[[0]].assign(label=0, guide=ONE + "TGG")
    again, unread = table.iloc[[7]], table.iloc[[8]].assign(target=THREE[:-1] + "NAGG")
    near = table.iloc[120:].assign(guide=THREE[:-2] + "TTNGG")
    found = rules(tmp_path, pd.concat([table, own, twice, again, unread, near]))
    assert {name for name, rule in found.items() if rule.status == "warning"} == {
        "on-targets-e", "both-labels-e", "shared-guides", "guide-families",
    }  # fmt: skip
    assert found["on-targets-e"].rows["row"].tolist() == [182]
    assert "1 of 1 rows" in found["on-targets-e"].message
    assert found["both-labels-e"].rows["row"].tolist() == [2, 183]
    assert "1 pairs are labelled both" in found["both-labels-e"].message
    assert "2 of 244 rows" in found["duplicates-e"].message
    assert found["guides-e"].rows["ways"].tolist() == [2]
    assert found["unread-e"].rows["row"].tolist() == [185]
    assert found["guide-families"].rows["mismatches"].tolist() == [2]


def test_few_positives_of_a_set_are_named(tmp_path: Path) -> None:
    found = rules(tmp_path, table_of(targets=12), test_guides=[ONE], validation_guides=[TWO])["positives-e"]
    assert found.status == "warning"
    assert "4 of 12 in test" in found.message


def test_every_trap_of_a_table_of_rates_is_named(tmp_path: Path) -> None:
    table = table_of(targets=60)
    table["k"] = table["k"].clip(lower=-3.05)
    table["own"] = 10 ** table["k"]
    repeat = table.iloc[[50]].assign(k=-1.0, own=0.1)
    found = rules(tmp_path, pd.concat([table, repeat]), RATE, test_guides=[ONE])
    assert found["limits-e"].status == "warning"
    assert "say lower = -3.05" in found["limits-e"].message
    assert found["twins-e"].rows["column"].tolist() == ["own"]
    assert found["repeats-e"].rows["row"].tolist() == [52, 182]
    limited = rules(tmp_path, table, RATE | {"lower": -3.05}, test_guides=[ONE])["limits-e"]
    assert limited.status == "ok"


@pytest.mark.parametrize("unit", ["1/min", "ln 1/s"])
def test_a_limit_is_named_in_the_unit_of_the_column(tmp_path: Path, unit: str) -> None:
    table = table_of(targets=60)
    rate = np.maximum(10 ** table["k"], 1e-3)
    table["k"] = rate * 60 if unit == "1/min" else np.log(rate)
    found = rules(tmp_path, table, RATE | {"unit": unit})["limits-e"]
    assert f"say lower = {0.06 if unit == '1/min' else np.log(1e-3):.6g}" in found.message


def published(folder: Path, name: str, measurement: dict[str, Any], **more: Any) -> dict[str, RuleResult]:
    path = folder / "kinetics" / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"{name} is absent")
    experiment = {"path": path, "measurement": measurement, **more}
    study = parse_assay_study({"name": "s", "alphabet": "guide-target", "experiments": {"e": experiment}})
    return {found.id: found for found in pair_rules(study, read_assay(study))}


def test_the_guide_seq_table_of_kleinstiver_hides_its_on_targets(dev_data: Path) -> None:
    found = published(dev_data, "guideseq_kleinstiver_5gRNA", CUT, pairs={})
    assert "9 of 10 rows" in found["on-targets-e"].message
    assert "5 of 5 with a PAM of Cas9" in found["on-targets-e"].message
    assert "4 of 5 with another PAM" in found["on-targets-e"].message
    assert found["on-targets-e"].rows["pam"].sum() == 5
    assert found["both-labels-e"].status == "ok"


def test_circle_seq_writes_guides_in_four_ways_and_labels_pairs_twice(dev_data: Path) -> None:
    """Three of its ten guides, which have 10 of the 141 pairs with both labels."""
    path = dev_data / "kinetics" / "circleseq_10gRNA.csv.gz"
    if not path.is_file():
        pytest.skip("CIRCLE-seq is absent")
    columns = ["guide", "guide_aligned", "target_aligned", "label"]
    table = pd.read_csv(path, usecols=columns, keep_default_na=False)
    table = table[table["guide"].str.startswith(("GTTGCC", "GGGAAAG", "GGCCCAG"))]
    pairs = pairs_of(table["guide_aligned"].tolist(), table["target_aligned"].tolist())
    assert len(pairs.different) == 3
    assert spellings(pairs)["ways"].tolist() == [4, 4, 4]
    spread = spread_of_pairs(pairs.keys, [], table["label"].to_numpy(dtype=np.float64))
    assert (spread["first"] & (spread["apart"] > 0)).sum() == 10


def test_the_rates_of_nucleaseq_pile_up_at_their_limit(dev_data: Path) -> None:
    columns = {"guide": "on_target", "target": "sequence"}
    measurement = {"kind": "rate", "value": "log10_k"}
    found = published(dev_data, "nucleaseq_wtcas9_unique", measurement, pairs=columns)
    assert "5,148 more are exactly -5: say lower = -5" in found["limits-e"].message
    assert "0 of 10,491 rows" in found["duplicates-e"].message
