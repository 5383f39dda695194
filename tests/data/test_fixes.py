"""Each named fix makes a new file in which the problem is gone, and leaves the old file alone."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from pajamo.config import DataSettings
from pajamo.data.atomic import sha256
from pajamo.data.checks.fix_choices import unique_names
from pajamo.data.checks.fixes import fix_choices, fix_screen
from pajamo.data.conditions import Condition
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.errors import DataError, PajamoError, StorageError

Write = Callable[..., Path]


def repeat_gene(adata: anndata.AnnData) -> None:
    adata.var_names = ["A", "B", "C", "A", "E", "F"]


def repeat_cell(adata: anndata.AnnData) -> None:
    adata.obs_names = ["same"] * 2 + list(adata.obs_names[2:])


def empty_cell(adata: anndata.AnnData) -> None:
    dense = adata.X.toarray()
    dense[5] = 0
    adata.X = sp.csr_matrix(dense)


def counts_in_layer(adata: anndata.AnnData) -> None:
    adata.layers["umi"] = adata.X.copy()
    adata.X = adata.X * 0.3


def counts_in_raw(adata: anndata.AnnData) -> anndata.AnnData:
    adata.raw = adata.copy()
    normal = adata[:, :3].copy()
    normal.X = normal.X * 0.3
    return normal


def no_control_on_day_three(adata: anndata.AnnData) -> anndata.AnnData:
    return adata[(adata.obs["perturbation"] != "control") | (adata.obs["day"] == 2)].copy()


def mended(path: Path, *choices: str, **settings: str) -> Screen:
    before = sha256(path)
    asked = DataSettings(path=path, **settings)
    with pytest.raises(PajamoError):
        read_screen(asked)
    out = fix_screen(path, asked, choices, path.with_name("mended.h5ad"))
    assert sha256(path) == before
    return read_screen(asked.model_copy(update={"path": out, "layer": None}))


def test_make_names_unique(screen_file: Write) -> None:
    screen = mended(screen_file(repeat_gene), "make-names-unique")
    assert list(screen.genes) == ["A", "B", "C", "A-1", "E", "F"]


def test_sum_duplicates(screen_file: Write) -> None:
    path = screen_file(repeat_gene)
    before = anndata.read_h5ad(screen_file(name="whole.h5ad")).X.toarray()
    screen = mended(path, "sum-duplicates")
    assert list(screen.genes) == ["A", "B", "C", "E", "F"]
    after = screen.matrix.rows(np.arange(20)).toarray()
    np.testing.assert_array_equal(after[:, 0], before[:, 0] + before[:, 3])
    np.testing.assert_array_equal(after[:, 1:], before[:, [1, 2, 4, 5]])


def test_drop_duplicate_cells(screen_file: Write) -> None:
    screen = mended(screen_file(repeat_cell), "drop-duplicate-cells")
    assert list(screen.cells.index[:2]) == ["same", "cell2"]


def test_drop_empty_cells(screen_file: Write) -> None:
    screen = mended(screen_file(empty_cell), "drop-empty-cells")
    assert screen.n_cells == 19
    assert "cell5" not in screen.cells.index


def test_use_layer_and_use_raw(screen_file: Write) -> None:
    whole = anndata.read_h5ad(screen_file(name="whole.h5ad")).X.toarray()
    for name, change, fix in (("a", counts_in_layer, "use-layer=umi"), ("b", counts_in_raw, "use-raw")):
        screen = mended(screen_file(change, name=f"{name}.h5ad").rename(tmp(screen_file, name)), fix)
        np.testing.assert_array_equal(screen.matrix.rows(np.arange(20)).toarray(), whole)


def tmp(screen_file: Write, name: str) -> Path:
    folder = screen_file(name="probe.h5ad").parent / name
    folder.mkdir()
    return folder / "screen.h5ad"


def test_drop_uncontrolled(screen_file: Write) -> None:
    screen = mended(screen_file(no_control_on_day_three), "drop-uncontrolled", time="day")
    assert {condition.time for condition in screen.conditions} == {2.0}


def labels_after(path: Path, *choices: str) -> dict[str, int]:
    out = fix_screen(path, DataSettings(path=path), choices, path.with_name("mended.h5ad"))
    return anndata.read_h5ad(out).obs["perturbation"].astype(str).value_counts().to_dict()


def with_labels(*names: str) -> Callable[[anndata.AnnData], None]:
    def change(adata: anndata.AnnData) -> None:
        adata.obs["perturbation"] = np.repeat(names, 4)

    return change


def test_rename_separator_leaves_whole_names_alone(screen_file: Write) -> None:
    path = screen_file(with_labels("control", "A", "B", "A_B", "X_Y"))
    assert labels_after(path, "rename-separator=_") == {"control": 4, "A": 4, "B": 4, "A+B": 4, "X_Y": 4}


def test_drop_ctrl_tokens(screen_file: Write) -> None:
    path = screen_file(with_labels("control", "A+ctrl", "ctrl+B", "A+B", "ctrl+ctrl"))
    assert labels_after(path, "drop-ctrl-tokens") == {"control": 8, "A": 4, "B": 4, "A+B": 4}


def test_drop_guide_suffixes(screen_file: Write) -> None:
    path = screen_file(with_labels("control", "A_1", "A_2", "A_1+B_2", "C"))
    assert labels_after(path, "drop-guide-suffixes") == {"control": 4, "A": 8, "A+B": 4, "C": 4}


def test_drop_rare_counts_conditions_and_keeps_controls(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> anndata.AnnData:
        adata.obs["perturbation"] = np.repeat(["control", "A", "B", "A+B", "B+A"], 4)
        return adata[[0, *range(4, 9), *range(12, 20)]].copy()

    path = screen_file(change)
    assert labels_after(path, "drop-rare=5") == {"control": 1, "A+B": 4, "B+A": 4}


def test_to_csr(screen_file: Write) -> None:
    def by_genes(adata: anndata.AnnData) -> None:
        adata.X = sp.csc_matrix(adata.X)

    path = screen_file(by_genes)
    out = fix_screen(path, DataSettings(path=path), ["to-csr"], path.with_name("mended.h5ad"))
    assert isinstance(anndata.read_h5ad(out).X, sp.csr_matrix)


def test_choices_go_in_order_and_are_recorded(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        counts_in_layer(adata)
        repeat_gene(adata)

    path = screen_file(change)
    asked = DataSettings(path=path)
    first = fix_screen(path, asked, ["use-layer=umi", "sum-duplicates"], path.with_name("first.h5ad"))
    second = fix_screen(first, asked, ["drop-rare=4"], path.with_name("second.h5ad"))
    record = [json.loads(line) for line in anndata.read_h5ad(second).uns["pajamo_fixes"]]
    assert [step["fix"] for step in record] == ["use-layer=umi", "sum-duplicates", "drop-rare=4"]
    assert record[0]["sha256"] == sha256(path)
    assert record[2]["sha256"] == sha256(first)
    screen = read_screen(asked.model_copy(update={"path": second}))
    assert screen.notes[1] == "mended: sum-duplicates (6 genes became 5)"
    assert Condition(("A", "B")) in screen.conditions


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (["drop-empty-cell"], "did you mean 'drop-empty-cells'"),
        (["use-layer"], "use-layer=<name>"),
        (["use-raw=x"], "is written 'use-raw'"),
        (["use-layer=umis"], "no layer 'umis'"),
        (["use-raw"], "no raw"),
        (["drop-rare=few"], "not a number"),
        ([], "no fix is named"),
    ],
)
def test_choices_that_do_not_apply_leave_nothing_behind(
    screen_file: Write, choices: list[str], words: str
) -> None:
    path = screen_file()
    out = path.with_name("mended.h5ad")
    with pytest.raises(DataError) as raised:
        fix_screen(path, DataSettings(path=path), choices, out)
    assert words in str(raised.value)
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_ever_overwritten(screen_file: Write) -> None:
    path, other = screen_file(), screen_file(name="other.h5ad")
    for out, word in ((path, "never overwrites"), (other, "exists already")):
        before = sha256(out)
        with pytest.raises(DataError, match=word):
            fix_screen(path, DataSettings(path=path), ["to-csr"], out)
        assert sha256(out) == before


def test_sums_of_logarithms_are_refused(screen_file: Write) -> None:
    path = screen_file(repeat_gene)
    with pytest.raises(DataError, match="logarithms"):
        fix_screen(
            path, DataSettings(path=path, scale="log1p"), ["sum-duplicates"], path.with_name("out.h5ad")
        )


def test_full_disk_leaves_nothing_behind(screen_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = screen_file()

    def full(self: anndata.AnnData, target: Path, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(anndata.AnnData, "write_h5ad", full)
    with pytest.raises(StorageError, match="disk is full"):
        fix_screen(path, DataSettings(path=path), ["to-csr"], path.with_name("mended.h5ad"))
    assert list(path.parent.iterdir()) == [path]


def test_every_choice_is_described() -> None:
    choices = fix_choices()
    assert "use-layer=<name>" in choices
    assert "drop-rare=<cells>" in choices
    assert all(description for description in choices.values())


@given(st.lists(st.sampled_from(["A", "A-1", "A-2", "B"]), max_size=12))
def test_unique_names_are_unique_and_first_ones_stay(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    for name in set(names):
        assert unique[names.index(name)] == name
