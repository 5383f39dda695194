"""Candidates that are sequences: what they would narrow is a number of a mechanism that was fitted to an assay."""

from __future__ import annotations

import hashlib

import numpy as np

from pajamo.campaigns.learners.mechanism.learner import MechanismLearner
from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.campaigns.proposing.assay_runs import FittedRun, read_fitted_run
from pajamo.campaigns.proposing.problem import Problem
from pajamo.campaigns.proposing.tables import require_columns, unique_names
from pajamo.config.assays import BarcodeSettings, BinsSettings, ExperimentSettings
from pajamo.config.campaigns.study import AssaySource, CampaignStudy
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.tables import read_table
from pajamo.errors import DataError, ModelError, nearest
from pajamo.explanations.designs.recording import conditions_of


def problem_of_assay(study: CampaignStudy, source: AssaySource) -> Problem:
    """The pool of sequences, and the mechanism that learns from them.

    Raises
    ------
    DataError: a run that is not of an assay, missing columns, sequences of other letters or another length.
    ModelError: the run has no such model or experiment, or a concentration has no number.
    StudyError: a parameter that the mechanism does not have.
    """
    run = read_fitted_run(source.run, source.model)
    plan = plan_of(run, source)
    names, codes = _candidates(run, source)
    learner = MechanismLearner(run.model, run.assay, plan, codes, source.parameters)
    return Problem(
        names=names,
        features=np.arange(len(names), dtype=float)[:, None],
        outputs=plan.outputs,
        data=_hash(names, codes, run),
        known=None if study.results is None else read_table(study.results.path),
        noise=None if plan.error is None else np.array([plan.error**2]),
        repeats="too" if source.repeats else "no",
        learner=learner,
        notes=(_said(plan, run),),
    )


def plan_of(run: FittedRun, source: AssaySource) -> Plan:
    """How candidates are measured: as in the run, unless the study says otherwise.

    Raises
    ------
    ModelError: the model has no such experiment, or a concentration has no number.
    DataError: guide-target pairs, which are no sequences.
    """
    if isinstance(run.assay.alphabet, PairAlphabet):
        raise DataError(
            "this run is on guide-target pairs, and candidates are sequences",
            where=str(source.run),
            fix="give a run on promoters, proteins or other sequences",
        )
    known = list(run.model.experiments)
    name = known[0] if source.experiment is None else source.experiment
    if name not in known:
        raise ModelError(
            f"{run.model.name} has no experiment {name!r}",
            where="candidates.experiment",
            fix=f"{nearest(name, known)}it has: {', '.join(known)}",
        )
    settings = run.model.experiments[name]
    experiment = run.assay.experiment(name).part("training")
    reads = _usual_reads(settings, experiment) if source.reads is None else source.reads
    error = _usual_error(experiment) if source.error is None else source.error
    plan = Plan(name, settings, reads, error, dict(source.inputs))
    conditions_of(run.model, name, 1, plan.inputs)
    return plan


def _usual_reads(settings: ExperimentSettings, experiment: Experiment) -> float:
    """Mean reads of a sequence in the run: in the library and all bins, or DNA; 1 where no reads are counted."""
    recorded = experiment.recorded
    if isinstance(settings.measurement, BinsSettings):
        total = recorded["counts"].sum() + recorded.get("library", np.zeros(1)).sum()
        return float(total / max(experiment.n, 1))
    if isinstance(settings.measurement, BarcodeSettings):
        return float(recorded["dna"].mean())
    return 1.0


def _usual_error(experiment: Experiment) -> float | None:
    """The typical standard error in the run, where errors were recorded."""
    errors = experiment.recorded.get("error")
    return None if errors is None else float(np.sqrt(np.mean(errors**2)))


def _candidates(run: FittedRun, source: AssaySource) -> tuple[tuple[str, ...], Codes]:
    table, where = read_table(source.candidates, text=("candidate", "sequence")), str(source.candidates)
    require_columns(table, ["candidate", "sequence"], where)
    names = unique_names(table["candidate"], where)
    letters = table["sequence"].astype(str).str.strip().str.upper().tolist()
    frame = run.model.frame
    assert frame is not None
    for row, (name, sequence) in enumerate(zip(names, letters, strict=True)):
        if len(sequence) > frame.length or (len(sequence) < frame.length and not frame.varies):
            raise DataError(
                f"candidate {name!r} has {len(sequence)} letters, the assay's sequences {frame.length}",
                where=f"{where}, row {row + 1}",
                why="what a position means is known for that length only",
                fix="give the same stretch of the construct as in the assay",
            )
    return names, frame.padded(letters, where)


def _hash(names: tuple[str, ...], codes: Codes, run: FittedRun) -> str:
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(np.ascontiguousarray(codes).tobytes())
    digest.update(run.identity.encode())
    return digest.hexdigest()


def _said(plan: Plan, run: FittedRun) -> str:
    rows = run.assay.experiment(plan.experiment).part("training").n
    size = "" if plan.settings.measurement.kind == "continuous" else f", {plan.reads:.3g} reads each"
    return (
        f"candidates are measured as in experiment {plan.experiment}{size}; {run.model.name} has learned from "
        f"{rows:,} sequences there"
    )
