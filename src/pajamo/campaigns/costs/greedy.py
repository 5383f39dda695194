"""One greedy attempt at a batch with given runs and lanes: each time, the most gain for what it takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.costs.gains import Gain
from pajamo.campaigns.costs.model import ROUNDING, CostModel, Load
from pajamo.campaigns.costs.options import Options
from pajamo.campaigns.costs.rules import Rules
from pajamo.campaigns.predictive import Array, Rows

NOT_CHOSEN = -1
LEAST = 1e-9


class Frame(NamedTuple):
    """What is fixed while a batch is filled."""

    runs: int
    lanes: int
    budget: float


class Weights(NamedTuple):
    """What a gain is divided by: shares of the budget and of the room that it takes; by neither, the gain counts."""

    money: float
    room: float


@dataclass(frozen=True)
class Attempt:
    """A batch.

    Attributes
    ----------
    rows: in the order in which they were first chosen.
    levels: allocation of each, place in the menu.
    gains: of each, what raising its precision brought altogether.
    cents: what the batch costs.
    frame: runs and lanes.
    full: whether something was left out only because lanes are full.
    """

    rows: Rows
    levels: Rows
    gains: Array
    cents: int
    frame: Frame
    full: bool

    @property
    def gain(self) -> float:
        """Of the whole batch."""
        return float(self.gains.sum())


class Filling:
    """A batch while it is filled.

    Parameters
    ----------
    options: what may be bought.
    gain: of it; used up by this attempt.
    costs, frame: prices, and what is fixed.
    rules: constraints.
    """

    def __init__(self, options: Options, gain: Gain, costs: CostModel, frame: Frame, rules: Rules) -> None:
        self.options, self.costs, self.frame, self.rules = options, costs, frame, rules
        self.gain = gain.fresh()
        self.level: Rows = np.full(len(options.before), NOT_CHOSEN, dtype=np.intp)
        self.precision = options.before.copy()
        self.load, self.gains, self.order = Load(), np.zeros(len(self.level)), list[int]()
        self.full = False
        self._all = np.arange(len(self.level))
        self._steps = _steps(options)
        self._table = self._gains()

    @property
    def cents(self) -> int:
        """What the batch costs as it stands."""
        return int(self.costs.cents(self.load, self.frame.runs, self.frame.lanes))

    def fits(self, row: int, level: int) -> bool:
        """Whether a candidate can be given this allocation."""
        may = row in self.rules.open_rows(self.level)
        return may and bool(np.isfinite(self._takes(Weights(0, 0))[self._place(row)][level]))

    def add(self, row: int, level: int) -> None:
        """Give a candidate this allocation, instead of what it had."""
        old = self.level[row]
        loads = self.options.loads[self.options.kind[row]]
        self.load = self.load + loads[level] - (Load() if old == NOT_CHOSEN else loads[old])
        if old == NOT_CHOSEN:
            self.order.append(row)
        self.gains[row] += self._table[row, level]
        before, after = float(self.precision[row]), float(self.options.after[row, level])
        self.gain.accept(row, before, after)
        self.level[row], self.precision[row] = level, after
        if self.gain.separable:
            self._table[row] -= self._table[row, level]
        else:
            self._table = self._gains()

    def fill(self, weights: Weights) -> None:
        """Add whatever gains most for what it takes, until nothing fits or nothing gains."""
        while (best := self._best(weights)) is not None:
            self.add(*best)

    def done(self) -> Attempt:
        """The batch as it stands."""
        rows = np.array(self.order, dtype=np.intp)
        return Attempt(rows, self.level[rows], self.gains[rows], self.cents, self.frame, self.full)

    def best_single(self) -> tuple[int, int] | None:
        """The candidate and allocation that gain most and fit by themselves."""
        return self._best(Weights(0.0, 0.0))

    def _gains(self) -> Array:
        found = self.gain.table(self._all, self.precision, self.options.after)
        return np.where(np.isfinite(found), found, -np.inf)

    def _best(self, weights: Weights) -> tuple[int, int] | None:
        takes = self._takes(weights)
        open_rows = self.rules.open_rows(self.level)
        if not len(open_rows):
            return None
        worth = self._table[open_rows]
        with np.errstate(invalid="ignore"):
            ratio = np.where(worth > 0, worth / takes[self._place(open_rows)], 0.0)
        place = int(np.argmax(ratio))
        row, level = divmod(place, ratio.shape[1])
        return (int(open_rows[row]), level) if ratio[row, level] > 0 else None

    def _place(self, rows: Rows | int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return self.options.kind[rows], self.level[rows] + 1

    def _takes(self, weights: Weights) -> Array:
        """What each step takes, infinite where it does not fit; shape (kinds, 1 + allocations, allocations)."""
        runs, lanes, budget = self.frame
        then = self.load + self._steps
        cents = self.costs.cents(then, runs, lanes)
        units = np.broadcast_to(self.costs.units(then, runs, lanes), cents.shape)
        room = self.costs.room(runs, lanes)
        allowed = self.rules.allows(then, self.costs.control_guides) & (cents <= budget * 100 + ROUNDING)
        fits = units <= room + ROUNDING
        self.full = self.full or bool((allowed & ~fits).any())
        share = weights.money * np.maximum(cents - self.cents, 0) / (100 * budget)
        taken = weights.room * np.maximum(units - self.costs.units(self.load, runs, lanes), 0.0) / room
        return np.where(fits & allowed, LEAST + share + taken, np.inf)


def _steps(options: Options) -> Load:
    """What the load grows by from nothing, or from one allocation, to another; shape as `Filling._takes`."""
    loads = [Load.stacked(one) for one in options.loads]
    to = Load(*(np.array([getattr(one, part.name) for one in loads]) for part in fields(Load)))
    grown = []
    for part in fields(Load):
        there = getattr(to, part.name)
        here = np.concatenate([np.zeros((len(there), 1)), there], axis=1)
        grown.append(there[:, None, :] - here[:, :, None])
    return Load(*grown)
