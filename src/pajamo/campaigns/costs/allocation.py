"""How much is spent on one candidate, and what is ordered in one round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pajamo.data.conditions import SEPARATOR
from pajamo.errors import StudyError


@dataclass(frozen=True, order=True)
class Allocation:
    """What one candidate is given.

    Attributes
    ----------
    guides: of each perturbation (constructs of a combination); 1 in tables.
    cells_per_guide: usable cells of each guide in each replicate; 1 in tables.
    replicates: independent runs of a screen, or repeated measurements of a table.
    """

    guides: int = 1
    cells_per_guide: float = 1.0
    replicates: int = 1

    def __post_init__(self) -> None:
        if self.guides < 1 or self.replicates < 1 or not self.cells_per_guide > 0:
            raise StudyError(
                f"{self.guides} guides, {self.cells_per_guide:g} cells each, {self.replicates} replicates",
                where="allocation",
                fix="give at least one of each",
            )

    @property
    def cells(self) -> float:
        """Usable cells of all guides in each replicate."""
        return self.guides * self.cells_per_guide

    def and_then(self, other: Allocation) -> Allocation:
        """Both together: the same guides (the more of them) and the cells of all replicates."""
        guides, replicates = max(self.guides, other.guides), self.replicates + other.replicates
        cells = self.cells * self.replicates + other.cells * other.replicates
        return Allocation(guides, cells / (guides * replicates), replicates)

    def __str__(self) -> str:
        times = "" if self.replicates == 1 else f", {self.replicates} times"
        if self.guides == 1 and self.cells_per_guide == 1:
            return f"1 measurement{times}" if not times else f"{self.replicates} measurements"
        return f"{self.guides} guides of {self.cells_per_guide:g} cells{times}"


def candidate_name(targets: tuple[str, ...]) -> str:
    """How a candidate is written: its perturbations in order, joined by "+"."""
    return SEPARATOR.join(sorted(targets))


@dataclass(frozen=True)
class Entry:
    """A candidate of a batch.

    Attributes
    ----------
    targets: perturbations that it combines; one for a single.
    allocation: what it is given.
    made: whether its guides or its variant exist from an earlier round.
    row: of the pool, -1 where there is none.
    gain: that is expected of it, NaN where it is not known.
    """

    targets: tuple[str, ...]
    allocation: Allocation
    made: bool = False
    row: int = -1
    gain: float = np.nan

    @property
    def name(self) -> str:
        """How the candidate is written."""
        return candidate_name(self.targets)

    @property
    def order(self) -> int:
        """Perturbations of one cell."""
        return len(self.targets)


@dataclass(frozen=True)
class Batch:
    """What is ordered in one round.

    Attributes
    ----------
    entries: candidates with what each is given.
    runs: times that the experiment is made, each with controls of its own: a batch of the error analysis. In a
        pooled screen the whole library is in every run.
    lanes: lanes (plates) of each run; as few as hold it if not given.
    """

    entries: tuple[Entry, ...]
    runs: int = 1
    lanes: int | None = None


class Violation(NamedTuple):
    """A constraint that a batch breaks, by its name, and how."""

    constraint: str
    what: str

    def __str__(self) -> str:
        return f"{self.constraint}: {self.what}"
