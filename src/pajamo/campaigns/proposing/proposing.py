"""The whole of a round: what is known, the batch, and the proposal that says so."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.learners.blockwise import one_thread
from pajamo.campaigns.predictive import ClassPredictive, Rows, ValuePredictive
from pajamo.campaigns.proposal import Choice, Proposal
from pajamo.campaigns.proposing.batches import ChosenBatch
from pajamo.campaigns.proposing.brought import NOTHING, Brought
from pajamo.campaigns.proposing.by_money import choose_by_money
from pajamo.campaigns.proposing.by_size import choose_by_size
from pajamo.campaigns.proposing.outlook import Outlook, look
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.state import State
from pajamo.config.campaigns.study import CampaignStudy
from pajamo.errors import StudyError

UNSIGNED = 0.0
"""Added to a figure, it takes the sign from a zero: the record does not keep it, and a replay would differ."""


def propose_batch(
    study: CampaignStudy, problem: Problem, state: State, brought: Brought = NOTHING
) -> Proposal:
    """Choose the next batch. It depends on the arguments alone, so that a round can be replayed.

    With one thread: how sums are split over threads decides their last bits.

    Raises
    ------
    StudyError: a budget that is spent or too small, constraints that exclude one another, unknown names.
    DataError: nothing left to choose from, or results of candidates that are not in the pool.
    ModelError: a model that does not give what the acquisition needs.
    """
    with one_thread():
        outlook = look(study, problem, state, brought)
        if study.batch.size is not None:
            batch = choose_by_size(outlook, study.batch.size)
        else:
            batch = choose_by_money(outlook, money_of_round(study, state))
        return _proposal(outlook, batch)


def money_of_round(study: CampaignStudy, state: State) -> float:
    """This round's part of the money that is left: as much as each of the rounds that are left.

    Raises
    ------
    StudyError: nothing is left.
    """
    assert study.batch.budget is not None
    left = study.batch.budget - state.spent
    if left <= 0:
        raise StudyError(
            f"the budget of {study.batch.budget:,.0f} is spent",
            where="batch.budget",
            why=f"{state.spent:,.0f} in {state.round - 1} rounds",
            fix="end the campaign here, or raise the budget",
        )
    return left / max(study.batch.rounds - state.round + 1, 1)


def _proposal(outlook: Outlook, batch: ChosenBatch) -> Proposal:
    study, names = outlook.study, outlook.problem.names
    total = UNSIGNED + float(np.nansum(batch.gains)) if np.isfinite(batch.gains).any() else float("nan")
    means, deviations = _expected(outlook, np.concatenate([batch.rows, batch.next_rows]))
    split = len(batch.rows)
    choices = tuple(
        Choice(
            candidate=names[row],
            gain=UNSIGNED + float(batch.gains[n]),
            score=UNSIGNED + float(batch.scores[n]),
            why=batch.why[n],
            cost=0.0 if batch.own is None else float(batch.own[n]),
            allocation={} if batch.allocations is None else batch.allocations[n],
            mean=means[n],
            deviation=deviations[n],
        )
        for n, row in enumerate(batch.rows.tolist())
    )
    runners_up = tuple(
        Choice(
            candidate=names[row],
            gain=UNSIGNED + float(batch.next_gains[n]),
            score=UNSIGNED + float(batch.next_scores[n]),
            why=batch.next_why[n],
            mean=means[split + n],
            deviation=deviations[split + n],
        )
        for n, row in enumerate(batch.next_rows.tolist())
    )
    return Proposal(
        choices=choices,
        runners_up=runners_up,
        unit=batch.unit,
        expected=total,
        at_random=batch.at_random,
        random_deviation=batch.random_deviation,
        cost=batch.cost,
        acquisition=study.acquisition.kind if batch.by == "default" else batch.by,
        model=outlook.model,
        fingerprint=outlook.fingerprint,
        data=outlook.problem.data,
        outputs=outlook.problem.outputs,
        controls=batch.controls,
        layout=batch.layout,
        notes=batch.notes,
    )


def _expected(outlook: Outlook, rows: Rows) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """Mean and standard deviation of each output, or the likeliest class; empty without a model."""
    predictive = outlook.situation.predictive
    if isinstance(predictive, ClassPredictive):
        return [(float(one),) for one in predictive.mean[rows].argmax(axis=1)], [()] * len(rows)
    if not isinstance(predictive, ValuePredictive):
        return [()] * len(rows), [()] * len(rows)
    mean, deviation = predictive.mean[rows], predictive.deviation[rows]
    return [tuple(map(float, one)) for one in mean], [tuple(map(float, one)) for one in deviation]
