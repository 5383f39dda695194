"""`pajamo store`, and studies whose screen is a store, from the command line and from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import pajamo
from pajamo.config import parse_study
from pajamo.pipeline.identity import run_id

Command = Callable[..., Any]


def test_build_info_append_verify(command: Command, tiny_screen: Path, tmp_path: Path):
    done = command("store", "build", tiny_screen, "a.pstore")
    assert done.code == 0
    assert "values as uint16 up to" in done.out
    adata = anndata.read_h5ad(tiny_screen)
    adata.obs_names = [f"more-{name}" for name in adata.obs_names]
    adata.write_h5ad(tmp_path / "more.h5ad")
    assert command("store", "append", "a.pstore", "more.h5ad").code == 0
    assert f"all {2 * adata.n_obs:,} cells" in command("store", "verify", "a.pstore").out
    told = command("store", "info", "a.pstore").out
    assert f"{adata.n_obs:,} cells of more.h5ad" in told
    assert "perturbation" in told
    assert json.loads(command("store", "info", "a.pstore", "--json").out)["cells"] == 2 * adata.n_obs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "a.h5ad", "b.h5ad"), "last path must be the new store"),
        (("build", "a.pstore"), "last path must be the new store"),
        (("build", "a.h5ad", "a.pstore"), "no such file"),
        (("build", "a.h5ad", "a.pstore", "--genes", "all"), "'all' is no choice"),
        (("build", "a.h5ad", "a.pstore", "--value-type", "int3"), "'int3'"),
        (("append", "a.pstore", "a.h5ad", "--genes", "union"), "'union' is no choice"),
        (("verify", "a.pstore"), "no such folder"),
        (("info", "a.pstore"), "no such folder"),
    ],
)
def test_what_is_wrong_is_said(command: Command, arguments: tuple[str, ...], said: str):
    done = command("store", *arguments)
    assert done.code == 2
    assert said in done.err


def test_altered_bytes_are_found(command: Command, tiny_screen: Path, tmp_path: Path):
    command("store", "build", tiny_screen, "a.pstore")
    with (tmp_path / "a.pstore" / "values.bin").open("r+b") as file:
        file.seek(3)
        file.write(b"\xff")
    done = command("store", "verify", "a.pstore")
    assert done.code == 2
    assert "altered in block 0" in done.err


def test_a_screen_in_memory_or_backed_becomes_a_store(tiny_screen: Path, tmp_path: Path):
    memory, backed = anndata.read_h5ad(tiny_screen), anndata.read_h5ad(tiny_screen, backed="r")
    for name, adata in (("memory", memory), ("backed", backed)):
        store = pajamo.build_store(adata, tmp_path / f"{name}.pstore")
        np.testing.assert_array_equal(store.dense(slice(None)), memory.X.toarray())
    more = memory.copy()
    more.obs_names = [f"more-{name}" for name in more.obs_names]
    assert pajamo.append_cells(store.path, [more]).n_cells == 2 * memory.n_obs
    assert pajamo.open_store(store.path).n_cells == pajamo.verify_store(store.path).n_cells
    screen = pajamo.read_screen(store.path, batch="batch")
    assert set(screen.cells) >= {"batch", "library_size"}


def test_a_study_runs_from_a_store_and_knows_it_again(
    tiny_study: dict[str, Any], tiny_screen: Path, tmp_path: Path, without_report: None
):
    pajamo.build_store(tiny_screen, tmp_path / "tiny.pstore")
    split = {"kind": "doubles", "folds": 1}
    study = {**tiny_study, "split": split, "data": {"path": str(tmp_path / "tiny.pstore")}}
    run = pajamo.run(study, runs=tmp_path / "runs")
    assert "mixed-effects" in run.verdict["sentence"]
    assert pajamo.run(study, runs=tmp_path / "runs").path == run.path
    adata = anndata.read_h5ad(tiny_screen)
    adata.obs_names = [f"more-{name}" for name in adata.obs_names]
    pajamo.append_cells(tmp_path / "tiny.pstore", adata)
    parsed = parse_study(study)
    assert run_id(parsed, parsed.data) != run.path.name


def test_check_and_protocol_take_a_store(command: Command, tiny_screen: Path):
    command("store", "build", tiny_screen, "a.pstore")
    assert command("check", "a.pstore").code == 0
    assert command("protocol", "check", "a.pstore").code == 0


def test_a_store_is_compressed_and_unpacked(command: Command, tiny_screen: Path, tmp_path: Path):
    command("store", "build", tiny_screen, "a.pstore")
    assert command("store", "compress", "a.pstore", "a.packed").code == 0
    assert "16,427 values" in command("store", "unpack", "a.packed", "b.pstore").out
    one, other = (pajamo.open_store(tmp_path / name) for name in ("a.pstore", "b.pstore"))
    np.testing.assert_array_equal(one.dense(slice(None)), other.dense(slice(None)))


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_a_store_is_exported_as_anndata(command: Command, tiny_screen: Path, tmp_path: Path, name: str):
    command("store", "build", tiny_screen, "a.pstore")
    assert command("store", "export", "a.pstore", name).code == 0
    read = anndata.read_h5ad if name.endswith("h5ad") else anndata.read_zarr
    np.testing.assert_array_equal(
        read(tmp_path / name).X.toarray(), anndata.read_h5ad(tiny_screen).X.toarray()
    )


def test_a_store_is_exported_as_nothing_else(command: Command, tiny_screen: Path):
    command("store", "build", tiny_screen, "a.pstore")
    done = command("store", "export", "a.pstore", "a.csv")
    assert done.code == 2
    assert "NAME.h5ad or NAME.zarr" in done.err


def test_an_archive_that_is_not_there_is_not_imported(command: Command):
    assert command("store", "import-scdl", "nowhere", "a.pstore").code == 2
