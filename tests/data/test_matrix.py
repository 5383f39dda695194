"""A matrix read from a file block by block is the matrix held in memory."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pajamo.data.matrix import FileMatrix, Matrix, MemoryMatrix

SHAPE = (23, 7)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    random = np.random.default_rng(0)
    dense = random.poisson(0.8, SHAPE).astype(np.float32)
    dense[[0, 11, 22]] = 0
    return dense


@pytest.fixture(scope="module")
def matrices(values: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> list[Matrix]:
    """The same values in memory, in a file by rows, in a file as they stand, and with genes chosen from more."""
    path = tmp_path_factory.mktemp("matrix") / "a.h5ad"
    adata = anndata.AnnData(sp.csr_matrix(values))
    adata.layers["dense"] = values
    adata.write_h5ad(path)
    columns = np.random.default_rng(1).permutation(SHAPE[1])
    with h5py.File(path, "r+") as file:
        file["more"] = np.hstack([values[:, columns], np.ones((SHAPE[0], 2), dtype=np.float32)])
    return [
        MemoryMatrix(sp.csr_matrix(values)),
        FileMatrix(path, "X"),
        FileMatrix(path, "layers/dense"),
        FileMatrix(path, "more", columns=np.argsort(columns)),
    ]


@pytest.mark.parametrize("cells", [1, 5, 23, 100])
def test_blocks_follow_one_another_and_hold_everything(
    matrices: list[Matrix], values: np.ndarray, cells: int
) -> None:
    for matrix in matrices:
        assert matrix.shape == SHAPE
        blocks = list(matrix.blocks(cells))
        assert [start for start, _ in blocks] == list(range(0, SHAPE[0], cells))
        np.testing.assert_array_equal(np.vstack([block.toarray() for _, block in blocks]), values)


@settings(max_examples=40)
@given(index=st.lists(st.integers(0, SHAPE[0] - 1), max_size=30))
def test_rows_come_in_the_order_asked_for(
    matrices: list[Matrix], values: np.ndarray, index: list[int]
) -> None:
    for matrix in matrices:
        rows = matrix.rows(np.array(index, dtype=np.intp))
        assert rows.shape == (len(index), SHAPE[1])
        np.testing.assert_array_equal(rows.toarray(), values[index])


def test_values_stored_twice_add_up(tmp_path: Path) -> None:
    path = tmp_path / "twice.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs["shape"] = np.array([2, 3])
        group["data"], group["indices"], group["indptr"] = [1.0, 2.0, 5.0], [2, 2, 0], [0, 2, 3]
    np.testing.assert_array_equal(FileMatrix(path, "X").rows(np.arange(2)).toarray(), [[0, 0, 3], [5, 0, 0]])
