"""A random order of any number of things, without ever holding it: each place is computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.training.streams.hashing import hashed

ROUNDS = 6


def permuted(places: ArrayLike, size: int, key: int) -> NDArray[np.int64]:
    """What stands at these places of a random order of 0 ... size - 1.

    A Feistel network over the smallest even number of bits that holds `size`, walked along its cycle until it lands
    inside (Black & Rogaway 2002, CT-RSA, method 3): constant memory, each place at once, sizes up to 2^62.

    Parameters
    ----------
    places: integers in [0, size), any shape.
    size: how many things are ordered.
    key: which order; other keys give unrelated ones.

    Raises
    ------
    IndexError: a place outside of the order.
    """
    found = np.array(places, dtype=np.int64)
    if found.size and (found.min() < 0 or found.max() >= size):
        raise IndexError(f"places must lie in [0, {size})")
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    keys = [np.uint64(hashed(key, turn)) for turn in range(ROUNDS)]
    flat = found.reshape(-1)
    outside = np.arange(flat.size)
    while outside.size:
        flat[outside] = _turned(flat[outside].astype(np.uint64), half, keys)
        outside = outside[flat[outside] >= size]
    return found


def _turned(words: NDArray[np.uint64], half: np.uint64, keys: list[np.uint64]) -> NDArray[np.int64]:
    mask = np.uint64((1 << int(half)) - 1)
    left, right = words >> half, words & mask
    for key in keys:
        left, right = right, left ^ (hashed(right, key) & mask)
    return ((left << half) | right).astype(np.int64)
