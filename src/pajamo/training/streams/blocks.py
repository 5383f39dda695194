"""A random order that visits blocks of cells in turn, for stores that are compressed block by block."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pajamo.errors import StudyError
from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.members import permuted_each
from pajamo.training.streams.permutation import permuted
from pajamo.training.streams.planning import Columns, Planner

BLOCKS, INSIDE = 4, 5


class BlockSource(Protocol):
    """What the order needs of a compressed store."""

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        ...

    @property
    def block_cells(self) -> int:
        """Cells that are compressed together."""
        ...

    def dense(self, index: NDArray[np.int64], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Recorded values of these cells, shape (cells, genes)."""
        ...


class BlockOrder:
    """An endless order of cells, any place of which is looked up: blocks in random order, some at a time, and the
    cells of those in random order.

    Each pass shows each cell once. The more blocks are open at a time, the nearer the order is to a random one; with
    all of them it is one. Neighbouring cells of a file often are of one batch, so take many.

    Parameters
    ----------
    n_cells, block_cells: of the store.
    at_once: blocks whose cells are mixed; the store's cache should have room for them.
    seed: which order.

    Raises
    ------
    StudyError: no block at a time.
    """

    def __init__(self, n_cells: int, block_cells: int, *, at_once: int, seed: int = 0) -> None:
        if at_once < 1:
            raise StudyError(
                f"{at_once} blocks at a time are none", where="at_once", fix="give 1 or more; 64 mix well"
            )
        self.n_cells, self.block_cells, self.at_once, self.seed = n_cells, block_cells, at_once, seed
        self._laid: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cells at these places, counted from the first of the first pass."""
        number, place = np.divmod(places, self.n_cells)
        found = np.empty(len(place), dtype=np.int64)
        for one in np.unique(number):
            found[number == one] = self._inside(int(one), place[number == one])
        return found

    def _inside(self, number: int, place: NDArray[np.int64]) -> NDArray[np.int64]:
        blocks, begins = self._layout(number)
        edges = np.append(begins[: -1 : self.at_once], self.n_cells)
        group = np.searchsorted(edges, place, side="right") - 1
        first = edges[group]
        key = hashed(self.seed, INSIDE, number, group)
        mixed = first + permuted_each(place - first, edges[group + 1] - first, key)
        block = np.searchsorted(begins, mixed, side="right") - 1
        return blocks[block] * self.block_cells + mixed - begins[block]

    def _layout(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Blocks of a pass in their order, and the place at which each begins."""
        if self._laid is None or self._laid[0] != number:
            count = -(-self.n_cells // self.block_cells)
            blocks = permuted(np.arange(count), count, int(hashed(self.seed, BLOCKS, number)))
            sizes = np.minimum(self.block_cells, self.n_cells - blocks * self.block_cells)
            self._laid = number, blocks, np.concatenate([[0], np.cumsum(sizes)])
        return self._laid[1], self._laid[2]


class BlockStream:
    """Batches of a compressed store in block order; batch k is the same whichever batches came before it.

    Parameters
    ----------
    store: a compressed one.
    batch_size: cells of a batch.
    at_once, seed: see `BlockOrder`.

    Raises
    ------
    StudyError: no block at a time, or a batch of no cells.
    """

    def __init__(self, store: BlockSource, *, batch_size: int, at_once: int, seed: int = 0) -> None:
        if batch_size < 1:
            raise StudyError(
                f"a batch of {batch_size} cells is none", where="batch_size", fix="give 1 or more"
            )
        self._order = BlockOrder(store.n_cells, store.block_cells, at_once=at_once, seed=seed)
        self.store = store
        self._planner = Planner(batch_size, self._looked_up)

    def batch(self, step: int, out: NDArray[Any] | None = None) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Rows of a batch and what was recorded; `out` takes the values.

        Raises
        ------
        IndexError: a negative step.
        """
        (rows,) = self._planner.batch(step)
        return rows, self.store.dense(rows, out=out)

    def _looked_up(self, places: NDArray[np.int64]) -> Columns:
        return (self._order.rows(places),)
