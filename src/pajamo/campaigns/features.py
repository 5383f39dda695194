"""Features of candidates, whole or by block: a pool of a million pairs is never in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK = 65_536
"""Candidates that are looked at together."""


@runtime_checkable
class Features(Protocol):
    """Anything with a shape (N, F) of which rows can be asked for: an array, a memory map, pairs made on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and features."""
        ...

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some candidates, shape (rows, F)."""
        ...


class PairFeatures:
    """Features of pairs (or more) of perturbations, made of those of single perturbations when they are asked for.

    Parameters
    ----------
    singles: shape (perturbations, F).
    members: rows of `singles`, shape (N, 2) for pairs.
    how: "sum" of the members' features, or "sum and product" (twice as many features); both ignore the order.
    """

    def __init__(
        self,
        singles: NDArray[np.floating],
        members: NDArray[np.intp],
        how: Literal["sum", "sum and product"] = "sum",
    ) -> None:
        self.singles, self.members, self.how = singles, members, how

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and features."""
        return len(self.members), self.singles.shape[1] * (1 if self.how == "sum" else 2)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some candidates, shape (rows, F)."""
        parts = self.singles[self.members[rows]]
        total = parts.sum(axis=1)
        return total if self.how == "sum" else np.concatenate([total, parts.prod(axis=1)], axis=1)


def blocks(features: Features, size: int = BLOCK) -> Iterator[tuple[slice, NDArray[np.floating]]]:
    """Slices of the pool and the features of their candidates."""
    for start in range(0, features.shape[0], size):
        part = slice(start, min(start + size, features.shape[0]))
        yield part, np.asarray(features[part])


def stacked(features: Features) -> Array:
    """All features in memory, where a pool is small enough to be looked at whole."""
    return np.asarray(features[slice(0, features.shape[0])], dtype=float)
