"""The same as `gather`, compiled: each value is read once and written once. Needs numba (extra `fast`).

Bounds are not checked in here: the caller has checked rows and spans, and each column is compared with the width.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@numba.njit(cache=True, nogil=True)
def fill_dense(
    values: Array, columns: Array, first: NDArray[np.int64], lengths: NDArray[np.int64], out: Array
) -> bool:
    """See `gather.fill_dense`."""
    genes = np.uint64(out.shape[1])
    out[:] = 0
    for row in range(len(first)):
        for place in range(first[row], first[row] + lengths[row]):
            gene = np.uint64(columns[place])
            if gene >= genes:
                return False
            out[row, gene] = values[place]
    return True


@numba.njit(cache=True, nogil=True)
def copy_rows(
    values: Array,
    columns: Array,
    first: NDArray[np.int64],
    lengths: NDArray[np.int64],
    data: Array,
    indices: Array,
) -> None:
    """See `gather.copy_rows`."""
    to = 0
    for row in range(len(first)):
        for place in range(first[row], first[row] + lengths[row]):
            data[to] = values[place]
            indices[to] = columns[place]
            to += 1
