"""Verbs about whole runs: run, report, verify, and the demonstrations."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pajamo.api.studies import AnyStudy, Progress, any_study, silent
from pajamo.config import Study
from pajamo.config.assays import AssayStudy
from pajamo.errors import StudyError, nearest

if TYPE_CHECKING:
    from pajamo.pipeline.assays.run_record import AssayRun
    from pajamo.pipeline.run_record import Run

DEMO_STUDIES = ("unseen-time.toml", "unseen-knockout.toml")
DEMOS = {"perturbation": DEMO_STUDIES, "cisreg": ("lac-promoter.toml",)}
"""Demonstrations by name, each with its studies."""


@overload
def run(study: AssayStudy, *, runs: str | Path = ..., progress: Progress | None = ...) -> AssayRun: ...
@overload
def run(study: Study, *, runs: str | Path = ..., progress: Progress | None = ...) -> Run: ...
@overload
def run(
    study: str | Path | dict[str, Any], *, runs: str | Path = ..., progress: Progress | None = ...
) -> Run | AssayRun: ...
def run(
    study: AnyStudy | AssayStudy, *, runs: str | Path = "runs", progress: Progress | None = None
) -> Run | AssayRun:
    """Do everything that a study asks for: read, check, split, fit the ladder, evaluate, explain, report.

    An interrupted run goes on where it stopped when called again; a complete one is verified and returned.

    Parameters
    ----------
    study: a study file, or the same as a dictionary: of a screen (`data`) or of an assay (`experiments`).
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Raises
    ------
    UserError: whatever is wrong with the study, the data or the split.
    """
    asked = any_study(study)
    if isinstance(asked, AssayStudy):
        from pajamo.pipeline.assays.run import run_assay_study
        from pajamo.pipeline.assays.run_record import AssayRun

        return AssayRun(run_assay_study(asked, Path(runs), progress or silent))
    from pajamo.pipeline.run import run_study
    from pajamo.pipeline.run_record import Run

    return Run(run_study(asked, Path(runs), progress or silent))


def report(run_folder: str | Path) -> Path:
    """Render a run's report again from its tables and return the page's path.

    Raises
    ------
    IntegrityError: the folder is not a complete run, or it was altered.
    """
    from pajamo.pipeline.assays.kinds import is_assay_run
    from pajamo.pipeline.assays.run import render_assay_again
    from pajamo.pipeline.run import render_again

    folder = Path(run_folder)
    return render_assay_again(folder) if is_assay_run(folder) else render_again(folder)


def verify(run_folder: str | Path) -> int:
    """Check every file of a run against its manifest; returns how many were checked.

    Raises
    ------
    IntegrityError: files are altered, missing or were added; each is named.
    """
    from pajamo.data.run_folder import verify_run

    return verify_run(run_folder)


def demo(
    which: str = "perturbation", *, runs: str | Path = "runs", progress: Progress | None = None
) -> list[Run | AssayRun]:
    """The main job on real data that ships with pajamo.

    Parameters
    ----------
    which: "perturbation", two runs on a time course of knockouts in human iPSC; or "cisreg", the binding energies of
        the lac promoter from 50,518 sorted variants.
    runs: folder in which runs are kept.
    progress: called with a line of text now and then.

    Raises
    ------
    StudyError: there is no such demonstration.
    StorageError: the runs cannot be written.
    """
    if which not in DEMOS:
        raise StudyError(
            f"there is no demo {which!r}", fix=f"{nearest(which, DEMOS)}there are: {', '.join(DEMOS)}"
        )
    studies = resources.files("pajamo.pipeline").joinpath("demo")
    texts = [studies.joinpath(name).read_text(encoding="utf-8") for name in DEMOS[which]]
    return [run(tomllib.loads(text), runs=runs, progress=progress) for text in texts]
