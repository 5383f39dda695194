"""Random numbers that are looked up, not drawn: each is a hash of what it is for.

A sample's mask or crop then depends on (seed, epoch, index) alone: not on which process makes it, on what was made
before it, or on how many numbers another sample needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]

_STEP, _FIRST, _SECOND = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def mixed(words: ArrayLike) -> Words:
    """Scramble 64-bit words so that each bit of a result depends on all bits of its word.

    Source: SplitMix64 (Steele, Lea & Flood 2014, OOPSLA, figure 16; the variant 13 of Stafford's mixers).
    """
    with np.errstate(over="ignore"):
        z = np.asarray(words, dtype=np.uint64) + _STEP
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        return np.asarray(z ^ (z >> np.uint64(31)))


def hashed(*parts: ArrayLike) -> Words:
    """A 64-bit word for each combination of parts (integers, broadcast against one another), order counting."""
    word: Words = np.uint64(len(parts))  # type: ignore[assignment]
    for part in parts:
        word = mixed(word ^ mixed(np.asarray(part).astype(np.uint64)))
    return word


def uniform(words: Words) -> NDArray[np.float64]:
    """Words as numbers of [0, 1) with 53 random bits."""
    return (np.asarray(words) >> np.uint64(11)) * 2.0**-53


def below(words: Words, bound: ArrayLike) -> NDArray[np.int64]:
    """Words as integers below a bound (at most 2^32), by multiplying their upper half.

    The bias is below bound / 2^32 (Lemire 2019, ACM Trans. Model. Comput. Simul. 29, 3).
    """
    upper = np.asarray(words) >> np.uint64(32)
    return ((upper * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)
