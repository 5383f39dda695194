"""Uncompressed blocks of cells that are kept in memory, up to a limit, the longest unused one leaving first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ABSENT = -1


class BlockCache:
    """Blocks side by side in two flat arrays, so that cells of any of them are gathered at once.

    Parameters
    ----------
    read: gives values and columns of a block; shape (width,) each.
    blocks: how many there are.
    width: entries of the largest block.
    types: of the values and of the columns.
    limit: bytes to keep at most; one block is always kept.
    """

    def __init__(
        self,
        read: Callable[[int], tuple[Array, Array]],
        blocks: int,
        width: int,
        types: tuple[np.dtype[Any], np.dtype[Any]],
        limit: int,
    ) -> None:
        self._read, self.width = read, width
        room = limit // max(width * (types[0].itemsize + types[1].itemsize), 1)
        self.capacity = int(np.clip(room, 1, max(blocks, 1)))
        # Memory is only taken by slots that were filled.
        self._values = np.empty((self.capacity, width), dtype=types[0])
        self._columns = np.empty((self.capacity, width), dtype=types[1])
        self._slot_of = np.full(blocks, ABSENT, dtype=np.int64)
        self._block_in = np.full(self.capacity, ABSENT, dtype=np.int64)
        self._used = np.zeros(self.capacity, dtype=np.int64)
        self._clock = 0

    @property
    def values(self) -> Array:
        """Values of the blocks that are kept, slot after slot; shape (capacity x width,)."""
        return self._values.reshape(-1)

    @property
    def columns(self) -> Array:
        """Columns of the same."""
        return self._columns.reshape(-1)

    def first_entry(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each block begins in `values` and `columns`, after reading those that are not there.

        Holds until the next call. At most `capacity` different blocks may be asked for.
        """
        self._clock += 1
        slots = self._slot_of[blocks]
        missing = np.unique(blocks[slots == ABSENT])
        self._used[slots[slots != ABSENT]] = self._clock
        if missing.size:
            for block, slot in zip(missing, np.argsort(self._used, kind="stable"), strict=False):
                self._fill(int(block), int(slot))
            slots = self._slot_of[blocks]
        return slots * self.width

    def _fill(self, block: int, slot: int) -> None:
        values, columns = self._read(block)
        left = self._block_in[slot]
        if left != ABSENT:
            self._slot_of[left] = ABSENT
        self._values[slot], self._columns[slot] = values, columns
        self._slot_of[block], self._block_in[slot], self._used[slot] = slot, block, self._clock
