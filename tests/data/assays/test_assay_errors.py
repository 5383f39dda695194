"""Bad tables are refused with the file, the row as in the file, the reason, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.errors import DataError, SplitError, StudyError

NUMBER = {"kind": "continuous"}
WITH_ERROR = {"kind": "continuous", "error": "sd"}
BINS = {"kind": "bins", "columns": ["b1", "b2"]}
LONG = {"kind": "bins", "bin": "bin", "bins": ["B1", "B2"]}
BARCODES = {"kind": "barcodes", "rna": "r", "dna": "d"}


def read(
    folder: Path, text: str, measurement: dict[str, Any], study: dict[str, Any] | None = None, **more: Any
) -> Assay:
    (folder / "t.csv").write_text(text)
    tables = {"e": {"path": folder / "t.csv", "measurement": measurement, **more}}
    return read_assay(
        parse_assay_study({"name": "s", "holdout": (0, 0), "experiments": tables} | (study or {}))
    )


@pytest.mark.parametrize(
    ("text", "measurement", "words"),
    [
        ("x,y\nAC,1\nAC,\n", NUMBER, ["row 3: nan", "missing or infinite", "'y'"]),
        ("x,y\nAC,1\nAC,inf\n", NUMBER, ["row 3: inf"]),
        ("x,y\nAC,1\nAC,low\n", NUMBER, ["row 3: low", "not numbers"]),
        ("x,y\nAC,1\nAC,\"1,5\"\n", NUMBER, ["row 3: 1,5", "not numbers"]),
        ("x,y,sd\nAC,1,.1\nAC,1,0\n", WITH_ERROR, ["row 3: 0", "above zero"]),
        ("x,y,sd\nAC,1,.1\nAC,1,-1\nAC,1,-1\n", WITH_ERROR, ["row 3: -1", "2 values"]),
        ("x,y,sd\nAC,1,.1\nAC,1,\n", WITH_ERROR, ["row 3: nan", "do not name the column as `error`"]),
        ("x,y\nAC,1\n", WITH_ERROR, ["no column 'sd'", "it has: x, y"]),
        ("x,b1,b2\nAC,1,0\nAC,2,-1\n", BINS, ["row 3: -1", "'b2'", "negative"]),
        ("x,b1,b2\nAC,1,0\nAC,.5,1\n", BINS, ["row 3: 0.5", "'b1'", "whole numbers"]),
        ("x,b1,b2\nAC,1,0\nAC,,1\n", BINS, ["row 3: nan", "write 0"]),
        ("x,b1,b3\nAC,1,0\n", BINS, ["no column 'b2'", "did you mean"]),
        ("x,b1,b2\nAC,0,0\nGT,0,0\n", BINS, ["no sequence has a read", "all counts are zero"]),
        ("x,bin\nAC,B1\nGT,b2\n", LONG, ["no row is in bin 'B2'", "b2"]),
        ("x,bin\nAC,B1\n", LONG, ["no row is in bin 'B2'"]),
        ("x,bin,n\nAC,B1,1\nAC,B2,-2\n", LONG | {"count": "n"}, ["row 3: -2", "'n'"]),
        ("x,r,d\nAC,1,2\nAC,1,1.5\n", BARCODES, ["row 3: 1.5", "'d'"]),
        ("x,r,d\nAC,0,0\n", BARCODES, ["no sequence has a read of RNA or DNA"]),
        ("seq,y\nAC,1\n", NUMBER, ["no column 'x'", "it has: seq, y"]),
        ("x,y\nAC,1\n,2\n", NUMBER, ["row 3", "no sequence"]),
        ("x,y\nAC,1\nAU,2\n", NUMBER, ["row 3", "'U' at position 1"]),
        ("x,y\n\nAC,1\nAU,2\n", NUMBER, ["row 4"]),
        ("x,y\n", NUMBER, ["no rows"]),
    ],
)  # fmt: skip
def test_bad_rows_are_shown(tmp_path: Path, text: str, measurement: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, measurement)
    assert "t.csv" in caught.value.where
    assert caught.value.fix
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("measurement", "words"),
    [
        ({"columns": ["b1", "b2", "b1"]}, "b1 is named twice"),
        ({"columns": ["b1", "b2"], "library": "b2"}, "b2 is named twice"),
        ({"bin": "bin", "bins": ["B1", "B2"], "library": "B1"}, "B1 is named twice"),
        ({"columns": ["b1"]}, "there is one bin"),
    ],
)
def test_bins_are_named_once(tmp_path: Path, measurement: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        read(tmp_path, "x,b1,b2,bin\nAC,1,2,B1\n", {"kind": "bins", **measurement})


def test_row_numbers_survive_a_filter(tmp_path: Path) -> None:
    text = "x,y,exp\nAC,,a\nAC,1,b\nAC,low,b\n"
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, NUMBER, where={"exp": "b"})
    assert "row 4: low" in caught.value.where


def test_row_numbers_of_a_long_table_are_those_of_the_sequence(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "x,bin\nAC,B1\nAC,B2\nAX,B1\n", LONG)
    assert "row 4: 'X'" in caught.value.where


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"exp": "c"}, ["no row has exp = 'c'", "a, b"]),
        ({"exp": ["a", "c"]}, ["no row has exp = 'c'", "a, b"]),
        ({"exp": ["a", "b"], "day": [3]}, ["no row has day = 3"]),
        ({"exp": "a", "day": 2}, ["all conditions"]),
        ({"expt": "a"}, ["no column 'expt'", "did you mean 'exp'"]),
    ],
)
def test_filter_that_leaves_nothing_lists_what_there_is(
    tmp_path: Path, where: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "x,y,exp,day\nAC,1,a,1\nAC,1,b,2\n", NUMBER, where=where)
    for word in words:
        assert word in str(caught.value)


def test_another_length_than_the_wild_type_is_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 of 2 sequences are not as long") as caught:
        read(tmp_path, "x,y\nACG,1\nAC,1\n", NUMBER, {"wild_type": "ACG"})
    assert "row 3: 2 letters, the wild type has 3" in caught.value.where
    assert "slide" in caught.value.fix


def test_wild_type_with_wrong_letters_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, "x,y\nACG,1\n", NUMBER, {"wild_type": "ACU"})
    assert caught.value.where.startswith("wild_type")


@pytest.mark.parametrize(
    ("given", "kind"), [(-1.0, StudyError), (float("inf"), StudyError), ("dose", DataError)]
)
def test_negative_concentrations_are_refused(
    tmp_path: Path, given: float | str, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"input 'CRP'|column 'dose'"):
        read(tmp_path, "x,y,dose\nAC,1,1\nAC,1,-2\n", NUMBER, inputs={"CRP": given})


def test_unknown_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="which set") as caught:
        read(tmp_path, "x,y,set\nAC,1,training\nGT,1,tset\n", NUMBER, split="set")
    assert "row 3: tset" in caught.value.where
    assert "did you mean 'test'" in caught.value.fix


def test_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="which set") as caught:
        read(tmp_path, "x,y,set\nAC,1,training\nGT,1,\n", NUMBER, split="set")
    assert "row 3" in caught.value.where


def test_split_without_training_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="training set") as caught:
        read(tmp_path, "x,y,set\nAC,1,test\nGT,1,validation\n", NUMBER, split="set")
    assert "table's own split" in caught.value.why


def test_one_sequence_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 different sequences cannot be split into 3 sets") as caught:
        read(tmp_path, "x,y\nAC,1\nAC,2\n", NUMBER, {"holdout": (0.2, 0.2)})
    assert "holdout = [0, 0]" in caught.value.fix


@pytest.mark.parametrize("measurement", [NUMBER, LONG])
def test_sequence_in_two_sets_is_a_leak(tmp_path: Path, measurement: dict[str, Any]) -> None:
    text = "x,y,bin,set\nAC,1,B1,training\nGT,1,B2,test\nAC,1,B2,test\n"
    with pytest.raises(SplitError, match="leaks: 1 sequences") as caught:
        read(tmp_path, text, measurement, split="set")
    assert "row 2 (training) and row 4 (test): AC" in caught.value.where


def test_repeats_within_a_set_are_no_leak(tmp_path: Path) -> None:
    text = "x,y,set\nAC,1,training\nGT,1,test\nAC,2,training\n"
    assert read(tmp_path, text, NUMBER, split="set").experiments[0].n == 3


def test_same_sequence_at_another_concentration_is_no_leak(tmp_path: Path) -> None:
    text = "x,y,dose,set\nAC,1,1,training\nAC,1,2,test\n"
    assay = read(tmp_path, text, NUMBER, split="set", inputs={"CRP": "dose"})
    assert list(assay.experiments[0].set_of) == [0, 2]


@pytest.mark.parametrize("values", [[], ["a", "a"], [["a"]], [None]])
def test_a_list_of_wanted_values_names_some_and_each_once(tmp_path: Path, values: list[Any]) -> None:
    with pytest.raises(StudyError, match="where"):
        read(tmp_path, "x,y,exp\nAC,1,a\n", NUMBER, where={"exp": values})
