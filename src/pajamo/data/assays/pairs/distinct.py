"""Rows of codes as values that can be compared: the same pair is in many rows of a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import Codes


def row_keys(codes: Codes) -> NDArray[np.void]:
    """Each row as one value, shape (rows,)."""
    return np.ascontiguousarray(codes).view(np.dtype((np.void, codes.shape[1]))).ravel()


def distinct(codes: Codes) -> tuple[Codes, NDArray[np.intp]]:
    """The different rows, and the place of each row among them, shape (rows,)."""
    _, first, place = np.unique(row_keys(codes), return_index=True, return_inverse=True)
    return codes[first], place.ravel()
