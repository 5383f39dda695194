"""Classes are matched by gene set, whatever the order of the genes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pajamo.errors import StudyError
from pajamo.evaluation.categories import by_category, read_categories

CLASSES = {"ADDITIVE": ["B+A", "C+D"], "SUPPRESSOR": ["E+F"]}


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def scores() -> pd.DataFrame:
    rows = [("A+B", 1.0), ("C+D", 3.0), ("E+F", 5.0), ("X+Y", 7.0)]
    return pd.DataFrame(
        [
            {"model": "m", "condition": f"{genes} at {fold}", "genes": genes, "metric": "mse", "value": value}
            for genes, value in rows
            for fold in (1, 2)
        ]
    )


def test_means_by_class(tmp_path: Path) -> None:
    table = by_category(scores(), read_categories(written(tmp_path / "c.json", CLASSES))).set_index(
        "category"
    )
    assert table["mean"].to_dict() == {"ADDITIVE": 2.0, "SUPPRESSOR": 5.0, "unlabelled": 7.0}
    assert table.loc["ADDITIVE", "n_conditions"] == 4


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "cannot be read"),
        (["A+B"], "not a table"),
        ({"ADDITIVE": "A+B"}, "not a table"),
        ({"ADDITIVE": ["A+B"], "SUPPRESSOR": ["B+A"]}, "both ADDITIVE and SUPPRESSOR"),
        ({}, "labels no pair"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, content: object, word: str) -> None:
    with pytest.raises(StudyError, match=word):
        read_categories(written(tmp_path / "c.json", content))


def test_absent_file_and_other_names_are_explained(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read"):
        read_categories(tmp_path / "absent.json")
    with pytest.raises(StudyError, match="no scored pair"):
        by_category(scores(), {("P", "Q"): "ADDITIVE"})


@pytest.mark.dev_data
def test_norman_has_eight_classes(dev_data: Path) -> None:
    categories = read_categories(dev_data / "perturbation" / "norman2019_gi_categories.json")
    assert len(set(categories.values())) == 8
