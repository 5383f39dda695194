"""Verbs about what to measure next: propose a batch, and keep a campaign on record."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pajamo.api.screens import as_file
from pajamo.api.studies import Progress, silent
from pajamo.config.campaigns.study import CampaignStudy

if TYPE_CHECKING:
    import anndata
    import pandas as pd

    from pajamo.campaigns.acquisition.base import Acquisition
    from pajamo.campaigns.learners.base import Learner
    from pajamo.campaigns.proposal import Proposal
    from pajamo.campaigns.records import Campaign, Received, RoundRecord

AnyCampaignStudy = str | Path | dict[str, Any] | CampaignStudy


def propose(
    source: str | Path | dict[str, Any] | anndata.AnnData | CampaignStudy,
    *,
    goal: str | None = None,
    budget: float | None = None,
    rounds: int | None = None,
    size: int | None = None,
    seed: int | None = None,
    learner: Learner | None = None,
    acquisition: Acquisition | None = None,
    progress: Progress | None = None,
    **columns: Any,
) -> Proposal:
    """What to measure next, how, for how much, and why.

    Parameters
    ----------
    source: a screen (h5ad file or AnnData in memory), or the study of a campaign (file or dictionary).
    goal: "model" (predict every candidate), "hits" (candidates beyond a threshold), "optimum" (the best one), or
        "mechanism" (of a screen, how effects of single perturbations combine; of an assay, energies or rates of its
        run's mechanism). "model" for a screen if not given.
    budget: money for all rounds together.
    rounds: that the budget is for.
    size: instead of a budget: candidates in the batch.
    seed: of everything random.
    learner: a model of your own in place of the study's (`pajamo.campaigns.learners`: any scikit-learn estimator,
        torch module, GPyTorch process or function).
    acquisition: in place of the study's, where the batch has a size (`pajamo.campaigns.acquisition`).
    progress: called with a line of text now and then.
    columns: of a screen: keys of [data] in a study (perturbation, control, layer, batch, ...), `readout`, `against`,
        `candidates`.

    Returns
    -------
    The batch, the runners-up, the expected gain beside that of random batches for the same money, and the cost.

    Raises
    ------
    StudyError: unknown or impossible settings; a budget below one batch; constraints that exclude one another.
    DataError: a screen or table that cannot be used, or nothing left to choose from.
    ModelError: no model that gives a distribution.
    """
    from pajamo.campaigns.proposing.brought import Brought
    from pajamo.campaigns.proposing.declare import changed, study_of_screen
    from pajamo.campaigns.proposing.once import propose_once

    asked = {"goal": goal, "budget": budget, "rounds": rounds, "size": size, "seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        if _is_screen(source):
            path = as_file(source, Path(folder))
            study = study_of_screen(path, columns, asked)
        else:
            study = changed(_study(source), {**asked, **columns})
        return propose_once(study, progress or silent, Brought(learner, acquisition))


def new_campaign(study: AnyCampaignStudy, path: str | Path) -> Campaign:
    """Begin a campaign: one file that holds its study, rounds, proposals, results and costs.

    Parameters
    ----------
    study: a study file, or the same as a dictionary.
    path: of the new file (SQLite); it must not exist.

    Raises
    ------
    StudyError: unknown or impossible settings; there is such a file already.
    DataError: candidates or results that cannot be used.
    """
    from pajamo.campaigns.proposing.kept import begin

    return begin(_study(study), Path(path))


def propose_round(
    campaign: str | Path | Campaign,
    *,
    learner: Learner | None = None,
    acquisition: Acquisition | None = None,
    progress: Progress | None = None,
) -> RoundRecord:
    """Choose the next batch of a campaign and put it on record.

    Parameters
    ----------
    campaign: the file.
    learner, acquisition: of your own in place of the study's, as in `propose`; a replay needs them again.
    progress: called with a line of text now and then.

    Raises
    ------
    StudyError: no such campaign, another process proposed meanwhile, or the budget is spent.
    DataError: the candidates have changed since the campaign began, or none is left.
    """
    from pajamo.campaigns.proposing.brought import Brought
    from pajamo.campaigns.proposing.kept import next_round

    return next_round(_campaign(campaign), progress or silent, Brought(learner, acquisition))


def record_results(campaign: str | Path | Campaign, results: str | Path | pd.DataFrame) -> Received:
    """Put results on record as they arrive: partly, out of order, failed ones too.

    Parameters
    ----------
    campaign: the file.
    results: a table (file or DataFrame): columns `candidate`, one an output, and if there are any `error OUTPUT`,
        `replicate`, `round`, `status`; or the h5ad file of a further screen of the same kind.

    Raises
    ------
    DataError: unknown candidates, results that disagree, values that are no numbers; nothing is recorded then.
    """
    from pajamo.campaigns.proposing.kept import receive_results

    return receive_results(_campaign(campaign), results)


def campaign_status(campaign: str | Path | Campaign) -> dict[str, Any]:
    """Rounds, what is awaited, failed and spent, and how good predictions turned out to be.

    Raises
    ------
    StudyError: no such campaign.
    """
    from pajamo.campaigns.proposing.status import status_of

    return status_of(_campaign(campaign))


def replay_round(
    campaign: str | Path | Campaign,
    number: int,
    *,
    learner: Learner | None = None,
    acquisition: Acquisition | None = None,
) -> list[str]:
    """Choose the batch of a round again from what was known then, and compare it to the last bit.

    Parameters
    ----------
    campaign: the file.
    number: of the round.
    learner, acquisition: those that the round was proposed with, where they were your own.

    Returns
    -------
    What differs, in words; empty if nothing does.

    Raises
    ------
    StudyError: no such campaign or round.
    """
    from pajamo.campaigns.proposing.brought import Brought
    from pajamo.campaigns.proposing.kept import replay

    return replay(_campaign(campaign), number, Brought(learner, acquisition))


def report_campaign(campaign: str | Path | Campaign, output: str | Path | None = None) -> Path:
    """Write one self-contained page about a campaign; by default beside its file.

    Raises
    ------
    StudyError: no such campaign.
    StorageError: the disk refuses.
    """
    from pajamo.data.atomic import write_text
    from pajamo.reports.campaigns.page import render_campaign

    opened = _campaign(campaign)
    path = Path(output) if output is not None else opened.path.with_suffix(".html")
    write_text(path, render_campaign(opened))
    return path


def simulate_campaigns(
    tasks: Sequence[str],
    strategies: Sequence[str],
    seeds: int | Iterable[int],
    out: str | Path,
    *,
    data: str | Path | None = None,
    workers: int = 1,
    where: Literal["here", "processes", "ray"] | None = None,
    progress: Progress | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Run strategies on tasks whose answers are known, each behind an oracle that counts every look.

    Parameters
    ----------
    tasks: names (`pajamo.campaigns.benchmark.tasks.registry.names`).
    strategies: acquisitions, with settings as in "upper-confidence-bound:kappa=1"; random should be among them.
    seeds: how many, from 0 on, or which ones. A seed is the same split and start for every strategy.
    out: folder of the records, one folder a task. The same call goes on where it was broken off.
    data: folder with the tables of tasks that no package ships.
    workers, where: processes, in this one, in a pool, or on a Ray cluster; the same bits everywhere.
    progress: called with a line after each run.

    Returns
    -------
    Records of all runs by task: learning curves on labels and money, calibration, looks, seconds.

    Raises
    ------
    StudyError: an unknown task, strategy or setting.
    ModelError: a strategy that does not go with what a task records.
    DataError: tables that are missing.
    """
    from pajamo.campaigns.benchmark.simulate import simulate
    from pajamo.campaigns.benchmark.strategies import strategies as made
    from pajamo.campaigns.benchmark.tasks.registry import task

    numbers = range(seeds) if isinstance(seeds, int) else list(seeds)
    found = {}
    for name in tasks:
        one = task(name, data)
        folder = Path(out) / name
        found[name] = simulate(
            [one], made(strategies, one), numbers, folder, workers=workers, where=where, progress=progress
        )
    return found


def _campaign(campaign: str | Path | Campaign) -> Campaign:
    from pajamo.campaigns.records import Campaign

    return campaign if isinstance(campaign, Campaign) else Campaign.open(campaign)


def _study(study: AnyCampaignStudy) -> CampaignStudy:
    from pajamo.config.campaigns.study import parse_campaign_study, read_campaign_study

    if isinstance(study, CampaignStudy):
        return study
    return parse_campaign_study(dict(study)) if isinstance(study, Mapping) else read_campaign_study(study)


def _is_screen(source: object) -> bool:
    if isinstance(source, str | Path):
        return Path(source).suffix != ".toml"
    return not isinstance(source, Mapping | CampaignStudy)
