"""A batch that a budget buys: which candidates, how many guides, cells and repeats of each, in how many lanes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pajamo.campaigns.acquisition.base import best_rows
from pajamo.campaigns.acquisition.probability_of_hit import ProbabilityOfHit
from pajamo.campaigns.acquisition.readout import readout_of, reference
from pajamo.campaigns.costs.allocation import Allocation, Batch, Entry
from pajamo.campaigns.costs.choosing import cost_model
from pajamo.campaigns.costs.gains import Gain, LawGain, ModelGain
from pajamo.campaigns.costs.hits import HitGain
from pajamo.campaigns.costs.knapsack import Chosen, best_batch
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.options import Options, Pool, menu_of, options_of
from pajamo.campaigns.costs.screen import ScreenCost
from pajamo.campaigns.costs.sheet import lane_sheet, lane_totals, lanes_of
from pajamo.campaigns.predictive import Array, ClassPredictive, FactorPredictive, Rows, ValuePredictive
from pajamo.campaigns.proposal import REPLICATES, Number
from pajamo.campaigns.proposing.batches import ChosenBatch
from pajamo.campaigns.proposing.objectives import Law, LessUncertainty
from pajamo.campaigns.proposing.outlook import Outlook
from pajamo.config.campaigns.cost import ScreenCostSettings
from pajamo.config.campaigns.study import ScreenSource
from pajamo.errors import ModelError, StudyError
from pajamo.protocols.errors import Variances

FEW = 1e-9
UNITS = {"model": LessUncertainty.unit, "mechanism": Law.unit}
"""How gains of goals are told."""


def choose_by_money(outlook: Outlook, money: float) -> ChosenBatch:
    """Choose the batch that gains most within `money`.

    Raises
    ------
    StudyError: no [cost], a budget below one batch, or constraints that exclude one another.
    ModelError: no model yet, or one of classes.
    """
    study = outlook.study
    if study.cost is None:
        raise StudyError(
            "a budget needs to know what things cost",
            where="batch.budget",
            fix="add [cost] to the study, or ask for a number of candidates: batch.size",
        )
    if study.goal == "mechanism" and not isinstance(study.candidates, ScreenSource):
        raise StudyError(
            "a budget is not spent on numbers of a mechanism of sequences yet",
            where="batch.budget",
            why="how much each number is narrowed depends on reads, which are bought for a library as a whole",
            fix="ask for a number of candidates: batch.size",
        )
    values, unit = _predictive(outlook)
    costs = cost_model(study.cost, study.constraints.layout, variances=_variances(outlook, unit))
    pool = Pool(
        outlook.problem.targets,
        _measured(outlook, unit),
        outlook.situation.available,
        repeats=outlook.problem.repeats != "no",
    )
    gain, share = _gain(outlook, values)
    menu = _menu(outlook)
    chosen = best_batch(pool, gain, costs, money, menu, study.constraints)
    return _told(outlook, chosen, _Yardstick(pool, gain, costs, options_of(pool, menu, costs), share))


def _predictive(outlook: Outlook) -> tuple[ValuePredictive, Array]:
    """The predictions, and the variance of one cell (or measurement) of each output; shape (D,)."""
    found = outlook.situation.predictive
    if found is None or isinstance(found, ClassPredictive):
        raise ModelError(
            "a budget is spent by what a model of values expects, and there is none yet",
            where="batch.budget",
            fix="ask for a number of candidates (batch.size) for the first round, or where classes are recorded",
        )
    assert isinstance(found, ValuePredictive)
    if len(outlook.situation.pending):
        conditioned = found.condition(outlook.situation.pending)
        assert isinstance(conditioned, ValuePredictive)
        found = conditioned
    noise = outlook.problem.noise
    return found, np.ones(found.mean.shape[1]) if noise is None else noise


def _variances(outlook: Outlook, unit: Array) -> Variances | None:
    """Components of a readout's variance in its own squared units, as stated or as the screen shows them."""
    settings = outlook.study.cost
    if not isinstance(settings, ScreenCostSettings):
        return None
    given, size = settings.variances, _readout_unit(outlook, unit)
    of_screen = outlook.problem.between
    if of_screen is not None and "variances" not in settings.model_fields_set:
        return Variances(
            size, of_screen.batch * size, of_screen.batch_by_perturbation * size, of_screen.guide * size
        )
    ratio = size / given.cell
    control = given.cell if given.control_cell is None else given.control_cell
    return Variances(
        size, given.batch * ratio, given.batch_by_perturbation * ratio, given.guide * ratio, control * ratio
    )


def _readout_unit(outlook: Outlook, unit: Array) -> float:
    """Variance of one cell in what the gain is about: the target's readout, or each output in its own unit."""
    if outlook.study.goal in ("model", "mechanism"):
        return 1.0
    weights = outlook.situation.target.weights
    return float(unit[0] if weights is None else unit @ weights**2)


def _gain(outlook: Outlook, values: ValuePredictive) -> tuple[Gain, float]:
    """The goal's gain, and what it is multiplied with to be read: 100 over the whole variance, or 1."""
    if outlook.study.goal in ("model", "mechanism"):
        # Every output in units of its own noise, so that none counts by its unit; their mean is what is lowered.
        unit = np.ones(values.mean.shape[1]) if outlook.problem.noise is None else outlook.problem.noise
        factor = _in_units(values, np.sqrt(unit)).factor() / np.sqrt(values.mean.shape[1])
        alike = FactorPredictive(np.zeros(values.size), factor)
        if outlook.study.goal == "mechanism":
            return LawGain(alike), 1.0
        return ModelGain(alike), 100.0 / max(float(alike.diagonal().sum()), FEW)
    situation = replace(outlook.situation, predictive=values)
    readout = readout_of(situation)
    if outlook.study.goal == "optimum":
        bar = reference(situation, readout)
    else:
        bar = ProbabilityOfHit(share=outlook.study.target.top).bar(situation, readout)
    return HitGain(values, replace(situation.target, threshold=situation.target.sign * bar)), 1.0


def _in_units(values: ValuePredictive, scale: Array) -> ValuePredictive:
    """The same distribution with other units of its outputs."""
    found = values.take(np.arange(values.size))
    found.scale = scale
    return found


def _menu(outlook: Outlook) -> tuple[Allocation, ...]:
    asked = outlook.study.batch
    if isinstance(outlook.study.cost, ScreenCostSettings):
        return menu_of(asked.guides, asked.cells, asked.replicates)
    return menu_of(replicates=asked.replicates)


def _measured(outlook: Outlook, unit: Array) -> dict[int, Allocation]:
    """What each candidate was given so far: as many cells, or measurements, as its results' errors speak for."""
    seen = outlook.seen
    found: dict[int, Allocation] = {}
    for place, row in enumerate(seen.rows.tolist()):
        if isinstance(outlook.study.cost, ScreenCostSettings) and seen.noise is not None:
            cells = max(float(np.mean(unit / np.maximum(seen.noise[place], FEW))), 1.0)
            one = Allocation(cells_per_guide=cells)
        else:
            one = Allocation()
        found[row] = found[row].and_then(one) if row in found else one
    return found


class _Yardstick:
    """Gains of batches that were not chosen: what would come next, and random ones."""

    def __init__(self, pool: Pool, gain: Gain, costs: CostModel, options: Options, share: float) -> None:
        self.pool, self.gain, self.costs, self.options, self.share = pool, gain, costs, options, share

    def levels(self, chosen: Chosen) -> list[int]:
        """Place in the menu of what each member of the batch is given."""
        return [self.options.menu.index(entry.allocation) for entry in chosen.batch.entries]

    def of(self, rows: Rows, levels: list[int]) -> float:
        """Gain of a batch."""
        return self.gain.total(rows, self.options.before[rows], self.options.after[rows, levels]) * self.share

    def after(self, rows: Rows, levels: list[int]) -> Gain:
        """What is left to gain after a batch."""
        left = self.gain.fresh()
        for row, level in zip(rows.tolist(), levels, strict=True):
            left.accept(row, float(self.options.before[row]), float(self.options.after[row, level]))
        return left

    def next(self, chosen: Chosen, number: int, rng: np.random.Generator) -> tuple[Rows, Array, int]:
        """Candidates that would add most after the batch with the allocation that it uses most."""
        levels = self.levels(chosen)
        usual = max(set(levels), key=levels.count)
        left = self.after(chosen.rows, levels)
        rows = np.flatnonzero(self.pool.open())
        gains = np.full(self.pool.size, np.nan)
        gains[rows] = left.table(rows, self.options.before[rows], self.options.after[rows][:, [usual]])[:, 0]
        gains[chosen.rows] = np.nan
        best = best_rows(gains, min(number, int(np.isfinite(gains).sum())), rng)
        return best, gains[best] * self.share, usual


def _told(outlook: Outlook, chosen: Chosen, yardstick: _Yardstick) -> ChosenBatch:
    share, entries = yardstick.share, chosen.batch.entries
    following, gains, usual = yardstick.next(chosen, outlook.study.runners_up, outlook.rng(2))
    average, deviation = _at_random(outlook, chosen, yardstick)
    own = np.array([yardstick.costs.own(entry) for entry in entries])
    unit = UNITS.get(outlook.study.goal, chosen.unit)
    spare = yardstick.options.menu[usual]
    return ChosenBatch(
        rows=chosen.rows,
        gains=np.array([entry.gain for entry in entries]) * share,
        scores=np.array([entry.gain for entry in entries]) * share / np.maximum(own, FEW),
        why=[
            _words(entry, float(entry.gain) * share, unit, float(noise), cost)
            for entry, noise, cost in zip(entries, chosen.noise, own.tolist(), strict=True)
        ],
        next_rows=following,
        next_gains=gains,
        next_scores=gains / max(float(np.median(own)), FEW),
        next_why=[f"would add {one:.3g} {unit} with {spare}" for one in gains.tolist()],
        unit=unit,
        by="gain per money",
        at_random=average,
        random_deviation=deviation,
        cost={line.what: line.money for line in chosen.cost.lines},
        own=own,
        allocations=[_allocation(entry, lanes_of(chosen.batch, yardstick.costs)) for entry in entries],
        controls=_controls(chosen, yardstick.costs),
        layout=tuple(lane_sheet(chosen.batch, yardstick.costs).itertuples(index=False, name=None)),
        notes=(*outlook.notes, *_loading(chosen, yardstick.costs)),
    )


def _words(entry: Entry, gain: float, unit: str, noise: float, own: float) -> str:
    again = "measured before, more of it" if entry.made else "new"
    return f"{again}: {gain:.3g} {unit} for {own:,.2f}; read with a standard error of {np.sqrt(noise):.2g}"


def _loading(chosen: Chosen, costs: CostModel) -> tuple[str, ...]:
    """Of a screen: how many cells go into each lane, so that as many are captured as were planned."""
    if not isinstance(costs, ScreenCost):
        return ()
    first = lane_totals(chosen.batch, costs).iloc[0]
    return (f"each lane: load {first['to_load']:,.0f} cells to capture {first['captured']:,.0f}",)


def _controls(chosen: Chosen, costs: CostModel) -> dict[str, Number | str]:
    """Guides and usable cells (wells) of the control, in every run."""
    lanes = lanes_of(chosen.batch, costs)
    each = chosen.controls / costs.control_guides if costs.control_guides else chosen.controls
    if costs.control_guides:
        cells: dict[str, Number | str] = {"guides": costs.control_guides, "cells per guide": round(each, 1)}
    else:
        cells = {REPLICATES: round(each)}
    return {**cells, "runs": chosen.batch.runs, "lanes": lanes} if chosen.controls else {}


def _allocation(entry: Entry, lanes: int) -> dict[str, Number | str]:
    one = entry.allocation
    if one.guides == 1 and one.cells_per_guide == 1:
        return {REPLICATES: one.replicates}
    return {
        "guides": one.guides,
        "cells per guide": one.cells_per_guide,
        "runs": one.replicates,
        "lanes": lanes,
    }


def _at_random(outlook: Outlook, chosen: Chosen, yardstick: _Yardstick) -> tuple[float | None, float | None]:
    """Gain of random batches: as many candidates with the same allocations, as far as the same money goes."""
    times = outlook.study.comparison
    free = np.flatnonzero(yardstick.pool.open())
    if times < 2 or len(free) < len(chosen.rows):
        return None, None
    rng, levels, found = outlook.rng(3), yardstick.levels(chosen), []
    for _ in range(times):
        rows = rng.choice(free, len(levels), replace=False)
        kept = _affordable(rows, levels, chosen, yardstick)
        found.append(yardstick.of(rows[:kept], levels[:kept]))
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _affordable(rows: Rows, levels: list[int], chosen: Chosen, yardstick: _Yardstick) -> int:
    """How many of a random batch the money of the chosen one buys, in as many runs and lanes."""
    entries = tuple(
        Entry(
            yardstick.pool.targets[row],
            yardstick.options.menu[level],
            made=row in yardstick.pool.measured,
            row=row,
        )
        for row, level in zip(rows.tolist(), levels, strict=True)
    )
    for kept in range(len(entries), 0, -1):
        if (
            yardstick.costs.cost(Batch(entries[:kept], chosen.batch.runs, chosen.batch.lanes)).total
            <= chosen.cost.total
        ):
            return kept
    return 0
