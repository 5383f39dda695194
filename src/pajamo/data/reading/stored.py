"""How a matrix lies in an h5ad file, and opening it without trusting what the file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.matrix import FileMatrix, Matrix, MemoryMatrix
from pajamo.data.reading.integrity import reading_errors
from pajamo.errors import DataError, IntegrityError

IN_MEMORY = 20_000_000
"""Stored values up to which a matrix is held in memory (240 MB as CSR of float32)."""
MOST_CONVERTED = 200_000_000
"""Stored values up to which a matrix stored by columns is turned into rows in memory (about 5 GB)."""

Layout = Literal["csr", "csc", "dense"]
LAYOUTS: dict[str, Layout] = {"csr_matrix": "csr", "csc_matrix": "csc"}


@dataclass(frozen=True)
class Stored:
    """Layout of a matrix, cells by genes, number of stored values, and their type."""

    layout: Layout
    shape: tuple[int, int]
    values: int
    dtype: np.dtype[Any]


def stored_matrices(file: h5py.File) -> dict[str, Stored]:
    """Every matrix of cells by genes in the file: X, the layers, and X of `raw`."""
    keys = ["X"] if "X" in file else []
    keys += [f"layers/{name}" for name in file["layers"]] if "layers" in file else []
    keys += ["raw/X"] if "raw/X" in file else []
    found = {key: _describe(file[key]) for key in keys}
    return {key: stored for key, stored in found.items() if stored is not None}


def open_stored(path: Path, key: str, stored: Stored, expected: tuple[int, int]) -> Matrix:
    """Read a small matrix into memory; leave a large one in the file, to be read block by block.

    Arguments
    ---------
    expected: number of cells and of genes that the file names.

    Raises
    ------
    DataError: values are not numbers, or a large matrix is stored gene by gene.
    IntegrityError: pointers or indices that cannot be, or a shape other than `expected`.
    """
    where = f"{path}: {key}"
    require_numbers(where, stored)
    if stored.shape != expected:
        raise damaged(where, f"it is {_by(stored.shape)}, but {_by(expected)} cells and genes are named")
    with reading_errors(path), h5py.File(path, "r") as file:
        node = file[key]
        if stored.layout != "dense":
            _require_sound_pointers(where, node, stored)
        if stored.layout == "csc":
            _require_convertible(where, stored)
            return MemoryMatrix(_loaded(where, node, stored, sp.csc_matrix).tocsr())
        if stored.values > IN_MEMORY:
            return FileMatrix(path, key)
        if stored.layout == "dense":
            return MemoryMatrix(sp.csr_matrix(node[:]))
        return MemoryMatrix(_loaded(where, node, stored, sp.csr_matrix))


def require_indices(where: str, indices: NDArray[np.integer], most: int) -> None:
    """Refuse indices outside the matrix: arithmetic on them would touch foreign memory."""
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= most):
        raise damaged(where, "an index lies outside the matrix")


def damaged(where: str, why: str) -> IntegrityError:
    """The error for a matrix that contradicts itself."""
    return IntegrityError(
        "the matrix is damaged", where=where, why=why, fix="copy or download the file again"
    )


def _describe(node: h5py.Group | h5py.Dataset) -> Stored | None:
    if isinstance(node, h5py.Dataset):
        shape = node.shape
        return (
            Stored("dense", (shape[0], shape[1]), node.size, node.dtype)
            if shape and len(shape) == 2
            else None
        )
    layout = LAYOUTS.get(str(node.attrs.get("encoding-type", "")))
    if layout is None or "shape" not in node.attrs:
        return None
    cells, genes = (int(n) for n in node.attrs["shape"])
    return Stored(layout, (cells, genes), len(node["data"]), node["data"].dtype)


def require_numbers(where: str, stored: Stored) -> None:
    """Refuse a matrix whose values are no numbers that a count can have.

    Raises
    ------
    DataError: naming their type.
    """
    if stored.dtype.kind not in "uif" or stored.dtype == np.float16:
        raise DataError(
            f"values of type {stored.dtype} cannot be used",
            where=where,
            why="counts are integers, or floating-point numbers of 32 or 64 bits",
            fix="convert them: adata.X = adata.X.astype('float32')",
        )


def _require_convertible(where: str, stored: Stored) -> None:
    if stored.values > MOST_CONVERTED:
        raise DataError(
            f"{stored.values:,} values are stored gene by gene (CSC)",
            where=where,
            why="cells are read block by block, for which they must be stored cell by cell (CSR)",
            fix="write a new file with `pajamo check --fix to-csr`",
        )


def _require_sound_pointers(where: str, node: h5py.Group, stored: Stored) -> None:
    """Compressed rows (or columns) whose pointers are wrong would be read beyond their memory."""
    lines, places = stored.shape if stored.layout == "csr" else stored.shape[::-1]
    pointers = node["indptr"]
    if pointers.shape != (lines + 1,) or node["indices"].shape != (stored.values,):
        raise damaged(where, "the number of pointers or of indices does not fit the shape")
    pointers = pointers[:].astype(np.int64)
    steps = np.diff(pointers)
    if pointers[0] != 0 or pointers[-1] != stored.values or (steps < 0).any():
        raise damaged(where, "its pointers do not lead from the first value to the last")
    if (steps > places).any():
        raise damaged(where, f"one line holds more than {places} values")


def _loaded(where: str, node: h5py.Group, stored: Stored, kind: type[Any]) -> Any:
    indices = node["indices"][:]
    require_indices(where, indices, stored.shape[1 if stored.layout == "csr" else 0])
    matrix = kind((node["data"][:], indices, node["indptr"][:]), shape=stored.shape)
    matrix.sum_duplicates()
    return matrix


def _by(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
