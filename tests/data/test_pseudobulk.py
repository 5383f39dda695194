"""Means and variances gathered in one pass equal those of all cells at once."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pajamo.data import matrix as matrix_module
from pajamo.data.conditions import Condition
from pajamo.data.matrix import FileMatrix, Matrix, MemoryMatrix
from pajamo.data.pseudobulk import Moments, merge, pseudobulk, random_halves
from pajamo.data.screen import Screen

CONDITIONS = (Condition(()), Condition(("A",)), Condition(("A", "B")), Condition(("Z",)))


def screen_of(counts: np.ndarray, condition_of: np.ndarray, matrix: Matrix | None = None) -> Screen:
    return Screen(
        matrix=matrix or MemoryMatrix(sp.csr_matrix(counts)),
        scale="counts",
        genes=pd.Index([f"g{i}" for i in range(counts.shape[1])]),
        conditions=CONDITIONS,
        condition_of=condition_of,
        cells=pd.DataFrame({"library_size": counts.sum(axis=1) + 1.0}),
    )


def log_normalised(screen: Screen, counts: np.ndarray) -> np.ndarray:
    return np.log1p(counts * (1e4 / screen.cells["library_size"].to_numpy()[:, None]))


def naive(values: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    genes = values.shape[1]
    mean = values[cells].mean(axis=0) if cells.any() else np.full(genes, np.nan)
    variance = values[cells].var(axis=0, ddof=1) if cells.sum() > 1 else np.full(genes, np.nan)
    return mean, variance


@settings(max_examples=30, deadline=None)
@given(cells=st.integers(1, 40), genes=st.integers(1, 5), seed=st.integers(0, 1000))
def test_one_pass_equals_all_cells_at_once(cells: int, genes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = random.poisson(3.0, (cells, genes)).astype(float)
    condition_of = random.integers(0, 3, cells)
    screen = screen_of(counts, condition_of)
    bulk = pseudobulk(screen, seed)
    values = log_normalised(screen, counts)
    half = random_halves(condition_of, len(CONDITIONS), seed)
    for group in range(len(CONDITIONS)):
        for moments, chosen in (
            (bulk.whole, condition_of == group),
            (bulk.halves[0], (condition_of == group) & (half == 0)),
            (bulk.halves[1], (condition_of == group) & (half == 1)),
        ):
            mean, variance = naive(values, chosen)
            assert moments.n_cells[group] == chosen.sum()
            np.testing.assert_allclose(moments.mean[group], mean, rtol=1e-9)
            np.testing.assert_allclose(moments.variance[group], variance, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_streaming_from_a_file_equals_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    random = np.random.default_rng(3)
    counts = random.poisson(1.0, (60, 8)).astype(np.float32)
    condition_of = random.integers(0, 3, 60)
    path = tmp_path / "a.h5ad"
    anndata.AnnData(sp.csr_matrix(counts)).write_h5ad(path)
    monkeypatch.setattr(matrix_module.FileMatrix.blocks, "__defaults__", (block,))
    kept = np.array([6, 0, 3])
    held = pseudobulk(screen_of(counts, condition_of).with_genes(kept))
    streamed = pseudobulk(screen_of(counts, condition_of, FileMatrix(path, "X")).with_genes(kept))
    assert list(streamed.genes) == ["g6", "g0", "g3"]
    for name in ("n_cells", "mean", "variance"):
        np.testing.assert_allclose(getattr(streamed.whole, name), getattr(held.whole, name), rtol=1e-9)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 99))
def test_halves_are_balanced_and_repeatable(groups: list[int], seed: int) -> None:
    condition_of = np.array(groups)
    half = random_halves(condition_of, 4, seed)
    np.testing.assert_array_equal(half, random_halves(condition_of, 4, seed))
    for group in range(4):
        first, second = (int((half[condition_of == group] == k).sum()) for k in (0, 1))
        assert first - second in (0, 1)


def test_cells_are_divided_at_random() -> None:
    condition_of = np.zeros(1000, dtype=np.intp)
    first, second = random_halves(condition_of, 1, 0), random_halves(condition_of, 1, 1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    assert abs(np.corrcoef(first, np.arange(1000))[0, 1]) < 0.1


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 99))
def test_merging_equals_pooling(n1: int, n2: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=(n1 + n2, 3))
    first = np.arange(n1 + n2) < n1

    def moments(cells: np.ndarray) -> Moments:
        mean, variance = naive(values, cells)
        return Moments(np.array([cells.sum()]), mean[None], variance[None])

    merged, pooled = merge(moments(first), moments(~first)), moments(np.ones(n1 + n2, dtype=bool))
    np.testing.assert_array_equal(merged.n_cells, pooled.n_cells)
    np.testing.assert_allclose(merged.mean, pooled.mean, atol=1e-12)
    np.testing.assert_allclose(merged.variance, pooled.variance, atol=1e-12)


def test_logarithms_are_not_normalised_again() -> None:
    values = np.array([[0.5, 0.0], [1.5, 2.0]])
    screen = Screen(
        MemoryMatrix(sp.csr_matrix(values)), "log1p", pd.Index(["a", "b"]), CONDITIONS[:1],
        np.zeros(2, dtype=np.intp), pd.DataFrame({"library_size": [np.nan, np.nan]}),
    )  # fmt: skip
    np.testing.assert_allclose(pseudobulk(screen).whole.mean, [[1.0, 1.0]])
