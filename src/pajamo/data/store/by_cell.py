"""Turning a matrix stored gene by gene (CSC) into cells without holding it: values are dealt into buckets of cells.

Source: a distribution sort on disk (Knuth, The Art of Computer Programming 3, section 5.4.9): one pass deals values
to files of consecutive cells, each small enough to be put in order in memory; the second reads file after file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.atomic import TEMPORARY, storage_errors
from pajamo.data.reading.integrity import reading_errors
from pajamo.data.store.layouts import AT_ONCE, line_blocks, summable

MOST_BUCKETS = 256
"""Files open at once; beyond so many buckets each one grows."""


def blocks_by_cell(
    node: Any, shape: tuple[int, int], where: str, scratch: Path, at_once: int = AT_ONCE
) -> Iterator[sp.csr_matrix]:
    """Yield consecutive blocks of cells as CSR, columns ascending and no zeros stored.

    Raises
    ------
    IntegrityError: pointers or indices that cannot be.
    """
    ends = _bucket_ends(node, shape, where, at_once)
    record = np.dtype([("cell", "<i4"), ("gene", "<i4"), ("value", node["data"].dtype.str)])
    with TemporaryDirectory(dir=scratch, prefix=".by-cell-", suffix=TEMPORARY) as folder:
        files = [Path(folder) / str(number) for number in range(len(ends))]
        _deal(node, shape, where, ends, files, record, at_once)
        first = 0
        for file, end in zip(files, ends.tolist(), strict=True):
            yield _assembled(np.fromfile(file, record), first, end, shape[1])
            file.unlink()
            first = end


def _bucket_ends(node: Any, shape: tuple[int, int], where: str, at_once: int) -> NDArray[np.int64]:
    """Cell behind the last one of each bucket, chosen so that buckets hold about as many values each."""
    stored = np.zeros(shape[0], dtype=np.int64)
    for _, _, block in line_blocks(node, shape[::-1], where, sp.csc_matrix, at_once):
        stored += np.bincount(block.indices, minlength=shape[0])
    total = np.cumsum(stored)
    size = max(at_once, -(-int(total[-1]) // MOST_BUCKETS))
    last = np.flatnonzero(np.diff(np.maximum(total - 1, 0) // size))
    return np.append(last + 1, shape[0])


def _deal(
    node: Any,
    shape: tuple[int, int],
    where: str,
    ends: NDArray[np.int64],
    paths: list[Path],
    record: np.dtype[Any],
    at_once: int,
) -> None:
    with storage_errors(paths[0].parent), ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for first, last, block in _read(node, shape, where, at_once):
            dealt = np.empty(len(block.data), dtype=record)
            dealt["cell"], dealt["value"] = block.indices, block.data
            dealt["gene"] = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(block.indptr))
            _append_each(dealt, np.searchsorted(ends, dealt["cell"], side="right"), files)


def _read(
    node: Any, shape: tuple[int, int], where: str, at_once: int
) -> Iterator[tuple[int, int, sp.csc_matrix]]:
    # A file that cannot be read must not be taken for a disk that cannot be written to.
    with reading_errors(Path(where.rsplit(": ", 1)[0])):
        yield from line_blocks(node, shape[::-1], where, sp.csc_matrix, at_once)


def _append_each(dealt: NDArray[Any], bucket: NDArray[np.intp], files: Sequence[BinaryIO]) -> None:
    order = np.argsort(bucket, kind="stable")
    dealt = dealt[order]
    bounds = np.searchsorted(bucket[order], np.arange(len(files) + 1))
    for number in np.flatnonzero(np.diff(bounds)).tolist():
        files[number].write(dealt[bounds[number] : bounds[number + 1]].tobytes())


def _assembled(found: NDArray[Any], first: int, end: int, genes: int) -> sp.csr_matrix:
    """Rows of one bucket; values of one cell and gene that a file stores twice are added up."""
    place = (found["cell"] - first, found["gene"])
    block = sp.csr_matrix((summable(found["value"]), place), shape=(end - first, genes))
    block.eliminate_zeros()
    return block
