"""Whatever is wrong with a screen or a study, the command says what, where and what to do, with code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse as sp

STUDY = """
name = "broken"
[data]
path = "screen.h5ad"
[split]
kind = "doubles"
folds = 2
[models]
ladder = ["no-change"]
"""
Change = Callable[[anndata.AnnData], Any]


@pytest.fixture
def folder(tmp_path: Path, tiny_screen: Path) -> Path:
    (tmp_path / "screen.h5ad").write_bytes(tiny_screen.read_bytes())
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def rewritten(folder: Path, change: Change) -> None:
    screen = anndata.read_h5ad(folder / "screen.h5ad")
    changed = change(screen)
    (screen if changed is None else changed).write_h5ad(folder / "screen.h5ad")


def value(number: float) -> Change:
    def change(screen: anndata.AnnData) -> None:
        dense = screen.X.toarray().astype(np.float32)
        dense[5, 7] = number
        screen.X = sp.csr_matrix(dense)

    return change


def labelled(old: str, new: str) -> Change:
    def change(screen: anndata.AnnData) -> None:
        screen.obs["perturbation"] = screen.obs["perturbation"].astype(str).replace({old: new})

    return change


def only(*kept: str) -> Change:
    return lambda screen: screen[screen.obs["perturbation"].isin(kept)].copy()


def normalised(screen: anndata.AnnData) -> None:
    dense = screen.X.toarray()
    screen.X = np.log1p(1e4 * dense / dense.sum(axis=1, keepdims=True)).astype(np.float32)


def raw_in_layer(screen: anndata.AnnData) -> None:
    screen.layers["counts"] = screen.X.copy()
    normalised(screen)


def same_genes(screen: anndata.AnnData) -> None:
    screen.var_names = ["SIM00001", "SIM00001", *screen.var_names[2:]]


def same_cells(screen: anndata.AnnData) -> None:
    screen.obs_names = ["cell", "cell", *screen.obs_names[2:]]


def empty_cell(screen: anndata.AnnData) -> None:
    dense = screen.X.toarray()
    dense[3] = 0
    screen.X = sp.csr_matrix(dense)


def without_column(screen: anndata.AnnData) -> None:
    screen.obs = screen.obs.rename(columns={"perturbation": "pertubation"})


SCREENS: dict[str, tuple[Change, list[str]]] = {
    "no control": (labelled("control", "NTC"), ["no cell is labelled 'control'", "NTC", "set `control`"]),
    "one perturbation": (only("control", "SIM00001"), ["1 perturbation: SIM00001", "larger screen"]),
    "column missing": (without_column, ["no column 'perturbation'", "did you mean 'pertubation'"]),
    "normalised": (normalised, ["not integers", "normalised, not counts", "SIM000", 'scale = "log1p"']),
    "normalised, counts in a layer": (raw_in_layer, ["normalised, not counts", 'layer = "counts"']),
    "negative": (value(-1), ["1 values are negative", "SIM00008", "simulated0000005"]),
    "not a number": (value(np.nan), ["1 values are NaN", "SIM00008"]),
    "infinite": (value(np.inf), ["1 values are infinite", "SIM00008"]),
    "same genes": (same_genes, ["names of genes occur more than once: SIM00001", "make-names-unique"]),
    "same cells": (same_cells, ["names of cells occur more than once: cell", "drop-duplicate-cells"]),
    "empty cell": (empty_cell, ["1 cells are empty", "simulated0000003", "drop-empty-cells"]),
    "empty part": (labelled("SIM00001", "SIM00001+"), ["'SIM00001+' has an empty part", "A+B"]),
    "no doubles": (only("control", "SIM00001", "SIM00002"), ["doubles", "combinations", "larger|more"]),
}


@pytest.mark.filterwarnings("ignore:.*names are not unique")
@pytest.mark.parametrize("name", SCREENS)
def test_screens(folder: Path, command: Callable[..., Any], name: str) -> None:
    change, words = SCREENS[name]
    rewritten(folder, change)
    refused(command("run", folder / "study.toml", "--runs", folder / "runs"), words)


def refused(outcome: Any, words: list[str]) -> None:
    assert outcome.code == 2, outcome
    assert "error: " in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert "  next: " in outcome.err
    for word in words:
        assert any(option in outcome.err for option in word.split("|")), outcome.err


def text_file(path: Path) -> None:
    path.write_text("cell,gene,count\n")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def external_link(path: Path) -> None:
    secret = path.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones(3)
    with h5py.File(path, "a") as file:
        file["obs/stolen"] = h5py.ExternalLink(str(secret), "/data")


def external_values(path: Path) -> None:
    raw = path.with_name("raw.bin")
    raw.write_bytes(b"\0" * 400)
    with h5py.File(path, "a") as file:
        file.create_dataset("uns/stolen", shape=(100,), dtype="i4", external=[(str(raw), 0, 400)])


def csv_renamed(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["matrix"] = np.ones((3, 3))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (text_file, ["not an h5ad", "does not begin as HDF5 files do"]),
        (lambda path: path.write_bytes(b""), ["not an h5ad", "empty"]),
        (truncated, ["truncated|damaged", "screen.h5ad"]),
        (external_link, ["link", "obs/stolen"]),
        (external_values, ["stored in another file", "uns/stolen"]),
        (csv_renamed, ["not an h5ad", "no obs"]),
        (lambda path: path.unlink(), ["does not exist", "screen.h5ad"]),
    ],
)
def test_files(
    folder: Path, command: Callable[..., Any], damage: Callable[[Path], Any], words: list[str]
) -> None:
    damage(folder / "screen.h5ad")
    refused(command("run", folder / "study.toml", "--runs", folder / "runs"), words)
    assert not list(folder.rglob("*.html"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "doubles"', 'kind = "double"', ["split.kind", "'double'"]),
        ("folds = 2", 'folds = "two"', ["split.folds", "'two'"]),
        ("folds = 2", "folds = 2\nholdot = 0.5", ["unknown key 'split.holdot'", "did you mean 'holdout'"]),
        ("[split]", "[splits]", ["'splits'", "did you mean 'split'"]),
        ('name = "broken"', "", ["'name' is missing"]),
        ('name = "broken"', "name = ", ["not valid TOML", "line 2"]),
        ('path = "screen.h5ad"', 'path = "nowhere.h5ad"', ["does not exist", "nowhere.h5ad"]),
        ('path = "screen.h5ad"', 'dataset = "norman"', ["no data set 'norman'", "norman2019"]),
        (
            'path = "screen.h5ad"',
            'dataset = "norman2019"',
            ["not on this machine", "pajamo data get norman2019"],
        ),
        ('"no-change"', '"salt-lss"', ["no model called 'salt-lss'", "did you mean 'salt-ls'"]),
        ('["no-change"]', '["no-change"]\nsettings.peper.member = 3', ["unknown key", "member", "peper"]),
        ('["no-change"]', '["no-change"]\n[priors]\nembedding = "go.csv"', ["does not exist", "go.csv"]),
        ('["no-change"]', '["no-change"]\n[evaluation]\nmetric = "mes"', ["no metric called 'mes'", "'mse'"]),
        ('kind = "doubles"', 'kind = "context"', ["context"]),
        ('kind = "doubles"', 'kind = "cluster"', ["fewer|cluster"]),
        ("folds = 2", "folds = 40\n", ["40"]),
    ],
)
def test_studies(
    folder: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    words: list[str],
) -> None:
    monkeypatch.setenv("PAJAMO_DATA", str(folder / "cache"))
    text = STUDY.replace(old, new)
    if "folds = 40" in new:
        text = text.replace('"doubles"', '"cluster"')
    if 'kind = "cluster"' in new:
        text = text.replace("folds = 2", "folds = 1")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    outcome = command("run", folder / "study.toml", "--runs", folder / "runs")
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err
    for word in words:
        assert any(option in outcome.err for option in word.split("|")), outcome.err
    assert not (folder / "runs").exists() or not list((folder / "runs").glob("*/manifest.json"))


def test_missing_study_and_folder_as_study(folder: Path, command: Callable[..., Any]) -> None:
    refused(command("run", folder / "none.toml"), ["no such study file", "none.toml"])
    outcome = command("run", folder)
    assert outcome.code == 2
    assert "cannot be read" in outcome.err


def test_double_without_its_singles_is_said_and_left_out_of_the_doubles(
    folder: Path, command: Callable[..., Any], without_report: None
) -> None:
    gone = ("SIM00001", "SIM00005")
    rewritten(folder, lambda screen: screen[~screen.obs["perturbation"].isin(gone)].copy())
    check = command("check", folder / "screen.h5ad", "--json")
    rules = {rule["id"]: rule for rule in json.loads(check.out)["rules"]}
    (singles,) = [rule for rule in rules.values() if rule["title"].startswith("both singles")]
    assert singles["status"] in ("note", "warning")
    assert any("SIM00001+SIM00005" in json.dumps(row) for row in singles["rows"])
    outcome = command("run", folder / "study.toml", "--runs", folder / "runs")
    assert outcome.code == 0, outcome.err
    (about,) = (folder / "runs").glob("*/about.json")
    notes = json.loads(about.read_text(encoding="utf-8"))["notes"]
    assert any("SIM00001+SIM00005" in note or "single" in note for note in notes), notes


def test_only_doubles_leaves_nothing_to_hold_out(folder: Path, command: Callable[..., Any]) -> None:
    rewritten(folder, lambda s: s[s.obs["perturbation"].str.contains("[+]|control")].copy())
    refused(command("run", folder / "study.toml"), ["combinations with a measured single"])
