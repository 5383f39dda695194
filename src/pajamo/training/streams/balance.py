"""Which perturbed cell comes when: passes over all perturbations, in which each has as many turns as it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.members import permuted_each

Balance = bool | Literal["sqrt"]
ORDER, MEMBER = 1, 2


@dataclass(frozen=True)
class Turns:
    """An endless order of perturbed cells, any place of which is looked up.

    A pass gives every perturbation its turns, in a random order of its own. The turns of a perturbation go through
    its cells in random orders, one after the other: at the end of any pass, no cell was shown more than once more
    often than another of its perturbation.

    Attributes
    ----------
    cells: rows of perturbed cells, those of one perturbation side by side; shape (cells,).
    starts: where each perturbation's cells begin; shape (perturbations + 1,).
    quotas: how many turns before each perturbation's in a pass; shape (perturbations + 1,).
    """

    cells: NDArray[np.integer]
    starts: NDArray[np.int64]
    quotas: NDArray[np.int64]

    @classmethod
    def make(cls, code: NDArray[np.int32], perturbations: int, balanced: Balance) -> Turns:
        """Give turns to perturbations.

        Parameters
        ----------
        code: perturbation of each cell, negative where there is none to show.
        balanced: True gives each perturbation one turn a pass, False as many as it has cells (a pass then shows each
            cell once), "sqrt" the square root of that, rounded up.
        """
        shown = np.flatnonzero(code >= 0)
        # 32-bit rows halve what ten million cells cost.
        shown = shown.astype(np.int32 if len(code) < 1 << 31 else np.int64)
        cells = shown[np.argsort(code[shown], kind="stable")]
        counts = np.bincount(code[shown], minlength=perturbations)
        turns = (counts > 0).astype(np.int64) if balanced is True else counts
        if balanced == "sqrt":
            turns = np.ceil(np.sqrt(counts)).astype(np.int64)
        return cls(cells, _cumulative(counts), _cumulative(turns))

    @property
    def per_pass(self) -> int:
        """Turns of one pass."""
        return int(self.quotas[-1])

    def at(self, turns: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Perturbation and row of the cell at these turns, counted from the first turn of the first pass."""
        number, place = np.divmod(turns, self.per_pass)
        place = permuted_each(place, self.per_pass, hashed(seed, ORDER, number))
        perturbation = np.searchsorted(self.quotas, place, side="right") - 1
        start, first = self.starts[perturbation], self.quotas[perturbation]
        quota = self.quotas[perturbation + 1] - first
        size = self.starts[perturbation + 1] - start
        visit, member = np.divmod(number * quota + place - first, size)
        member = permuted_each(member, size, hashed(seed, MEMBER, perturbation, visit))
        return perturbation.astype(np.int32), self.cells[start + member].astype(np.int64)


def _cumulative(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
