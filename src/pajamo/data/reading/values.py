"""One pass over the values of a matrix: library sizes, and whether they can be what they are said to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.matrix import FileMatrix, Matrix
from pajamo.data.reading.integrity import reading_errors
from pajamo.data.reading.stored import require_indices
from pajamo.data.store.matrix import StoreMatrix
from pajamo.data.store.store import CellStore

INTEGER_TOLERANCE = 1e-3
"""Counts stored as floating-point numbers, or recovered from published values, are this close to integers."""

KINDS = ("NaN", "infinite", "negative", "fractional")


@dataclass(frozen=True)
class Oddity:
    """Values of one kind that a count cannot have: how many, and the first of them."""

    number: int
    cell: int
    gene: int
    value: float


@dataclass(frozen=True)
class Values:
    """What one pass over a matrix of cells by genes found.

    Attributes
    ----------
    totals: sum of each cell's values, shape (cells,); where `odd` has NaN or infinite values they count as 0.
    detected: number of genes above zero in each cell, shape (cells,).
    gene_cells: number of cells above zero for each gene, shape (genes,).
    largest: largest finite value.
    odd: by kind ("NaN", "infinite", "negative", "fractional"), those that occur.
    """

    totals: NDArray[np.float64]
    detected: NDArray[np.int64]
    gene_cells: NDArray[np.int64]
    largest: float
    odd: dict[str, Oddity]

    @property
    def are_counts(self) -> bool:
        """Whether all values are integers from zero upwards."""
        return not self.odd


def scan_values(matrix: Matrix) -> Values:
    """Look at every value once, block by block.

    Raises
    ------
    IntegrityError: a block cannot be read, or an index lies outside the matrix.
    """
    if isinstance(matrix, StoreMatrix) and matrix.columns is None and matrix.store.facts["whole"]:
        return _of_store(matrix.store)
    if isinstance(matrix, FileMatrix):
        with reading_errors(matrix.path):
            return _scan(matrix, f"{matrix.path}: {matrix.key}")
    return _scan(matrix, "matrix")


def _of_store(store: CellStore) -> Values:
    """What was found when the store was built, which refused everything odd: no pass over its values.

    Totals are whole libraries, molecules of genes that the store left out included.
    """
    return Values(
        totals=store.library_size.astype(np.float64),
        detected=np.asarray(np.diff(store.starts.astype(np.int64)), dtype=np.int64),
        gene_cells=store.tables.gene_cells,
        largest=float(store.facts["largest"]),
        odd={},
    )


def look_like_counts(matrix: Matrix, cells: int = 512) -> bool:
    """Whether the first cells of a matrix hold nothing but integers from zero upwards."""
    _, block = next(iter(matrix.blocks(cells)))
    return not any(mask.any() for mask in _masks(block.data).values())


def _scan(matrix: Matrix, where: str) -> Values:
    n_cells, n_genes = matrix.shape
    totals, detected = np.zeros(n_cells), np.zeros(n_cells, dtype=np.int64)
    gene_cells, largest, odd = np.zeros(n_genes, dtype=np.int64), 0.0, dict[str, Oddity]()
    for start, block in matrix.blocks():
        require_indices(where, block.indices, n_genes)
        finite = np.where(np.isfinite(block.data), block.data, 0)
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        stop = start + block.shape[0]
        totals[start:stop] = np.bincount(rows, weights=finite, minlength=block.shape[0])
        detected[start:stop] = np.bincount(rows[finite > 0], minlength=block.shape[0])
        gene_cells += np.bincount(block.indices[finite > 0], minlength=n_genes)
        largest = max(largest, float(finite.max(initial=0)))
        _note_oddities(odd, block, rows, start)
    return Values(totals, detected, gene_cells, largest, odd)


def _masks(values: NDArray[np.number]) -> dict[str, NDArray[np.bool_]]:
    """Which values are of which impossible kind."""
    if values.dtype.kind == "u":
        return {}
    if values.dtype.kind == "i":
        return {"negative": values < 0}
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        fractional = finite & (np.abs(values - np.rint(values)) > INTEGER_TOLERANCE)
        return {
            "NaN": np.isnan(values),
            "infinite": np.isinf(values),
            "negative": values < 0,
            "fractional": fractional,
        }


def _note_oddities(odd: dict[str, Oddity], block: sp.csr_matrix, rows: NDArray[np.intp], start: int) -> None:
    for kind, mask in _masks(block.data).items():
        number = int(mask.sum())
        if not number:
            continue
        if kind in odd:
            known = odd[kind]
            odd[kind] = Oddity(known.number + number, known.cell, known.gene, known.value)
        else:
            first = int(np.argmax(mask))
            odd[kind] = Oddity(
                number, start + int(rows[first]), int(block.indices[first]), float(block.data[first])
            )
