"""The whole pipeline on an assay: a study becomes a run folder that is complete, checksummed and can be verified."""

from __future__ import annotations

import time
from pathlib import Path

from pajamo.config.assays import AssayStudy
from pajamo.data.atomic import write_text
from pajamo.data.run_folder import RunFolder, replace_in_run, verify_run
from pajamo.pipeline.assays.explaining import write_explanations
from pajamo.pipeline.assays.fitting import fit_models
from pajamo.pipeline.assays.judging import AssayFindings
from pajamo.pipeline.assays.kinds import RUN_KIND
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay
from pajamo.pipeline.assays.planning import planned
from pajamo.pipeline.assays.record import provenance, write_about, write_findings
from pajamo.pipeline.assays.resolving import assay_run_id, resolved_study
from pajamo.pipeline.once import Progress, once
from pajamo.reports.assays import render_assay_report

REPORT = "report.html"


def run_assay_study(study: AssayStudy, runs: Path, progress: Progress = lambda _: None) -> Path:
    """Do everything that a study of an assay asks for and return the complete run's folder.

    The folder's name holds a hash of the study, the tables and the version: the same study goes on in the same
    unfinished folder, fit by fit, and a complete run is verified and returned as it is.

    Raises
    ------
    UserError: whatever is wrong with the study, the tables or the split.
    StorageError: the disk is full; run again to go on.
    """
    planned(study)  # a name used twice is better found before tables are read
    folder = RunFolder(runs / assay_run_id(resolved_study(study)))
    return once(folder, lambda: _work(study, folder, progress), progress)


def _work(study: AssayStudy, folder: RunFolder, progress: Progress) -> None:
    began = time.perf_counter()
    loaded = load_assay(study)
    progress(size_of(loaded))
    plan = planned(loaded.study)
    findings = AssayFindings(loaded, fit_models(plan, loaded, folder, progress))
    progress("scoring")
    write_findings(findings, folder.work)
    write_explanations(findings, folder, progress)
    made = provenance(loaded, time.perf_counter() - began)
    write_about(findings, made, folder.work)
    write_text(folder.work / REPORT, render_assay_report(folder.work))
    folder.finish({"kind": RUN_KIND, "study": study.name, **made})


def size_of(loaded: LoadedAssay) -> str:
    """What was read, in one line an experiment."""
    lines, what = [], "positions" if loaded.pairs else "letters"
    for experiment in loaded.assay.experiments:
        sets = [
            f"{row['rows']:,} {row['set']}" for row in loaded.counts() if row["experiment"] == experiment.name
        ]
        lines.append(
            f"{experiment.name}: {experiment.n:,} rows of {experiment.codes.shape[1]} {what} ({', '.join(sets)})"
        )
    return "\n".join(lines)


def render_assay_again(folder: Path) -> Path:
    """Render the report of a complete run on an assay from its tables.

    Raises
    ------
    IntegrityError: the folder is not a complete run, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_assay_report(folder))
    return folder / REPORT
