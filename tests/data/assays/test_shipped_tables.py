"""Tables of sequences by name: those that ship are whole, and a study gets their columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.config import DataSettings
from pajamo.config.assays import ExperimentSettings, parse_assay_study
from pajamo.data.assays.reading import read_assay
from pajamo.data.public import catalogue as catalogue_module
from pajamo.data.public.catalogue import Entry, find
from pajamo.data.public.datasets import get, list_datasets, resolve, resolve_experiment
from pajamo.data.public.download import checksums
from pajamo.errors import DataError

BINS = {"kind": "bins", "columns": [f"ct_{k}" for k in range(1, 10)], "library": "ct_0"}
SHIPPED = [entry for entry in list_datasets() if entry.loader == "shipped-table"]


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_shipped_table_is_as_recorded(entry: Entry) -> None:
    path = get(entry.name)
    assert entry.here
    found = checksums(path)
    assert (found.sha256, found.size) == (entry.sha256, entry.bytes)
    source = path.with_name("SOURCE.md").read_text(encoding="utf-8")
    assert entry.doi in source
    if "SIMULATED" in entry.title:
        assert "nothing in it was measured" in source
    else:
        assert entry.sha256 in source
    words = {"MIT": "MIT License", "Apache-2.0": "Apache License"}[entry.licence]
    assert words in path.with_name("LICENSE.txt").read_text(encoding="utf-8")
    assert len(pd.read_csv(path)) == entry.sequences


def test_these_tables_ship() -> None:
    simulated = ["cas9-simulated-rates", "cas9-simulated-cells"]
    assert [entry.name for entry in SHIPPED] == ["lac-sortseq", "mpsa", *simulated]


def test_lac_promoter_arrives_in_the_published_split() -> None:
    study = {"name": "lac", "experiments": {"wt": {"dataset": "lac-sortseq", "measurement": BINS}}}
    assay = read_assay(parse_assay_study(study))
    found = assay.experiments[0]
    assert found.codes.shape == (50518, 75)
    assert list(np.bincount(found.set_of)) == [30516, 10067, 9935]
    assert found.recorded["counts"].sum() + found.recorded["library"].sum() == 51853
    wild_type = assay.alphabet.decode(assay.wild_type[None])[0]
    assert wild_type == "AATTAATGTGAGTTAGCTCACTCATTAGGCACCCCAGGCTTTACACTTTATGCTTCCGGCTCGTATGTTGTGTGG"


def test_splice_sites_arrive_as_rna() -> None:
    study = {
        "name": "m",
        "alphabet": "rna",
        "experiments": {"e": {"dataset": "mpsa", "measurement": {"kind": "continuous"}}},
    }
    found = read_assay(parse_assay_study(study)).experiments[0]
    assert found.codes.shape == (30483, 9)
    assert (found.codes[:, 3] == 2).all()
    assert list(np.bincount(found.set_of)) == [18469, 5936, 6078]


@pytest.mark.parametrize(("name", "file"), [("lac-sortseq", "mavenn_sortseq"), ("mpsa", "mavenn_mpsa")])
def test_shipped_table_agrees_with_the_development_copy(dev_data: Path, name: str, file: str) -> None:
    copy = pd.read_csv(dev_data / "cisreg" / f"{file}.csv.gz")
    pd.testing.assert_frame_equal(pd.read_csv(get(name)), copy, check_exact=False, rtol=0, atol=1e-6)


def test_what_the_study_says_wins() -> None:
    settings = {"dataset": "lac-sortseq", "measurement": BINS, "split": None, "where": {"ct_0": 1}}
    found = resolve_experiment(ExperimentSettings.model_validate(settings))
    assert (found.dataset, found.split, found.sequence) == (None, None, "x")
    assert found.path == find("lac-sortseq").place()
    assert found.where == {"ct_0": 1}


def test_a_path_is_left_alone(tmp_path: Path) -> None:
    settings = ExperimentSettings.model_validate(
        {"path": tmp_path / "t.csv", "measurement": {"kind": "continuous"}}
    )
    assert resolve_experiment(settings) is settings


def test_screens_and_tables_are_told_apart() -> None:
    with pytest.raises(DataError, match="'mpsa' is a table of sequences") as caught:
        resolve(DataSettings(dataset="mpsa"))
    assert "[experiments.NAME]" in caught.value.fix
    settings = {"dataset": "renge", "measurement": {"kind": "continuous"}}
    with pytest.raises(DataError, match="'renge' is a screen") as caught:
        resolve_experiment(ExperimentSettings.model_validate(settings))
    assert "[data]" in caught.value.fix


def test_table_that_was_fetched_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAJAMO_DATA", str(tmp_path / "cache"))
    entry = Entry(
        name="toy", title="Toy", reference="nobody", url="https://127.0.0.1/toy.csv.gz", file="toy_file.csv.gz",
        licence="MIT", modality="Sort-Seq", sequences=2, loader="table", settings={"names": ("sequence", "y")},
    )  # fmt: skip
    monkeypatch.setattr(catalogue_module, "catalogue", lambda: {"toy": entry})
    (tmp_path / "mine.gz").write_bytes(gzip.compress(b"AC,1\nGT,2\n"))
    declared = {"dataset": "toy", "sequence": "sequence", "measurement": {"kind": "continuous"}}
    study = parse_assay_study({"name": "s", "holdout": (0, 0), "experiments": {"e": declared}})
    with pytest.raises(DataError, match="not on this machine") as caught:
        read_assay(study)
    assert caught.value.fix == "pajamo data get toy"
    assert get("toy", source=tmp_path / "mine.gz") == tmp_path / "cache" / "toy_file.csv.gz"
    assert get("toy").is_file()
    np.testing.assert_array_equal(read_assay(study).experiments[0].recorded["value"], [1, 2])
