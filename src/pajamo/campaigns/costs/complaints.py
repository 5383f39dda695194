"""Why no batch can be bought, in words that name what stands in the way."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.costs.allocation import Batch, Entry
from pajamo.campaigns.costs.model import CostModel
from pajamo.campaigns.costs.options import Options, Pool
from pajamo.campaigns.costs.rules import Rules
from pajamo.campaigns.predictive import Rows
from pajamo.errors import ModelError, PajamoError, StudyError


def check_budget(budget: float) -> None:
    """Refuse a budget that is no amount of money.

    Raises
    ------
    StudyError: it is not above zero, or no number.
    """
    if not budget > 0:
        raise StudyError(
            f"the budget is {budget:g}", where="budget", fix="give the money that may be spent, above 0"
        )


def nothing_fits(pool: Pool, options: Options, costs: CostModel, rules: Rules, budget: float) -> PajamoError:
    """Why there is no batch: the demands of constraints, the budget, or nothing to gain."""
    if len(rules.must):
        complaint = _batch_complaint(pool, options, costs, rules, rules.must, budget)
        if complaint is not None:
            return complaint
    one = np.flatnonzero(rules.allowed)[:1]
    complaint = _batch_complaint(pool, options, costs, rules, one, budget)
    return complaint or ModelError(
        "no candidate is expected to gain anything",
        where="batch",
        why="the gain of each is zero, negative or not a number",
        fix="check what the model predicts; stop if it is right",
    )


def _batch_complaint(
    pool: Pool, options: Options, costs: CostModel, rules: Rules, rows: Rows, budget: float
) -> StudyError | None:
    batch = _cheapest(pool, options, costs, rows)
    if batch is None:
        return StudyError(
            "no allocation of the menu keeps to the layout",
            where="constraints",
            why=f"layout.spread asks for {costs.layout.spread} {costs.lane}s of each candidate",
            fix="lower layout.spread, or offer more replicates",
        )
    needed = costs.cost(batch).total
    guides = costs.load(batch.entries).guides
    if guides and guides + costs.control_guides > rules.most_guides:
        return StudyError(
            f"most_guides is {rules.most_guides:,.0f}, and {guides + costs.control_guides:,.0f} are needed",
            where="constraints",
            why=f"{costs.control_guides} of them are non-targeting",
            fix="allow more guides in the library, offer fewer for each target, or include fewer candidates",
        )
    broken = [one for one in costs.feasible(batch) if one.constraint != "replicates"]
    if broken:
        what = "; ".join(map(str, broken))
        return StudyError(
            f"the batch cannot be laid out: {what}",
            where="constraints",
            why=_why(len(rules.must)),
            fix="loosen what is named",
        )
    if needed > budget:
        return StudyError(
            f"the budget of {budget:,.2f} {costs.currency} is below one batch, which costs {needed:,.2f} at least",
            where="budget",
            why="; ".join(f"{line.what} {line.money:,.2f}" for line in costs.cost(batch).lines),
            fix=_fix(len(rules.must)),
        )
    return None


def _cheapest(pool: Pool, options: Options, costs: CostModel, rows: Rows) -> Batch | None:
    """These candidates, each with what takes least, in as few runs and lanes as hold them."""
    found = []
    for runs, levels in costs.runs_of(options.menu).items():
        for level in levels:
            entries = tuple(
                Entry(tuple(pool.targets[row]), options.menu[level], made=row in pool.measured, row=row)
                for row in rows.tolist()
            )
            lanes = max(costs.fewest_lanes(costs.load(entries), runs), -(-costs.layout.spread // runs))
            found.append(Batch(entries, runs, lanes))
    return min(found, key=lambda batch: costs.cost(batch).cents, default=None)


def _why(musts: int) -> str:
    return f"must_include asks for {musts} candidates" if musts else "already one candidate is too much"


def _fix(musts: int) -> str:
    return (
        "give more money, or include fewer candidates"
        if musts
        else "give more money, or offer smaller allocations"
    )
