"""A batch of a given number of candidates, chosen by an acquisition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.registry import acquisition, by_goal
from pajamo.campaigns.costs.choosing import cost_model
from pajamo.campaigns.costs.conflicts import rules_of
from pajamo.campaigns.costs.options import Pool
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.proposing.batches import ChosenBatch
from pajamo.campaigns.proposing.graphs import coverage_of
from pajamo.campaigns.proposing.objectives import Objective, objective_of
from pajamo.campaigns.proposing.outlook import Outlook
from pajamo.campaigns.proposing.rivals import discriminating
from pajamo.campaigns.situation import Situation
from pajamo.config.campaigns.cost import TableCostSettings
from pajamo.config.campaigns.study import ScreenSource
from pajamo.errors import StudyError


def choose_by_size(outlook: Outlook, size: int) -> ChosenBatch:
    """Choose `size` candidates: first those that have to be in, then what the acquisition wants.

    Raises
    ------
    StudyError: more candidates have to be in than the batch holds, or a constraint that needs a cost.
    DataError: fewer candidates are left than asked for.
    """
    situation, must = _open(outlook, size)
    chooser = acquisition_of(outlook)
    left = size - len(must)
    ready = replace(situation, pending=np.concatenate([situation.pending, must]))
    ready = replace(ready, available=ready.available & ~np.isin(np.arange(ready.size), must))
    selection = choose_batch(chooser, ready, left) if left else None
    rows = must if selection is None else np.concatenate([must, selection.rows])
    objective = discriminating(chooser, situation, outlook.rng(1)) or objective_of(
        outlook.study.goal, situation, outlook.study.target.top, outlook.rng(1)
    )
    return _told(outlook, situation, chooser, selection, must, rows, objective)


def acquisition_of(outlook: Outlook) -> Acquisition:
    """The acquisition that the study names; by default the one for its goal."""
    if outlook.brought.acquisition is not None:
        return outlook.brought.acquisition
    asked, graph = outlook.study.acquisition, outlook.problem.graph
    if graph is not None:
        return coverage_of(graph, outlook.seen.rows)
    if asked.kind == "default":
        if outlook.study.goal == "mechanism" and isinstance(outlook.study.candidates, ScreenSource):
            return acquisition("max-determinant", **asked.settings)
        if outlook.study.goal == "mechanism":
            about = getattr(outlook.study.candidates, "parameters", ()) or None
            return acquisition("expected-information", **{"about": about, **asked.settings})
        if outlook.study.goal == "hits" and outlook.study.target.top is not None and not asked.settings:
            return acquisition("probability-of-hit", share=outlook.study.target.top)
        return by_goal(outlook.study.goal, **asked.settings)
    return acquisition(asked.kind, **asked.settings)


def _open(outlook: Outlook, size: int) -> tuple[Situation, Rows]:
    """The situation without forbidden candidates, and those that have to be in."""
    situation, constraints = outlook.situation, outlook.study.constraints
    pool = Pool(outlook.problem.targets, available=situation.available, repeats=True)
    rules = rules_of(constraints, pool, cost_model(TableCostSettings()))
    if len(rules.must) > size:
        raise StudyError(
            f"{len(rules.must)} candidates have to be in a batch of {size}",
            where="constraints.must_include",
            fix="ask for a larger batch, or demand fewer candidates",
        )
    counted = {"most_per_group": rules.most_per_group, "most_guides": rules.most_guides}
    limits = [name for name, most in counted.items() if np.isfinite(most)]
    if limits or rules.most_candidates < size:
        raise StudyError(
            f"{(limits or ['most_candidates'])[0]} limits what a budget buys, and a batch of {size} is asked for",
            where="constraints",
            fix="give a budget and [cost] instead of a size, or leave the limit out",
        )
    return replace(situation, available=situation.available & rules.allowed), rules.must


def _told(
    outlook: Outlook,
    situation: Situation,
    chooser: Acquisition,
    selection: Selection | None,
    must: Rows,
    rows: Rows,
    objective: Objective | None,
) -> ChosenBatch:
    scores = np.full(situation.size, np.nan) if selection is None else selection.scores
    why = ["it has to be in"] * len(must)
    if selection is not None:
        why += [chooser.why(selection, place) for place in range(len(selection.rows))]
    others = np.where(np.isin(np.arange(situation.size), rows), np.nan, scores)
    number = min(outlook.study.runners_up, int(np.isfinite(others).sum()))
    following = best_rows(others, number, outlook.rng(2))
    average, deviation = at_random(outlook, situation, objective, len(rows), must)
    return ChosenBatch(
        rows=rows,
        gains=np.full(len(rows), np.nan) if objective is None else objective.gains(rows),
        scores=scores[rows],
        why=why,
        next_rows=following,
        next_gains=_after(objective, rows, following),
        next_scores=scores[following],
        next_why=[f"{chooser.name}: next by its own score"] * len(following),
        unit="" if objective is None else objective.unit,
        by=chooser.name,
        at_random=average,
        random_deviation=deviation,
        notes=(*outlook.notes, *_said(outlook, situation, objective, rows, must)),
    )


def _said(
    outlook: Outlook, situation: Situation, objective: Objective | None, rows: Rows, must: Rows
) -> tuple[str, ...]:
    """What the goal has to say of the batch beside its gain."""
    if objective is None:
        return ()
    return objective.told(rows, _random_batches(outlook, situation, len(rows), must))


def _after(objective: Objective | None, rows: Rows, following: Rows) -> Array:
    """What each of those that come next would add to the batch."""
    if objective is None:
        return np.full(len(following), np.nan)
    return np.array([objective.gains(np.append(rows, one))[-1] for one in following])


def at_random(
    outlook: Outlook, situation: Situation, objective: Objective | None, size: int, must: Rows
) -> tuple[float | None, float | None]:
    """Mean and standard deviation of the gain of random batches of the same size."""
    times = outlook.study.comparison
    if objective is None or times < 2:
        return None, None
    found = [objective.of(rows) for rows in _random_batches(outlook, situation, size, must)]
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _random_batches(outlook: Outlook, situation: Situation, size: int, must: Rows) -> list[Rows]:
    """As many random batches as the study compares with; they hold what has to be in."""
    rng, free = outlook.rng(3), np.setdiff1d(situation.candidates, must)
    return [
        np.concatenate([must, rng.choice(free, size - len(must), replace=False)])
        for _ in range(outlook.study.comparison)
    ]
