"""Verbs about whole runs: run, report, verify, and the demonstrations."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pajamo.api.studies import AnyStudy, Progress, any_study, silent
from pajamo.config import Study
from pajamo.config.assays import AssayStudy
from pajamo.data.public.catalogue import find
from pajamo.errors import StudyError, nearest

if TYPE_CHECKING:
    from pajamo.pipeline.assays.run_record import AssayRun
    from pajamo.pipeline.run_record import Run
    from pajamo.pipeline.search.search_record import SearchRun
    from pajamo.pipeline.transfer.record import TransferRun

DEMO_STUDIES = ("unseen-time.toml", "unseen-knockout.toml")
DEMOS = {
    "perturbation": DEMO_STUDIES,
    "cisreg": ("lac-promoter.toml",),
    "kinetics": ("cas9-rates.toml", "cas9-cells.toml"),
}
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
    from pajamo.data.run_folder import read_manifest
    from pajamo.pipeline.assays.kinds import is_assay_run, is_search
    from pajamo.pipeline.assays.run import render_assay_again
    from pajamo.pipeline.proteins.kind import FINE_TUNED, PROTEINS
    from pajamo.pipeline.run import render_again
    from pajamo.pipeline.search.run import render_search_again
    from pajamo.pipeline.transfer.record import is_transfer_run
    from pajamo.pipeline.transfer.run import render_transfer_again

    folder = Path(run_folder)
    kind = read_manifest(folder).get("kind")
    if kind == PROTEINS:
        from pajamo.pipeline.proteins.run import render_proteins_again

        return render_proteins_again(folder)
    if kind == FINE_TUNED:
        from pajamo.pipeline.proteins.fine_tuning.run import render_fine_tuned_again

        return render_fine_tuned_again(folder)
    if is_transfer_run(folder):
        return render_transfer_again(folder)
    if is_search(folder):
        return render_search_again(folder)
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
) -> list[Run | AssayRun | SearchRun | TransferRun]:
    """The main job on data that ships with pajamo.

    Parameters
    ----------
    which: "perturbation", two runs on a time course of knockouts in human iPSC; "cisreg", the binding energies of
        the lac promoter from 50,518 sorted variants; or "kinetics", on SIMULATED data, an R-loop from cleavage rates,
        a search over schemes, the transfer to sites in cells, and the scores of these sites.
    runs: folder in which runs are kept; scores are written there too.
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
    return [done for text in texts for done in _demonstrated(tomllib.loads(text), Path(runs), progress)]


def _demonstrated(
    study: dict[str, Any], runs: Path, progress: Progress | None
) -> Iterator[Run | AssayRun | SearchRun | TransferRun]:
    """What a study of a demonstration asks for: a transfer and its scores, or a run and the search that it names."""
    from pajamo.api.pairs import score
    from pajamo.api.searching import search_mechanisms
    from pajamo.api.transferring import transfer

    if "transfer" in study:
        done = transfer(study, runs=runs, progress=progress)
        yield done
        place = runs / "demo-scores.csv"
        made = score(done, find("cas9-simulated-cells").place(), output=place)
        (progress or silent)(f"scored {len(made):,} pairs: {place}")
        return
    yield run(study, runs=runs, progress=progress)
    if "search" in study:
        yield search_mechanisms(study, runs=runs, progress=progress)
