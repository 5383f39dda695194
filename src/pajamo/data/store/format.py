"""What a cell store consists of: names and types of its arrays, and how a path is recognised as one.

A store is a mapped folder (`pajamo.data.mapped`) with the counts of all cells, cell by cell, without their zeros:

    values.bin         what was counted, in the smallest type that holds every count
    columns.bin        gene of each value, ascending within a cell
    starts.bin         where the values of each cell begin, shape (cells + 1,)
    library_size.bin   molecules of each cell over all genes of its file
    tables.N.h5ad      tables of cells and of genes, without a matrix; N grows with each append
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from pajamo.data.atomic import sha256
from pajamo.data.mapped.manifest import NAME

KIND = "cells"
VERSION = 1
SUFFIX = ".pstore"

VALUES, COLUMNS, STARTS, LIBRARY = "values", "columns", "starts", "library_size"
WIDE_STARTS = "starts_wide"
"""Starts of 64 bits, made by an append that brings the store beyond 2^32 values; they then count, not `starts`."""

ValueType = Literal["uint8", "uint16", "uint32", "float32", "float64"]
VALUE_TYPES: tuple[ValueType, ...] = ("uint8", "uint16", "uint32", "float32", "float64")
LARGEST_WHOLE: dict[ValueType, int] = {kind: int(np.iinfo(kind).max) for kind in VALUE_TYPES[:3]}
"""Largest count that each type of counts holds."""


def is_store(path: str | Path) -> bool:
    """Whether a path is, or is meant to be, a cell store rather than a file."""
    path = Path(path)
    return path.suffix == SUFFIX or (path.is_dir() and (path / NAME).is_file())


def content_hash(path: Path) -> str:
    """Hash of what was recorded: of a file its bytes, of a store its manifest, which has the hashes of its blocks."""
    return sha256(path / NAME if is_store(path) else path)


def column_type(genes: int) -> str:
    """Smallest type that numbers this many genes."""
    return "uint16" if genes <= 1 << 16 else "uint32"


def start_type(values: int) -> str:
    """Smallest type that points behind this many values."""
    return "uint32" if values < 1 << 32 else "uint64"


def exact_type(stored: np.dtype) -> np.dtype:
    """Floating-point type that holds every value of a stored type without change.

    Sums of 8-bit counts would wrap around at 256; floating-point numbers never do.
    """
    small = stored in (np.dtype("uint8"), np.dtype("uint16"), np.dtype("float32"))
    return np.dtype("float32" if small else "float64")
