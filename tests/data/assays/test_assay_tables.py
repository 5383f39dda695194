"""Tables open whatever their separator and packing; a broken one says what is wrong with it."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.data.assays.tables import Table, read_table
from pajamo.errors import DataError, MissingExtraError

ROWS = [("x", "y"), ("ACGT", "1"), ("AAAA", "2")]


def write(path: Path, separator: str = ",", rows: list[tuple[str, ...]] = ROWS) -> Path:
    text = "\n".join(separator.join(row) for row in rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "separator"),
    [
        ("t.csv", ","), ("t.csv.gz", ","), ("t.csv", ";"), ("t.tsv", "\t"), ("t.tab.gz", "\t"), ("t.txt", " "),
        ("t.txt", "\t"), ("t.txt.gz", ","), ("t.csv", "\t"),
    ],
)  # fmt: skip
def test_separator_and_packing_are_seen(tmp_path: Path, name: str, separator: str) -> None:
    table = read_table(write(tmp_path / name, separator), text=["x"])
    assert list(table["x"]) == ["ACGT", "AAAA"]
    assert list(table["y"]) == [1, 2]
    assert list(table.index) == [2, 3]


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"x": ["ACGT", "AAAA"], "y": [1, 2]}).to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert list(table["x"]) == ["ACGT", "AAAA"]
    assert list(table.index) == [1, 2]


def test_file_without_a_header_counts_its_rows_from_one(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", rows=ROWS[1:]), names=["x", "y"], text=["x"])
    assert list(table.index) == [1, 2]
    assert list(table["y"]) == [1, 2]


def test_sequences_are_read_as_they_are_written(tmp_path: Path) -> None:
    rows = [("x", "y"), ("0110", "NA"), ("NAN", "3"), ("NA", "4")]
    table = read_table(write(tmp_path / "t.csv", rows=rows), text=["x"])
    assert list(table["x"]) == ["0110", "NAN", "NA"]
    np.testing.assert_array_equal(table["y"], [np.nan, 3, 4])


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\nAC,1\n\nGT,2\n\n")
    table = read_table(tmp_path / "t.csv", text=["x"])
    assert list(table["x"]) == ["AC", "GT"]
    assert list(table.index) == [2, 4]


def test_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("x,y\nAC,1\n".encode("utf-8-sig"))
    assert list(read_table(tmp_path / "t.csv").columns) == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["first line", "empty"]),
        (b"x,y\n", ["no rows"]),
        (b"x,y,x\nA,1,B\n", ["several columns are called x"]),
        (b"x,y\nA\xff\xfe,1\n", ["cannot be read", "UTF-8"]),
        (b"\xff\xfex,y\nA,1\n", ["cannot be read"]),
        (b"x,y\nA,1,5,6\n", ["cannot be read"]),
    ],
)
def test_broken_text_says_what_is_wrong(tmp_path: Path, content: bytes, words: list[str]) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "t.csv")
    assert "t.csv" in caught.value.where
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet"])
def test_damaged_packing_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"x,y\n" + b"ACGT,1\n" * 50)[:30])
    if name == "t.parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / name)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="Parquet") as caught:
        read_table(tmp_path / "t.parquet")
    assert "pajamo[parquet]" in caught.value.fix


def test_missing_file_and_wrong_number_of_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="2 columns, and 3 names"):
        read_table(write(tmp_path / "t.csv"), names=["a", "b", "c"])


def test_missing_column_gets_the_nearest() -> None:
    table = Table(pd.DataFrame({"sequence": ["A"], "value": [1]}), "t.csv")
    with pytest.raises(DataError, match="no column 'sequenc'") as caught:
        table.column("sequenc")
    assert "did you mean 'sequence'" in caught.value.fix
