"""From a study with a [search] table to a complete folder; whoever stops it finds it where it stood."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from pajamo.config.assays import AssayStudy, SearchSettings
from pajamo.data.atomic import write_text
from pajamo.data.run_folder import RunFolder, replace_in_run, verify_run
from pajamo.errors import ModelError, StudyError
from pajamo.pipeline.assays.kinds import SEARCH_KIND
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay
from pajamo.pipeline.assays.record import provenance
from pajamo.pipeline.assays.resolving import resolved_study, without_places
from pajamo.pipeline.identity import digest, named_by_hash
from pajamo.pipeline.once import Progress, once
from pajamo.pipeline.record import write_tables
from pajamo.pipeline.search.fitting import fitted
from pajamo.pipeline.search.scoring import scores, search_verdict
from pajamo.pipeline.search.tables import tables_of
from pajamo.pipeline.search.writing import write_about
from pajamo.reports.search.page import render_search
from pajamo.search.declaring import pam_of, space_of
from pajamo.search.executing import executor_of
from pajamo.search.loop import search
from pajamo.search.posterior import best
from pajamo.search.record import FILE, Record
from pajamo.search.rewarding import Task

REPORT: Final = "report.html"


def search_study(study: AssayStudy, runs: Path, progress: Progress = lambda _: None) -> Path:
    """Search as a study says, and return the complete folder.

    The same search goes on in the same unfinished folder, generation by generation and then fit by fit, whichever
    executor trained those before; a complete one is verified and returned.

    Raises
    ------
    StudyError: the study has no [search], or it cannot be.
    UserError: whatever is wrong with tables and split.
    StorageError: the disk is full; run again to go on.
    """
    settings = study.search
    if settings is None:
        raise StudyError(
            "the study says nothing of a search",
            where=study.name,
            fix="add a table [search], with `cycles` or with `choices` for a declared mechanism",
        )
    folder = RunFolder(runs / search_id(resolved_study(study)))
    return once(folder, lambda: _work(study, settings, folder, progress), progress)


def search_id(study: AssayStudy) -> str:
    """Name of the study and a hash; where candidates are trained does not count."""
    content = without_places(study)
    for key in ("executor", "workers"):
        del content["search"][key]
    tables = [digest(settings.path) for settings in study.experiments.values()]
    return named_by_hash(f"{study.name}-search", content, tables)


def _work(study: AssayStudy, settings: SearchSettings, folder: RunFolder, progress: Progress) -> None:
    began = time.perf_counter()
    loaded = load_assay(study)
    task = _task(loaded, settings)
    with executor_of(settings) as executor:
        evaluations = search(task, Record(folder.work / FILE), executor, progress)
    chosen = best(evaluations, settings.members)
    if not chosen:
        raise ModelError("no hypothesis could be trained", where="search", fix="look for extreme values")
    models = fitted([task.space.settings(one.candidate) for one in chosen], loaded, folder.work, progress)
    table = scores(models, loaded)
    write_tables(
        folder.work,
        tables_of(task.space, evaluations, chosen, pam_of(loaded.study), settings.generation)
        | {"scores": table},
    )
    made = provenance(loaded, time.perf_counter() - began)
    verdict = search_verdict(models, loaded, task.space, evaluations, table)
    write_about(loaded, task.space.settings(chosen[0].candidate), verdict, made, folder.work)
    write_text(folder.work / REPORT, render_search(folder.work))
    folder.finish({"kind": SEARCH_KIND, "study": study.name, **made})


def _task(loaded: LoadedAssay, settings: SearchSettings) -> Task:
    space = space_of(loaded.study, settings, loaded.assay.length)
    training = loaded.assay.part("training")
    if not sum(experiment.n for experiment in training.experiments):
        raise ModelError("there is nothing to learn from", where="training set", why="it has no rows")
    return Task(loaded.study, space, training, settings)


def render_search_again(folder: Path) -> Path:
    """Render the report of a complete search from its tables.

    Raises
    ------
    IntegrityError: the folder is not complete, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_search(folder))
    return folder / REPORT
