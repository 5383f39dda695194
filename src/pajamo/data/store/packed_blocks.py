"""Reading blocks of a compressed store, each compared with its checksum before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import zarr

from pajamo.data.store.packed_format import (
    CHECKS,
    LIBRARY,
    REBUILD,
    STARTS,
    STEPS,
    TABLES,
    VALUES,
    WHOLE,
    Array,
    Head,
    Place,
    checksum_of,
    open_group,
)
from pajamo.errors import IntegrityError


@dataclass(frozen=True, eq=False)
class PackedBlocks:
    """The arrays of a compressed store.

    Attributes
    ----------
    place: folder, address or zarr store of the group.
    group: the group, opened for reading.
    head: what it remembers of the store that was compressed.
    """

    place: Place
    group: zarr.Group
    head: Head

    @classmethod
    def open(cls, place: Place) -> PackedBlocks:
        """Open the group; blocks are read when they are asked for.

        Raises
        ------
        IntegrityError: no such group, another kind, a newer one, or an altered head.
        """
        group = open_group(place)
        return cls(place, group, Head.read(group, str(place)))

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.head.facts["cells"])

    @property
    def n_blocks(self) -> int:
        """Number of blocks, of `block_cells` cells each, the last one perhaps fewer."""
        return -(-self.n_cells // self.block_cells)

    @property
    def block_cells(self) -> int:
        """Cells that are compressed together."""
        return self.head.block_cells

    @property
    def width(self) -> int:
        """Values of the largest block."""
        return int(self._blocked[0].shape[1])

    @property
    def types(self) -> tuple[np.dtype[np.generic], np.dtype[np.generic]]:
        """Types of the values and of the columns."""
        return self._blocked[0].dtype, self._blocked[1].dtype

    @cached_property
    def starts(self) -> Array:
        """Where the values of each cell begin, shape (cells + 1,).

        Raises
        ------
        IntegrityError: they were altered.
        """
        starts = self._whole(STARTS)
        if len(starts) != self.n_cells + 1:
            raise self.damaged(f"it has {len(starts) - 1:,} cells, but its head says {self.n_cells:,}")
        return starts

    @cached_property
    def library_size(self) -> Array:
        """Molecules of each cell over all genes of the file it came from; shape (cells,)."""
        return self._whole(LIBRARY)

    def tables_bytes(self) -> bytes:
        """The h5ad file with the tables."""
        return self._whole(TABLES).tobytes()

    def block(self, number: int) -> tuple[Array, Array]:
        """Values and columns of the cells of one block, cell after cell.

        Raises
        ------
        IntegrityError: the block was altered, truncated or is missing.
        """
        first = number * self.block_cells
        length = int(self.starts[min(first + self.block_cells, self.n_cells)]) - int(self.starts[first])
        values, columns = self.read(number)
        return values[:length], columns[:length]

    def verify(self) -> None:
        """Read every byte and compare it with the checksums.

        Raises
        ------
        IntegrityError: naming the array or the block that differs.
        """
        for name in WHOLE:
            self._whole(name)
        for number in range(self.n_blocks):
            self.read(number)

    def read(self, number: int) -> tuple[Array, Array]:
        """Values and columns of a block, with what fills it up to `width` behind them.

        Raises
        ------
        IntegrityError: as `block`.
        """
        try:
            values, steps = (np.asarray(array[number]) for array in self._blocked)
        # What a codec says of a damaged chunk depends on the codec; each is the same damage.
        except Exception as error:
            raise self.damaged(f"{self._named(number)} cannot be read: {error}") from error
        if int.from_bytes(checksum_of(values, steps), "little") != int(self._checks[number]):
            raise self.damaged(f"{self._named(number)} was altered or is missing")
        return values, np.cumsum(steps, dtype=steps.dtype)

    def damaged(self, why: str) -> IntegrityError:
        """An error that names this store."""
        return IntegrityError("the store is damaged", where=str(self.place), why=why, fix=REBUILD)

    @cached_property
    def _blocked(self) -> tuple[Any, Any]:
        # Opening an array reads its description, which need not be done for every block.
        return self.group[VALUES], self.group[STEPS]

    @cached_property
    def _checks(self) -> Array:
        return self._whole(CHECKS)

    def _named(self, number: int) -> str:
        first = number * self.block_cells
        return f"block {number} (cells {first:,} to {min(first + self.block_cells, self.n_cells) - 1:,})"

    def _whole(self, name: str) -> Array:
        try:
            stored: Any = self.group[name]
            array = np.asarray(stored[:])
        except Exception as error:
            raise self.damaged(f"{name} cannot be read: {error}") from error
        if checksum_of(array).hex() != self.head.checksums[name]:
            raise self.damaged(f"{name} was altered or is missing")
        array.flags.writeable = False
        return array
