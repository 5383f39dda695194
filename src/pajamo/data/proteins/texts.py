"""Many short texts end to end, as names of proteins: read one by one from where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Texts(Sequence[str]):
    """A sequence of texts, of which only those asked for come into memory.

    Attributes
    ----------
    letters: UTF-8 of all texts, end to end; shape (bytes,), uint8.
    starts: where each begins, and where the last one ends; shape (texts + 1,).
    """

    letters: NDArray[np.uint8]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice | NDArray[np.int64] | Sequence[int]) -> list[str]: ...
    def __getitem__(self, place: int | slice | NDArray[np.int64] | Sequence[int]) -> str | list[str]:
        if isinstance(place, int | np.integer):
            return self._at(range(len(self))[place])
        if isinstance(place, slice):
            return [self._at(one) for one in range(len(self))[place]]
        return [self._at(range(len(self))[int(one)]) for one in place]

    def __iter__(self) -> Iterator[str]:
        return (self._at(place) for place in range(len(self)))

    def _at(self, place: int) -> str:
        return self.letters[self.starts[place] : self.starts[place + 1]].tobytes().decode()
