"""Campaigns on record: begun from a study, proposed, recorded and replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pajamo.campaigns.proposal import Proposal
from pajamo.campaigns.proposing.brought import NOTHING, Brought
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.proposing import propose_batch
from pajamo.campaigns.proposing.screens import results_of_screen
from pajamo.campaigns.proposing.sources import problem_of
from pajamo.campaigns.records import Campaign, Received, RoundRecord
from pajamo.campaigns.state import State
from pajamo.config.campaigns.study import CampaignStudy, ScreenSource, parse_campaign_study
from pajamo.data.assays.tables import read_table
from pajamo.errors import DataError

Progress = Callable[[str], None]


def begin(study: CampaignStudy, path: Path) -> Campaign:
    """Make the file of a campaign, with what is known before its first round.

    Raises
    ------
    UserError: whatever is wrong with the study, its tables or its screen; there is such a file already.
    """
    problem = problem_of(study)
    return Campaign.create(
        path, study.model_dump(mode="json"), problem.names, problem.data, problem.outputs, problem.known
    )


def study_of(campaign: Campaign) -> CampaignStudy:
    """The study that a campaign was begun with.

    Raises
    ------
    StudyError: it was made by a version whose studies are different.
    """
    return parse_campaign_study(campaign.study, where=str(campaign.path))


def next_round(campaign: Campaign, progress: Progress, brought: Brought = NOTHING) -> RoundRecord:
    """Choose the next batch and put it on record.

    Raises
    ------
    UserError: see `propose_batch`; the candidates have changed since the campaign began.
    """
    return campaign.propose(_chooser(campaign, progress, brought))


def replay(campaign: Campaign, number: int, brought: Brought = NOTHING) -> list[str]:
    """What differs when the batch of a round is chosen again from what was known then.

    Raises
    ------
    StudyError: there is no such round.
    """
    return campaign.replay(number, _chooser(campaign, _silent, brought))


def receive_results(campaign: Campaign, results: str | Path | pd.DataFrame) -> Received:
    """Put a table of results on record, or the effects of a further screen.

    Raises
    ------
    DataError: see `Campaign.record`.
    """
    if isinstance(results, pd.DataFrame):
        return campaign.record(results)
    path = Path(results)
    if path.suffix == ".h5ad":
        study = study_of(campaign)
        if not isinstance(study.candidates, ScreenSource):
            raise DataError(
                "results are a screen, and the campaign's candidates are not",
                where=str(path),
                fix="give a table of results",
            )
        return campaign.record(results_of_screen(study.candidates, path), path.name)
    return campaign.record(read_table(path, text=("candidate", "replicate")), path.name)


def _silent(line: str) -> None:
    """Say nothing."""
    del line


def _chooser(campaign: Campaign, progress: Progress, brought: Brought) -> Callable[[State], Proposal]:
    study = study_of(campaign)
    progress("reading candidates")
    problem = problem_of(study)
    _unchanged(campaign, problem)

    def choose(state: State) -> Proposal:
        progress(f"{problem.size:,} candidates, {len(state.results):,} results; choosing round {state.round}")
        return propose_batch(study, problem, state, brought)

    return choose


def _unchanged(campaign: Campaign, problem: Problem) -> None:
    if problem.data != campaign.fact("data"):
        raise DataError(
            "the candidates or their features have changed since the campaign began",
            where=str(campaign.path),
            why="what was chosen so far could not be replayed, and names may mean something else",
            fix="put the old files back, or begin a new campaign with these and its results",
        )
