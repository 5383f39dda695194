"""Random orders of many sets at once: each set has a size and an order of its own, and no order is ever held."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.training.streams.hashing import Words, mixed
from pajamo.training.streams.permutation import ROUNDS


def permuted_each(places: ArrayLike, sizes: ArrayLike, keys: ArrayLike) -> NDArray[np.int64]:
    """What stands at a place of a random order of 0 ... size - 1, each place with a size and a key of its own.

    The same construction as `permuted` (a Feistel network, walked along its cycle until it lands inside), with the
    number of bits, the key and the walk of each element apart.

    Parameters
    ----------
    places: integers in [0, size).
    sizes: how many things each order has; at least 1.
    keys: which order, as 64-bit words; other keys give unrelated ones. All three are broadcast.

    Raises
    ------
    IndexError: a place outside of its order.
    """
    found, size, key = np.broadcast_arrays(
        np.asarray(places, dtype=np.int64),
        np.asarray(sizes, dtype=np.int64),
        np.asarray(keys, dtype=np.uint64),
    )
    if (found < 0).any() or (found >= size).any():
        raise IndexError("places must lie in [0, size) of their order")
    flat, ends, words = found.ravel().copy(), size.ravel(), key.ravel()
    outside = np.arange(flat.size)
    while outside.size:
        flat[outside] = _turned(flat[outside].astype(np.uint64), _half_bits(ends[outside]), words[outside])
        outside = outside[flat[outside] >= ends[outside]]
    return flat.reshape(found.shape)


def _half_bits(sizes: NDArray[np.int64]) -> Words:
    """Half of the smallest even number of bits that holds each size, at least one."""
    bits = np.frexp((sizes - 1).astype(np.float64))[1]
    return np.maximum((bits + 1) // 2, 1).astype(np.uint64)


def _turned(words: Words, half: Words, keys: Words) -> NDArray[np.int64]:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = words >> half, words & mask
    for _ in range(ROUNDS):
        keys = mixed(keys)
        left, right = right, left ^ (mixed(right ^ keys) & mask)
    return ((left << half) | right).astype(np.int64)
