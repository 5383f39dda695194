"""The batch that gains most for a budget: which candidates, how many guides, cells and repeats, in how many lanes.

Runs and lanes are paid whole, so that the worth of one more lane shows only when it is filled: for every number of
runs and lanes that the budget allows, a batch is filled greedily, and the best one is taken. Each is the better of
gain per cost and plain gain (Leskovec 2007, KDD, section 3.2: at least (1 - 1/e) / 2 of the best for gains that
diminish), of the best single candidate, and, where there are few options, of all small beginnings
(Sviridenko 2004, Oper. Res. Lett. 32, 41: with all beginnings of three, at least 1 - 1/e).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry
from pajamo.campaigns.costs.bill import Cost
from pajamo.campaigns.costs.complaints import check_budget, nothing_fits
from pajamo.campaigns.costs.conflicts import rules_of
from pajamo.campaigns.costs.frames import FrameSearch
from pajamo.campaigns.costs.gains import Gain
from pajamo.campaigns.costs.greedy import Attempt, Filling, Frame, Weights
from pajamo.campaigns.costs.model import CostModel, Load
from pajamo.campaigns.costs.options import Options, Pool, options_of
from pajamo.campaigns.costs.rules import Rules
from pajamo.campaigns.predictive import Array, Rows
from pajamo.config.campaigns.constraints import ConstraintSettings

SHORTLIST = 2000
"""Candidates that are looked at closely: those that gain most for what they take, each by itself."""
BEGINNINGS = 200
"""Most beginnings of one size that are tried where there are few options."""
BY_MONEY, BY_ROOM, BY_BOTH, BY_NOTHING = Weights(1, 0), Weights(0, 1), Weights(1, 1), Weights(0, 0)
SMALL = 0.05
"""Share of the budget up to which the dearest option is small: gain per cost then loses little to a single option."""


@dataclass(frozen=True)
class Chosen:
    """A batch that a budget buys.

    Attributes
    ----------
    batch: candidates in the order in which they were chosen, with what each is given and gains.
    cost: line by line.
    gain: expected of the whole batch.
    unit: of gains.
    noise: variance of each candidate's recorded effect, with the controls that the batch has; shape (B,).
    controls: usable control cells (wells) of each run.
    compared: one row a number of runs and lanes that was tried: gain, cost, candidates; the best one first.
    """

    batch: Batch
    cost: Cost
    gain: float
    unit: str
    noise: Array
    controls: float
    compared: pd.DataFrame

    @property
    def rows(self) -> Rows:
        """Rows of the pool."""
        return np.array([entry.row for entry in self.batch.entries], dtype=np.intp)


def best_batch(
    pool: Pool,
    gain: Gain,
    costs: CostModel,
    budget: float,
    menu: Sequence[Allocation],
    constraints: ConstraintSettings | None = None,
    *,
    shortlist: int = SHORTLIST,
) -> Chosen:
    """Choose candidates, and what each is given, so that the batch gains most within the budget.

    Parameters
    ----------
    pool: candidates, with what was measured of them.
    gain: what it is worth to measure each, and how well.
    costs: prices and noise.
    budget: money of this batch; never exceeded.
    menu: what a candidate can be given (`menu_of`).
    constraints: what has to hold of the batch.
    shortlist: candidates that are looked at closely.

    Raises
    ------
    StudyError: a budget below one batch; demands that exclude one another, named; candidates that are unknown or were
        measured already; an empty menu.
    DataError: an empty pool.
    """
    check_budget(budget)
    options, rules = options_of(pool, menu, costs), rules_of(constraints or ConstraintSettings(), pool, costs)
    rows = _shortlisted(options, gain, costs, rules, shortlist)
    near = _Near(options.part(rows), gain.take(rows), costs, rules.part(rows), budget)
    attempts = list(near.attempts())
    best = max(attempts, key=lambda one: (one.gain, -one.cents), default=None)
    if best is None or not len(best.rows):
        raise nothing_fits(pool, options, costs, rules, budget)
    return _chosen(best, pool, near.menus[best.frame.runs], rows, costs, gain.unit, _compared(attempts, best))


class _Near:
    """The candidates that are looked at closely, in every frame."""

    def __init__(self, options: Options, gain: Gain, costs: CostModel, rules: Rules, budget: float) -> None:
        self.gain, self.costs, self.rules, self.budget = gain, costs, rules, budget
        numbers = {runs: levels for runs, levels in costs.runs_of(options.menu).items() if levels}
        self.menus = {runs: options.of_menu(np.array(levels)) for runs, levels in numbers.items()}

    def attempts(self) -> Iterator[Attempt]:
        """The best batch of every frame."""
        for runs in self.menus:
            yield from FrameSearch(self.costs, runs, self.budget).best_of(self._in_frame)

    def _in_frame(self, frame: Frame) -> Attempt | None:
        first = self._filled(frame, BY_MONEY)
        if first is None:
            return None
        found: list[Attempt | None] = [first]
        if first.full:
            found.append(self._filled(frame, BY_ROOM))
        if self._dearest(frame) > SMALL:
            found += [self._filled(frame, weights) for weights in (BY_NOTHING, BY_BOTH)]
            found.append(self._filled(frame, BY_MONEY, single=True))
            found += [self._filled(frame, BY_MONEY, start) for start in self._beginnings(frame.runs)]
        whole = [one for one in found if one is not None]
        best = max(whole, key=lambda one: (one.gain, -one.cents))
        return best if best.full else _marked(best, any(one.full for one in whole))

    def _filled(
        self, frame: Frame, weights: Weights, start: tuple[tuple[int, int], ...] = (), *, single: bool = False
    ) -> Attempt | None:
        """A batch from a beginning; None where that does not fit."""
        filling = Filling(self.menus[frame.runs], self.gain, self.costs, frame, self.rules)
        if not _with_musts(filling, self.rules.must):
            return None
        for row, level in start:
            if filling.level[row] >= 0 or not filling.fits(row, level):
                return None
            filling.add(row, level)
        if single and (alone := filling.best_single()) is not None:
            filling.add(*alone)
        filling.fill(weights)
        return filling.done()

    def _dearest(self, frame: Frame) -> float:
        """Share of the money, or of the room, that the dearest option takes."""
        kinds = [Load.stacked(one) for one in self.menus[frame.runs].loads]
        nothing, money = self.costs.cents(Load(), *frame[:2]), frame.budget * 100
        cents = max(float((self.costs.cents(one, *frame[:2]) - nothing).max()) for one in kinds)
        units = max(float(np.max(one.units)) for one in kinds)
        return float(max(cents / max(money - nothing, 1.0), units / self.costs.room(*frame[:2])))

    def _beginnings(self, runs: int) -> Iterator[tuple[tuple[int, int], ...]]:
        """All beginnings of three, two or one candidates, of the largest size of which there are few enough."""
        rows, levels = np.flatnonzero(self.rules.allowed), len(self.menus[runs].menu)
        for size in (3, 2, 1):
            if 0 < comb(len(rows) * levels, size) <= BEGINNINGS:
                every = [(int(row), level) for row in rows for level in range(levels)]
                yield from combinations(every, size)
                return


def _with_musts(filling: Filling, must: Rows) -> bool:
    """Begin with what has to be chosen, each with what costs least; False where it does not fit."""
    for row in must.tolist():
        loads = filling.options.loads[filling.options.kind[row]]
        cents = filling.costs.cents(filling.load + Load.stacked(loads), *filling.frame[:2])
        fitting = [level for level in np.argsort(cents, kind="stable").tolist() if filling.fits(row, level)]
        if not fitting:
            return False
        filling.add(row, fitting[0])
    return True


def _shortlisted(options: Options, gain: Gain, costs: CostModel, rules: Rules, number: int) -> Rows:
    """What has to be chosen, and the candidates that gain most for what they take, each by itself."""
    rows = np.flatnonzero(rules.allowed)
    if len(rows) <= number:
        return rows
    worth = gain.table(rows, options.before[rows], options.after[rows])
    loads = [Load.stacked(one) for one in options.loads]
    runs = [one.replicates for one in options.menu]
    takes = np.array([costs.cents(one, max(runs), 1) - costs.cents(Load(), max(runs), 1) for one in loads])
    units = np.array([np.asarray(one.units) for one in loads])
    per = np.where(takes > 0, takes, 1.0)[options.kind[rows]]
    best = [np.nan_to_num(worth / by, nan=-np.inf).max(axis=1) for by in (per, units[options.kind[rows]])]
    best.append(np.nan_to_num(worth, nan=-np.inf).max(axis=1))
    rank = np.min([np.argsort(np.argsort(-one, kind="stable"), kind="stable") for one in best], axis=0)
    keep = rows[np.argsort(rank, kind="stable")[:number]]
    return np.unique(np.concatenate([rules.must, keep]))


def _marked(attempt: Attempt, full: bool) -> Attempt:
    return Attempt(attempt.rows, attempt.levels, attempt.gains, attempt.cents, attempt.frame, full)


def _chosen(
    best: Attempt,
    pool: Pool,
    options: Options,
    rows: Rows,
    costs: CostModel,
    unit: str,
    compared: pd.DataFrame,
) -> Chosen:
    entries = tuple(
        Entry(
            tuple(pool.targets[row]),
            options.menu[level],
            made=row in pool.measured,
            row=row,
            gain=float(worth),
        )
        for row, level, worth in zip(rows[best.rows].tolist(), best.levels, best.gains, strict=True)
    )
    batch = Batch(entries, best.frame.runs, best.frame.lanes)
    controls = float(costs.controls(costs.load(entries), batch.runs, best.frame.lanes))
    noise = [costs.noise(one.targets, _with_earlier(one, pool), controls) for one in entries]
    return Chosen(batch, costs.cost(batch), best.gain, unit, np.array(noise), controls, compared)


def _with_earlier(entry: Entry, pool: Pool) -> Allocation:
    old = pool.measured.get(entry.row)
    return entry.allocation if old is None else old.and_then(entry.allocation)


def _compared(attempts: Sequence[Attempt], best: Attempt) -> pd.DataFrame:
    order = [best, *(one for one in attempts if one is not best)]
    rows = [(one.frame.runs, one.frame.lanes, len(one.rows), one.gain, one.cents / 100) for one in order]
    return pd.DataFrame(rows, columns=["runs", "lanes", "candidates", "gain", "cost"])
