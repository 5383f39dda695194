"""What a study says of its tables is what arrives: reads in bins, numbers with errors, barcodes, inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays import Assay, Experiment, alphabet_of
from pajamo.data.assays.reading import most_frequent, read_assay
from pajamo.errors import PajamoWarning

WIDE = {"kind": "bins", "columns": ["b1", "b2"]}
LONG = {"kind": "bins", "bin": "bin", "bins": ["B1", "B2"]}


def read(folder: Path, table: pd.DataFrame, study: dict[str, Any] | None = None, **experiment: Any) -> Assay:
    """Read a table as one experiment."""
    table.to_csv(folder / "t.csv", index=False)
    tables = {"e": {"path": folder / "t.csv", **experiment}}
    return read_assay(
        parse_assay_study({"name": "s", "holdout": (0, 0), "experiments": tables} | (study or {}))
    )


def only(
    folder: Path, table: pd.DataFrame, study: dict[str, Any] | None = None, **experiment: Any
) -> Experiment:
    return read(folder, table, study, **experiment).experiments[0]


def test_wide_bins_with_a_library(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GT"], "b1": [1, 0], "b2": [2, 5], "lib": [3, 0]})
    found = only(tmp_path, table, measurement=WIDE | {"library": "lib"})
    np.testing.assert_array_equal(found.recorded["counts"], [[1, 2], [0, 5]])
    np.testing.assert_array_equal(found.recorded["library"], [3, 0])
    np.testing.assert_array_equal(found.codes, [[0, 1], [2, 3]])


def test_long_bins_equal_a_naive_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "x": rng.choice(["AC", "GT", "CC", "GA"], size=200),
            "bin": rng.choice(["B0", "B1", "B2"], size=200),
            "n": rng.integers(0, 4, size=200),
        }
    )
    found = only(tmp_path, table, measurement=LONG | {"library": "B0", "count": "n"})
    order = list(dict.fromkeys(table["x"]))
    for row, sequence in enumerate(order):
        for column, name in enumerate(["B0", "B1", "B2"]):
            expected = table.loc[(table["x"] == sequence) & (table["bin"] == name), "n"].sum()
            got = found.recorded["library"] if name == "B0" else found.recorded["counts"][:, column - 1]
            assert got[row] == expected


def test_long_bins_without_counts_count_rows(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "AC", "AC", "GT"], "bin": ["B1", "B1", "B2", "B2"]})
    found = only(tmp_path, table, measurement=LONG)
    np.testing.assert_array_equal(found.recorded["counts"], [[2, 1], [0, 1]])
    assert "library" not in found.recorded


def test_long_bins_of_numbers_match_names(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GT"], "bin": [1.0, 2.0]})
    found = only(tmp_path, table, measurement={"kind": "bins", "bin": "bin", "bins": ["1", "2"]})
    np.testing.assert_array_equal(found.recorded["counts"], np.eye(2))


def test_long_bins_keep_inputs_apart(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC"] * 4, "bin": ["B1", "B2"] * 2, "dose": [1, 1, 3, 3], "n": [1, 2, 3, 4]})
    found = only(tmp_path, table, measurement=LONG | {"count": "n"}, inputs={"CRP": "dose"})
    np.testing.assert_array_equal(found.recorded["counts"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found.inputs["CRP"], [1, 3])


def test_rows_of_bins_that_are_not_named_are_left_out_with_a_warning(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GT", "GT"], "bin": ["B1", "B0", "B2"]})
    with pytest.warns(PajamoWarning, match=r"1 of 3 rows .*B0"):
        found = only(tmp_path, table, measurement=LONG)
    np.testing.assert_array_equal(found.recorded["counts"], np.eye(2))


def test_rows_without_a_read_are_left_out_with_a_warning(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GG", "GT"], "b1": [1, 0, 0], "b2": [0, 0, 2]})
    with pytest.warns(PajamoWarning, match=r"1 of 3 rows .*first: row 3"):
        found = only(tmp_path, table, measurement=WIDE)
    np.testing.assert_array_equal(found.codes, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(found.recorded["counts"], [[1, 0], [0, 2]])


def test_reads_in_the_library_alone_are_reads(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GG"], "b1": [1, 0], "b2": [0, 0], "lib": [0, 4]})
    assert only(tmp_path, table, measurement=WIDE | {"library": "lib"}).n == 2


def test_numbers_with_errors(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GT"], "f": [-1.5, 2], "sd": [0.1, 1e-9]})
    found = only(tmp_path, table, measurement={"kind": "continuous", "value": "f", "error": "sd"})
    np.testing.assert_array_equal(found.recorded["value"], [-1.5, 2])
    np.testing.assert_array_equal(found.recorded["error"], [0.1, 1e-9])


def test_barcodes_keep_every_row(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "AC", "GT"], "r": [5, 0, 2], "d": [1, 1, 7]})
    found = only(tmp_path, table, measurement={"kind": "barcodes", "rna": "r", "dna": "d"})
    np.testing.assert_array_equal(found.recorded["rna"], [5, 0, 2])
    np.testing.assert_array_equal(found.recorded["dna"], [1, 1, 7])


def test_inputs_are_numbers_columns_or_fitted(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "GT"], "y": [1, 2], "iptg": [0, 0.5]})
    inputs = {"CRP": 2, "LacI": "iptg", "RNAP": "fit"}
    found = only(tmp_path, table, measurement={"kind": "continuous"}, inputs=inputs)
    assert set(found.inputs) == {"CRP", "LacI"}
    np.testing.assert_array_equal(found.inputs["CRP"], [2, 2])
    np.testing.assert_array_equal(found.inputs["LacI"], [0, 0.5])


def test_where_keeps_rows_that_fulfil_all(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "x": ["AC", "GT", "GG", "CC"],
            "y": [1, 2, 3, 4],
            "exp": ["a", "a", "b", "a"],
            "ok": [True, False, True, True],
        }
    )
    found = only(tmp_path, table, measurement={"kind": "continuous"}, where={"exp": "a", "ok": True})
    np.testing.assert_array_equal(found.recorded["value"], [1, 4])


def test_where_keeps_rows_that_hold_one_of_several_values(tmp_path: Path) -> None:
    columns = {
        "x": ["AC", "GT", "GG", "CC"],
        "y": [1, 2, 3, 4],
        "exp": ["a", "b", "c", "a"],
        "day": [1, 2, 1, 2],
    }
    kind = {"kind": "continuous"}
    found = only(tmp_path, pd.DataFrame(columns), measurement=kind, where={"exp": ["a", "c"]})
    np.testing.assert_array_equal(found.recorded["value"], [1, 3, 4])
    found = only(tmp_path, pd.DataFrame(columns), measurement=kind, where={"exp": ["a", "c"], "day": [1]})
    np.testing.assert_array_equal(found.recorded["value"], [1, 3])


def test_the_published_split_is_kept(tmp_path: Path) -> None:
    names = ["training", "Train", "validation", "val", "valid", "test", "TEST"]
    sequences = ["AA", "AC", "AG", "AT", "CA", "CC", "CG"]
    table = pd.DataFrame({"x": sequences, "y": range(7), "set": names})
    found = only(tmp_path, table, measurement={"kind": "continuous"}, split="set")
    np.testing.assert_array_equal(found.set_of, [0, 0, 1, 1, 1, 2, 2])
    assert found.set_of.dtype == np.int8


def test_shorter_sequences_end_in_the_missing_code(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["ACG", "T"], "y": [1, 2]})
    assay = read(tmp_path, table, measurement={"kind": "continuous"})
    assert assay.varies
    np.testing.assert_array_equal(assay.experiments[0].codes, [[0, 1, 2], [3, 4, 4]])


def test_experiments_are_padded_to_the_longest(tmp_path: Path) -> None:
    for name, sequence in (("a", "AC"), ("b", "ACGT")):
        pd.DataFrame({"x": [sequence], "y": [1]}).to_csv(tmp_path / f"{name}.csv", index=False)
    tables = {n: {"path": tmp_path / f"{n}.csv", "measurement": {"kind": "continuous"}} for n in "ab"}
    assay = read_assay(parse_assay_study({"name": "s", "holdout": (0, 0), "experiments": tables}))
    np.testing.assert_array_equal(assay.experiment("a").codes, [[0, 1, 4, 4]])
    assert assay.length == 4


def test_wild_type_is_given_or_the_most_frequent_letters(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["AC", "AG", "TC"], "y": [1, 2, 3]})
    found = read(tmp_path, table, measurement={"kind": "continuous"})
    assert found.alphabet.decode(found.wild_type[None]) == ["AC"]
    found = read(tmp_path, table, {"wild_type": "GG"}, measurement={"kind": "continuous"})
    assert found.alphabet.decode(found.wild_type[None]) == ["GG"]


def test_the_most_frequent_letters_equal_a_naive_count() -> None:
    alphabet = alphabet_of("dna")
    codes = np.random.default_rng(0).integers(0, 5, size=(50, 7)).astype(np.uint8)
    naive = [max(range(4), key=lambda letter: (codes[:, place] == letter).sum()) for place in range(7)]
    np.testing.assert_array_equal(most_frequent(codes, alphabet), naive)


def test_a_site_that_slides_takes_any_length(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ["ACG", "ACGT"], "y": [1, 2]})
    site = {"kind": "thermodynamic", "sites": {"S": {"length": 2, "slide": [0, 1]}}, "transcribes": ["S"]}
    study = {"wild_type": "ACGTA", "mechanisms": {"m": site}}
    assay = read(tmp_path, table, study, measurement={"kind": "continuous"})
    np.testing.assert_array_equal(assay.experiments[0].codes, [[0, 1, 2, 4, 4], [0, 1, 2, 3, 4]])


@pytest.mark.parametrize("rows", [1, 190])
def test_small_tables_are_read(tmp_path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    sequences = {"".join(rng.choice(list("ACGT"), size=12)) for _ in range(rows)}
    table = pd.DataFrame({"x": sorted(sequences), "y": np.arange(rows)})
    study = {"holdout": (0, 0) if rows == 1 else (0.2, 0.2)}
    found = only(tmp_path, table, study, measurement={"kind": "continuous"})
    assert found.n == rows
    assert (found.set_of == 0).sum() >= rows / 2


def test_five_experiments_of_one_file(dev_data: Path) -> None:
    bins = [f"B{k}" for k in range(1, 10)]
    raw = {
        "path": dev_data / "cisreg" / "sortseq_raw_file_S2.tsv.gz",
        "names": ["experiment", "bin", "sequence"],
    }
    measurement = {"kind": "bins", "bin": "bin", "bins": bins, "library": "B0"}
    tables = {
        name: raw | {"sequence": "sequence", "where": {"experiment": name}, "measurement": measurement}
        for name in ("crp-wt", "full-wt")
    }
    assay = read_assay(parse_assay_study({"name": "lac", "experiments": tables}))
    full = assay.experiment("full-wt")
    assert full.n == 50518
    assert full.recorded["counts"].sum() + full.recorded["library"].sum() == 51853
    shared = dict(zip(map(bytes, full.codes), full.set_of, strict=True))
    crp = assay.experiment("crp-wt")
    both = [(shared[bytes(c)], s) for c, s in zip(crp.codes, crp.set_of, strict=True) if bytes(c) in shared]
    assert all(one == other for one, other in both)
