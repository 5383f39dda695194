"""What every cost of measuring can be asked: what a batch costs, whether it can be done, how noisy it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry, Violation
from pajamo.campaigns.costs.bill import Cost, Line, in_cents
from pajamo.config.campaigns.constraints import LayoutSettings
from pajamo.errors import shorten
from pajamo.protocols.errors import Variances

ROUNDING = 1e-9


@dataclass(frozen=True)
class Load:
    """What candidates take together; numbers, or arrays of numbers for several batches at once.

    Attributes
    ----------
    candidates: their number.
    guides: of the library.
    new_guides: of these, the ones that have to be made.
    made: candidates that have to be made.
    units: captured cells (wells) of all runs.
    usable: cells that count, of all runs (measurements in tables).
    """

    candidates: Any = 0.0
    guides: Any = 0.0
    new_guides: Any = 0.0
    made: Any = 0.0
    units: Any = 0.0
    usable: Any = 0.0

    def __add__(self, other: Load) -> Load:
        return Load(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def __sub__(self, other: Load) -> Load:
        return Load(*(getattr(self, one.name) - getattr(other, one.name) for one in fields(self)))

    @classmethod
    def stacked(cls, loads: Sequence[Load]) -> Load:
        """Several as arrays."""
        return cls(*(np.array([getattr(load, one.name) for load in loads], float) for one in fields(cls)))


Part = tuple[str, Any, str, float]
"""What is paid for, how many, of which unit, at which price."""


class CostModel(ABC):
    """What measuring costs and how well it measures.

    Class attributes: `unit` of what fills a lane, `lane` as it is called, `runs_are_one` where a batch has one run.

    Attributes
    ----------
    currency, turnaround: of prices; days until results are in.
    layout: limits of lanes.
    control_guides: non-targeting guides of the library.
    of_target: by candidate, variance components that differ from those of others.
    """

    unit: ClassVar[str]
    lane: ClassVar[str]
    runs_are_one: ClassVar[bool] = False
    currency: str
    turnaround: float
    layout: LayoutSettings
    control_guides: int = 0
    of_target: Mapping[str, Variances] = MappingProxyType({})

    @property
    @abstractmethod
    def capacity(self) -> float:
        """Units that a lane holds; infinite where there is no limit."""

    @property
    @abstractmethod
    def most_lanes(self) -> int | None:
        """Most lanes of one run, or None."""

    @abstractmethod
    def load_of(self, allocation: Allocation, order: int = 1, *, made: bool = False) -> Load:
        """What one candidate takes that combines `order` perturbations and has, or has not, been made before."""

    @abstractmethod
    def controls(self, load: Load, runs: int, lanes: int) -> Any:
        """Usable control cells (wells) of each run."""

    @abstractmethod
    def control_units(self, load: Load, runs: int, lanes: int) -> Any:
        """Units that the controls of all runs take."""

    @abstractmethod
    def parts(self, load: Load, runs: int, lanes: int) -> list[Part]:
        """The lines of a bill."""

    @abstractmethod
    def own(self, entry: Entry) -> float:
        """What is paid for this candidate alone: not its share of runs, of lanes that are not full, of controls."""

    @abstractmethod
    def noise(self, targets: tuple[str, ...], allocation: Allocation, controls: float | None = None) -> float:
        """Variance of a perturbation's recorded effect around the true one, in squared units of the values.

        Parameters
        ----------
        targets: perturbations that the candidate combines.
        allocation: what it is given.
        controls: usable control cells of each run; the least that there are if not given.
        """

    @abstractmethod
    def runs_of(self, menu: Sequence[Allocation]) -> dict[int, list[int]]:
        """Numbers of runs that these allocations ask for, and which of them can be had in each (their places)."""

    def load(self, entries: Iterable[Entry]) -> Load:
        """What candidates take together."""
        total = Load()
        for entry in entries:
            total = total + self.load_of(entry.allocation, entry.order, made=entry.made)
        return total

    def units(self, load: Load, runs: int, lanes: int) -> Any:
        """Units of candidates and controls."""
        return load.units + self.control_units(load, runs, lanes)

    def room(self, runs: int, lanes: int) -> float:
        """Units that so many lanes of so many runs hold."""
        return runs * lanes * self.capacity

    def fewest_lanes(self, load: Load, runs: int) -> int:
        """Lanes of each run that hold candidates and controls."""
        if not np.isfinite(self.capacity):
            return 1
        lanes = 1
        while self.units(load, runs, lanes) > self.room(runs, lanes) + ROUNDING:
            needed = self.units(load, runs, lanes) / (runs * self.capacity)
            lanes = max(lanes + 1, int(np.ceil(needed - ROUNDING)))
        return lanes

    def cents(self, load: Load, runs: int, lanes: int) -> Any:
        """What all lines cost in hundredths; an array where the load is one."""
        return sum(in_cents(quantity * price) for _, quantity, _, price in self.parts(load, runs, lanes))

    def cost(self, batch: Batch) -> Cost:
        """What a batch costs, line by line; nothing where it is empty."""
        if not batch.entries:
            return Cost((), self.currency, 0.0)
        load = self.load(batch.entries)
        lanes = batch.lanes or self.fewest_lanes(load, batch.runs)
        lines = (
            Line(what, float(quantity), unit, price, int(in_cents(quantity * price)))
            for what, quantity, unit, price in self.parts(load, batch.runs, lanes)
        )
        return Cost(tuple(line for line in lines if line.cents), self.currency, self.turnaround)

    def feasible(self, batch: Batch, budget: float | None = None) -> list[Violation]:
        """Constraints of the experiment itself that a batch breaks, each by its name; empty if it can be done."""
        if not batch.entries:
            return [Violation("candidates", "the batch is empty")]
        load = self.load(batch.entries)
        lanes = batch.lanes or self.fewest_lanes(load, batch.runs)
        found = [*_twice(batch), *self._lanes(load, batch.runs, lanes), *self.spread(batch, lanes)]
        if budget is not None and self.cost(batch).total > budget + ROUNDING:
            found.append(
                Violation("budget", f"costs {self.cost(batch).total:,.2f} of {budget:,.2f} {self.currency}")
            )
        return found

    @abstractmethod
    def spread(self, batch: Batch, lanes: int) -> list[Violation]:
        """Complaints about how candidates are repeated and spread over lanes."""

    def _lanes(self, load: Load, runs: int, lanes: int) -> list[Violation]:
        found = []
        if self.most_lanes is not None and lanes > self.most_lanes:
            found.append(Violation("lanes", f"{lanes} {self.lane}s a run, of at most {self.most_lanes}"))
        units, room = self.units(load, runs, lanes), self.room(runs, lanes)
        if units > room + ROUNDING:
            found.append(
                Violation("capacity", f"{units:,.0f} {self.unit} in {self.lane}s that hold {room:,.0f}")
            )
        return found


def _twice(batch: Batch) -> list[Violation]:
    counts = Counter(entry.name for entry in batch.entries)
    again = [name for name, number in counts.items() if number > 1]
    return [Violation("once each", f"stands more than once: {shorten(again)}")] if again else []
