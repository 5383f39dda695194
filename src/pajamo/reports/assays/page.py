"""The page of a run on an assay: verdict, convergence, parameters, mechanism, fit, uncertainty, data, record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pajamo.data.atomic import write_text
from pajamo.data.run_folder import MANIFEST, replace_in_run, verify_run
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.lead import lead
from pajamo.reports.assays.sections import (
    comparison,
    convergence,
    footprints,
    intrinsic,
    matrices,
    mechanism,
    models,
    parameters,
    prediction,
    record,
    uncertainty,
)
from pajamo.reports.blocks import Section
from pajamo.reports.page import render_page
from pajamo.reports.pairs.costs import costs
from pajamo.reports.pairs.new_guides import new_guides
from pajamo.reports.pairs.sections import (
    control,
    identifiability,
    landscape,
    mutagenesis,
    rates,
    windows,
)

REPORT: Final = "report.html"
SECTIONS: Final[tuple[Callable[[AssayRun], Section | None], ...]] = (
    models.information,
    intrinsic.intrinsic,
    convergence.fits,
    parameters.parameters,
    mechanism.mechanism,
    mechanism.states,
    rates,
    landscape,
    control,
    costs,
    mutagenesis,
    identifiability,
    windows,
    matrices.matrices,
    matrices.pairs,
    prediction.prediction,
    prediction.instrument,
    comparison.comparison,
    new_guides,
    uncertainty.profiles,
    uncertainty.sloppy,
    footprints.footprints,
    footprints.shifts,
    record.data,
    models.cards,
    models.refused,
    record.provenance,
    record.notes,
)
"""In the order of the page."""


def render_assay_report(folder: Path) -> str:
    """One self-contained HTML page; equal files give equal bytes.

    Raises
    ------
    IntegrityError: a file that every run has is missing or cannot be read.
    """
    run = AssayRun(folder)
    made = [build(run) for build in SECTIONS]
    return render_page(
        str(run.about["title"]), lead(run), [section for section in made if section is not None]
    )


def assay_report(folder: Path) -> Path:
    """Render the page of a run into its folder, whether the run is complete or still being written.

    Raises
    ------
    IntegrityError: the folder is no run on an assay, or it was altered.
    """
    if not (folder / MANIFEST).is_file():
        write_text(folder / REPORT, render_assay_report(folder))
        return folder / REPORT
    verify_run(folder)
    replace_in_run(folder, REPORT, render_assay_report(folder))
    return folder / REPORT
