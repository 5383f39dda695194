"""`pajamo check` of a study of guide-target pairs: what is wrong with the pairs stands beside what can be fitted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tests.data.assays.pairs.pair_tables import ONE, RATE, TWO, study_of, table_of

from pajamo.pipeline.assays.checking import check_assay_study

SCHEME = {
    "kind": "kinetic",
    "states": ["free", "bound"],
    "transitions": {
        "free->bound": {"reads": {"start": 0, "length": 3}},
        "bound->free": {"reads": {"start": 3, "length": 20, "encoder": "smooth"}, "makes": ["cut"]},
    },
}


def test_a_study_of_rates_is_audited_and_its_mechanism_built(tmp_path: Path) -> None:
    study = study_of(tmp_path, table_of(targets=90), RATE, test_guides=[ONE], mechanisms={"two": SCHEME})
    report = check_assay_study(study, "study.toml")
    found = {rule.id: rule for rule in report.rules}
    assert report.passed
    assert {"limits-e", "units-e", "duplicates-e", "shared-guides", "guide-families", "model-two"} <= set(
        found
    )
    assert "letters" not in found
    assert "2 positions differ per pair (median; 2 to 2)" in found["mutations-e"].message
    assert "e: 270 rows of 23 positions" in found["tables"].message
    assert found["shared-guides"].status == "ok"


def test_on_targets_among_the_negatives_are_shown_with_their_rows(tmp_path: Path) -> None:
    own = pd.DataFrame({"guide": [TWO + "NGG"], "target": [TWO + "CGG"], "label": [0], "k": [0.0]})
    report = check_assay_study(study_of(tmp_path, pd.concat([table_of(targets=40), own])), "study.toml")
    text = report.to_text()
    assert "1 of 1 rows whose target matches the guide are labelled" in text
    assert f"122 {TWO}NGG {TWO}CGG" in " ".join(text.split())


def test_matched_targets_alone_are_an_error(tmp_path: Path) -> None:
    table = table_of(targets=40)
    table["target"] = table["guide"].str.replace("N", "A")
    rules = {
        rule.id: rule for rule in check_assay_study(study_of(tmp_path, table, holdout=(0, 0)), "s").rules
    }
    assert rules["mutations-e"].status == "error"


def test_what_cannot_be_read_is_an_error_of_the_report(tmp_path: Path) -> None:
    report = check_assay_study(study_of(tmp_path, table_of([ONE]), test_guides=[ONE]), "study.toml")
    assert not report.passed
    assert "at least two guides" in report.rules[0].message
