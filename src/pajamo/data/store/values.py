"""Values on their way into a store: none that no instrument can count, none that its type would change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.store.format import LARGEST_WHOLE, ValueType
from pajamo.errors import DataError

Array = NDArray[Any]


class DoesNotFit(DataError):
    """A value that the chosen type would change; `wider` is a type that holds it, None if there is none."""

    wider: ValueType | None = None


def require_possible(block: sp.csr_matrix, where: str, cells: pd.Index, genes: pd.Index) -> None:
    """Refuse values that are negative or not finite.

    Arguments
    ---------
    cells: names of the block's cells.
    genes: names of its columns.

    Raises
    ------
    DataError: naming the first such value's cell and gene.
    """
    data = block.data
    if data.dtype.kind == "u" or not data.size:
        return
    possible = (data >= 0) & (data < np.inf)
    if not possible.all():
        wrong = int(np.argmin(possible))
        raise DataError(
            f"a value is {_kind(data[wrong])}",
            where=f"{where}, {_place(block, wrong, cells, genes)}",
            why="no instrument counts such a thing, nor is it the logarithm of 1 + a count",
            fix="name the layer that holds the counts, or give them as they were recorded",
        )


def converted(block: sp.csr_matrix, kind: ValueType, where: str, cells: pd.Index, genes: pd.Index) -> Array:
    """The block's values in the type of the store, unchanged; only floating-point values may be rounded to it.

    Raises
    ------
    DoesNotFit: naming the first such value's cell and gene.
    """
    data = block.data
    with np.errstate(over="ignore", invalid="ignore"):
        cast = data.astype(kind)
    rounded = data.dtype.kind == "f" and kind.startswith("float")
    kept = np.isfinite(cast) if rounded else cast == data
    if kept.all():
        return cast
    wrong = int(np.argmin(kept))
    error = DoesNotFit(
        f"the value {data[wrong]:.10g} does not fit into {kind}",
        where=f"{where}, {_place(block, wrong, cells, genes)}",
        why="it would be stored as another number",
        fix="choose a wider type with `--value-type`, or leave it out to have it found",
    )
    error.wider = None if kind.startswith("float") else _wider(data)
    raise error


def _wider(data: Array) -> ValueType | None:
    """Smallest type that holds all values of a block."""
    if not np.array_equal(data, np.rint(data)):
        return "float32"
    largest = data.max()
    return next((kind for kind, most in LARGEST_WHOLE.items() if largest <= most), None)


def _place(block: sp.csr_matrix, position: int, cells: pd.Index, genes: pd.Index) -> str:
    row = int(np.searchsorted(block.indptr, position, side="right")) - 1
    return f"cell {str(cells[row])!r}, gene {str(genes[int(block.indices[position])])!r}"


def _kind(value: float) -> str:
    return "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"negative ({value:g})"
