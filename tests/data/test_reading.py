"""A screen is read as it was recorded; whatever is wrong with it is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.config import DataSettings
from pajamo.data.conditions import Condition
from pajamo.data.matrix import FileMatrix, MemoryMatrix
from pajamo.data.reading import stored
from pajamo.data.reading.screens import read_screen
from pajamo.data.reading.variable_genes import excess_variance
from pajamo.errors import DataError, IntegrityError

Write = Callable[..., Path]


def set_value(value: float, cell: int = 3, gene: int = 1) -> Callable[[anndata.AnnData], None]:
    def change(adata: anndata.AnnData) -> None:
        dense = adata.X.toarray()
        dense[cell, gene] = value
        adata.X = sp.csr_matrix(dense)

    return change


def test_small_screen_is_read_as_it_was_written(screen_file: Write) -> None:
    path = screen_file()
    written = anndata.read_h5ad(path)
    screen = read_screen(DataSettings(path=path, batch="batch"))
    assert list(screen.genes) == list(written.var_names)
    assert screen.conditions == (
        Condition(()), Condition(("A",)), Condition(("A", "B")), Condition(("B",)), Condition(("C",)),
    )  # fmt: skip
    named = ["+".join(screen.conditions[i].genes) or "control" for i in screen.condition_of]
    assert named == list(written.obs["perturbation"])
    np.testing.assert_array_equal(screen.matrix.rows(np.arange(20)).toarray(), written.X.toarray())
    np.testing.assert_array_equal(screen.cells["library_size"], written.X.toarray().sum(axis=1))
    assert list(screen.cells["batch"]) == list(written.obs["batch"])
    assert (screen.name, screen.simulated, screen.notes) == ("screen", False, ())


def store_dense(adata: anndata.AnnData) -> None:
    adata.X = adata.X.toarray()


def store_by_genes(adata: anndata.AnnData) -> None:
    adata.X = sp.csc_matrix(adata.X)


def store_integers(adata: anndata.AnnData) -> None:
    adata.X = adata.X.astype(np.int32)


def store_in_layer(adata: anndata.AnnData) -> None:
    adata.layers["umi"] = adata.X
    adata.X = adata.X * 0.3


@pytest.mark.parametrize("change", [store_dense, store_by_genes, store_integers, store_in_layer])
@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_every_layout_gives_the_same_screen(
    screen_file: Write, monkeypatch: pytest.MonkeyPatch, change: Callable[..., None], in_memory: int
) -> None:
    monkeypatch.setattr(stored, "IN_MEMORY", in_memory)
    reference = read_screen(DataSettings(path=screen_file(name="a.h5ad")))
    layer = "umi" if change is store_in_layer else None
    screen = read_screen(DataSettings(path=screen_file(change, name="b.h5ad"), layer=layer))
    expected_kind = MemoryMatrix if in_memory or change is store_by_genes else FileMatrix
    assert isinstance(screen.matrix, expected_kind)
    rows = np.array([7, 0, 7, 19])
    np.testing.assert_array_equal(screen.matrix.rows(rows).toarray(), reference.matrix.rows(rows).toarray())
    np.testing.assert_array_equal(screen.cells["library_size"], reference.cells["library_size"])


def test_context_time_and_library_column(screen_file: Write) -> None:
    path = screen_file()
    screen = read_screen(DataSettings(path=path, context="donor", time="day", library_size="molecules"))
    written = anndata.read_h5ad(path)
    expected = [
        Condition(() if label == "control" else tuple(label.split("+")), donor, day)
        for label, donor, day in zip(
            written.obs["perturbation"], written.obs["donor"], written.obs["day"], strict=True
        )
    ]
    assert [screen.conditions[i] for i in screen.condition_of] == expected
    assert screen.conditions == tuple(sorted(set(expected)))
    np.testing.assert_array_equal(screen.cells["library_size"], written.obs["molecules"])


def test_both_orders_and_control_tokens_are_one_condition(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        names = adata.obs["perturbation"].astype(str).to_numpy()
        names[names == "A+B"] = ["B+A", "A+B", " A+B ", "A + B"]
        names[names == "C"] = ["C+ctrl", "ctrl+C", "C", "C "]
        adata.obs["perturbation"] = names

    screen = read_screen(DataSettings(path=screen_file(change)))
    assert [len(screen.cells_of(condition)) for condition in screen.conditions] == [4, 4, 4, 4, 4]


def test_logarithms_are_taken_as_they_are(screen_file: Write) -> None:
    def logarithm(adata: anndata.AnnData) -> None:
        adata.X = adata.X.log1p()

    path = screen_file(logarithm)
    screen = read_screen(DataSettings(path=path, scale="log1p"))
    assert screen.cells["library_size"].isna().all()
    _, block = next(screen.log_normalised_blocks())
    np.testing.assert_allclose(block.toarray(), anndata.read_h5ad(path).X.toarray(), rtol=1e-6)


def test_simulated_and_mended_files_say_so(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.uns["simulated"] = True
        adata.uns["pajamo_fixes"] = np.array(
            ['{"fix": "to-csr", "effect": "stored as CSR"}', "by hand"], dtype=object
        )

    screen = read_screen(DataSettings(path=screen_file(change)))
    assert screen.simulated
    assert screen.notes == ("mended: to-csr (stored as CSR)", "mended: by hand")


def empty_cell(adata: anndata.AnnData) -> None:
    dense = adata.X.toarray()
    dense[5] = 0
    adata.X = sp.csr_matrix(dense)


def repeat_gene(adata: anndata.AnnData) -> None:
    adata.var_names = ["A", "B", "C", "A", "E", "F"]


def repeat_cell(adata: anndata.AnnData) -> None:
    adata.obs_names = ["same"] * 2 + list(adata.obs_names[2:])


def only_one(adata: anndata.AnnData) -> anndata.AnnData:
    return adata[adata.obs["perturbation"].isin(["control", "A"])].copy()


def normalise(adata: anndata.AnnData) -> None:
    adata.X = adata.X * 0.7


def day_words(adata: anndata.AnnData) -> None:
    adata.obs["day"] = "day 2"


def no_control_on_day_three(adata: anndata.AnnData) -> anndata.AnnData:
    return adata[(adata.obs["perturbation"] != "control") | (adata.obs["day"] == 2)].copy()


def lose_labels(adata: anndata.AnnData) -> None:
    adata.obs["perturbation"] = adata.obs["perturbation"].astype(object)
    adata.obs.iloc[4:6, 0] = np.nan


def dangling_plus(adata: anndata.AnnData) -> None:
    adata.obs["perturbation"] = adata.obs["perturbation"].astype(str).str.replace("A+B", "A+")


def rename_control(adata: anndata.AnnData) -> None:
    adata.obs["perturbation"] = adata.obs["perturbation"].cat.rename_categories({"control": "non-targeting"})


def zero_library(adata: anndata.AnnData) -> None:
    adata.obs["molecules"] = 0.0


def store_half(adata: anndata.AnnData) -> None:
    adata.X = adata.X.toarray().astype(np.float16)


def drop_x(adata: anndata.AnnData) -> anndata.AnnData:
    return anndata.AnnData(obs=adata.obs, var=adata.var, layers={"umi": adata.X})


def nothing(adata: anndata.AnnData) -> None:
    del adata


BAD = {
    "empty cell": (empty_cell, {}, ["1 cells are empty", "cell5", "drop-empty-cells"]),
    "repeated gene": (
        repeat_gene,
        {},
        ["genes occur more than once: A", "make-names-unique", "sum-duplicates"],
    ),
    "repeated cell": (repeat_cell, {}, ["cells occur more than once: same", "drop-duplicate-cells"]),
    "NaN": (set_value(np.nan), {}, ["1 values are NaN", "'cell3'", "'B'"]),
    "infinite": (set_value(np.inf), {}, ["1 values are infinite", "'cell3'", "'B'"]),
    "negative": (set_value(-2), {}, ["1 values are negative", "'cell3'", "'B'", "-2"]),
    "negative logarithm": (set_value(-2), {"scale": "log1p"}, ["negative", "nor does its logarithm"]),
    "normalised": (normalise, {}, ["not integers", "'cell0'", 'scale = "log1p"']),
    "counts elsewhere": (store_in_layer, {}, ["not integers", 'set `layer = "umi"`']),
    "counts as logarithms": (set_value(50), {"scale": "log1p"}, ["too large for ln", 'scale = "counts"']),
    "no such column": (
        nothing,
        {"perturbation": "perturbatoin"},
        ["no column", "did you mean 'perturbation'"],
    ),
    "no such batch": (nothing, {"batch": "lane"}, ["obs has no column 'lane'", "`batch`"]),
    "no such context": (nothing, {"context": "donr"}, ["did you mean 'donor'"]),
    "no such time": (nothing, {"time": "week"}, ["obs has no column 'week'"]),
    "no such library": (nothing, {"library_size": "umis"}, ["obs has no column 'umis'", "`library_size`"]),
    "no such layer": (store_in_layer, {"layer": "umis"}, ["no layer 'umis'", "did you mean 'umi'"]),
    "no X": (drop_x, {}, ["X is missing", "umi"]),
    "no such control": (rename_control, {}, ["'control'", "look like controls: non-targeting"]),
    "one perturbation": (only_one, {}, ["1 perturbation: A"]),
    "uncontrolled time": (
        no_control_on_day_three,
        {"time": "day"},
        ["no control cells in 3", "drop-uncontrolled"],
    ),
    "time in words": (day_words, {"time": "day"}, ["not a number in 20 cells", "day 2"]),
    "lost labels": (lose_labels, {}, ["2 cells have no value", "cell4, cell5"]),
    "dangling plus": (dangling_plus, {}, ["'A+'", "empty part"]),
    "library of zero": (zero_library, {"library_size": "molecules"}, ["20 cells are empty"]),
    "half precision": (store_half, {}, ["float16", "astype"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named(screen_file: Write, case: str, recwarn: pytest.WarningsRecorder) -> None:
    change, settings, words = BAD[case]
    path = screen_file(change)
    recwarn.clear()
    with pytest.raises(DataError) as raised:
        read_screen(DataSettings(path=path, **settings))
    for word in words:
        assert word in str(raised.value)
    assert raised.value.fix
    assert not recwarn.list


def test_dataset_must_be_resolved_first() -> None:
    with pytest.raises(DataError, match="no file is named"):
        read_screen(DataSettings(dataset="renge"))


def spoil_indices(file: h5py.File) -> None:
    file["X/indices"][2] = 6


def spoil_pointers(file: h5py.File) -> None:
    file["X/indptr"][3] = 10**6


def spoil_direction(file: h5py.File) -> None:
    file["X/indptr"][3] = 1


def spoil_shape(file: h5py.File) -> None:
    file["X"].attrs["shape"] = np.array([20, 7])


def spoil_length(file: h5py.File) -> None:
    values = file["X/indices"][:-1]
    del file["X/indices"]
    file["X/indices"] = values


@pytest.mark.parametrize("spoil", [spoil_indices, spoil_pointers, spoil_direction, spoil_shape, spoil_length])
@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_matrix_that_contradicts_itself_is_refused(
    screen_file: Write, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[h5py.File], None], in_memory: int
) -> None:
    monkeypatch.setattr(stored, "IN_MEMORY", in_memory)
    path = screen_file()
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(IntegrityError, match="damaged"):
        read_screen(DataSettings(path=path))


def test_large_matrix_by_genes_asks_for_conversion(
    screen_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MOST_CONVERTED", 10)
    with pytest.raises(DataError, match="to-csr"):
        read_screen(DataSettings(path=screen_file(store_by_genes)))


def test_nullable_text_and_integers_are_read(screen_file: Write) -> None:
    def change(adata: anndata.AnnData) -> None:
        adata.obs["perturbation"] = adata.obs["perturbation"].astype("string")
        adata.obs["day"] = adata.obs["day"].astype("Int64")

    with anndata.settings.override(allow_write_nullable_strings=True):
        path = screen_file(change)
    screen = read_screen(DataSettings(path=path, time="day"))
    assert {condition.time for condition in screen.conditions} == {2.0, 3.0}
    assert len(screen.conditions) == 10


def test_file_of_the_anndata_0_7_format_is_read(screen_file: Write) -> None:
    """Until 0.7 a categorical column was codes that point to `__categories`, and nothing else was marked."""
    path = screen_file()
    with h5py.File(path, "r+") as file:
        for name in ("obs", "var"):
            file[name].attrs["encoding-version"] = "0.1.0"
        obs = file["obs"]
        kept = obs.create_group("__categories")
        for name in ("perturbation", "batch"):
            codes, names = obs[f"{name}/codes"][:], obs[f"{name}/categories"][:]
            del obs[name]
            obs[name], kept[name] = codes, names
            obs[name].attrs["categories"] = kept[name].ref
        for entry in (obs[name] for name in ("_index", "day", "donor", "molecules", "perturbation", "batch")):
            # What newer versions write as a group had no counterpart in 0.7 and stays as it is.
            for mark in ("encoding-type", "encoding-version") if isinstance(entry, h5py.Dataset) else ():
                entry.attrs.pop(mark, None)
        del file["X"].attrs["encoding-version"]
        file["X"].attrs["encoding-version"] = "0.1.0"
    screen = read_screen(DataSettings(path=path, batch="batch"))
    assert [len(screen.cells_of(condition)) for condition in screen.conditions] == [4] * 5


def test_top_genes_are_chosen_among_controls_and_keep_perturbed_genes(screen_file: Write) -> None:
    """Gene E varies only in perturbed cells, gene F only between controls."""

    def change(adata: anndata.AnnData) -> None:
        counts = np.full((20, 6), 50.0, dtype=np.float32)
        counts[4:, 4] = np.tile([1, 400], 8)
        counts[:4, 5] = [1, 400, 1, 400]
        adata.X = sp.csr_matrix(counts)

    path = screen_file(change)
    screen = read_screen(DataSettings(path=path, top_genes=1, library_size="molecules"))
    assert list(screen.genes) == ["A", "B", "C", "F"]
    assert screen.matrix.shape == (20, 4)
    assert "4 of 6 genes kept" in screen.notes[0]


def test_genes_above_the_trend_stand_out() -> None:
    random = np.random.default_rng(0)
    mean = np.sort(random.uniform(0.1, 3, 400))
    variance = 0.3 * mean * random.uniform(0.9, 1.1, 400)
    variance[[3, 200, 399]] *= 3
    variance[7] = 0
    excess = excess_variance(mean, variance)
    assert set(np.argsort(-excess)[:3]) == {3, 200, 399}
    assert excess[7] == -np.inf


def test_real_screens_are_read(dev_data: Path) -> None:
    norman = read_screen(
        DataSettings(
            path=dev_data / "perturbation" / "norman2019_k562_crispra.h5ad",
            library_size="total_counts_all_genes",
        )
    )
    orders = pd.Series([condition.order for condition in norman.conditions]).value_counts()
    assert orders.to_dict() == {0: 1, 1: 101, 2: 50}
    mixed = read_screen(
        DataSettings(
            path=dev_data / "perturbation" / "perturbench_devel_norman19_mcfaline23.h5ad",
            scale="log1p",
            context="cell_type",
        )
    )
    assert {condition.context for condition in mixed.conditions} == {"k562", "A172", "T98G", "U87MG"}
