"""Sequences laid end to end, without padding, as one piece of work for a processor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pack:
    """Sequences end to end; attention never crosses from one into another.

    Attributes
    ----------
    tokens: tokens of all sequences, with <cls> and <eos>, some masked; shape (tokens,), uint8.
    lengths: tokens of each sequence; shape (sequences,), sums to the number of tokens.
    places: where in `tokens` a prediction is asked for, ascending; shape (asked,).
    targets: the true tokens there; shape (asked,), uint8.
    samples: number of each sequence in its corpus; shape (sequences,).
    """

    tokens: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    places: NDArray[np.int64]
    targets: NDArray[np.uint8]
    samples: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Pack:
        """No sequence: for a processor that has nothing to do while others do."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none.astype(np.uint8), none, none, none.astype(np.uint8), none)
