"""A proposal without a record: what to do next, given what is known now."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from pajamo.campaigns.proposal import Proposal
from pajamo.campaigns.proposing.brought import NOTHING, Brought
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.proposing import propose_batch
from pajamo.campaigns.proposing.sources import problem_of
from pajamo.campaigns.records.campaign import BEFORE, round_seed
from pajamo.campaigns.records.results import MEASURED, results_of, told_twice
from pajamo.campaigns.state import Measured, State
from pajamo.config.campaigns.study import CampaignStudy

Progress = Callable[[str], None]


def propose_once(study: CampaignStudy, progress: Progress, brought: Brought = NOTHING) -> Proposal:
    """Read the candidates, and choose the first batch from what is known of them.

    Raises
    ------
    UserError: whatever is wrong with the study, its tables or its screen.
    """
    progress("reading candidates")
    problem = problem_of(study)
    state = beginning(study, problem)
    progress(f"{problem.size:,} candidates, {len(state.results):,} results; choosing")
    return propose_batch(study, problem, state, brought)


def beginning(study: CampaignStudy, problem: Problem) -> State:
    """What is known before the first round.

    Raises
    ------
    DataError: known results that cannot be used.
    """
    table = pd.DataFrame() if problem.known is None else problem.known
    rows = told_twice(results_of(table, problem.outputs, BEFORE)) if len(table) else []
    results = tuple(
        Measured(one.candidate, one.value, one.error, None) for one in rows if one.what == MEASURED
    )
    return State(round=1, seed=round_seed(study.seed, 1), results=results)
