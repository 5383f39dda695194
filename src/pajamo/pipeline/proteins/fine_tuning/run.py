"""From a study of labels to a complete folder: read, divide, fine-tune, judge, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pajamo.config.proteins.fine_tuning import FineTuningStudy
from pajamo.data.atomic import write_json, write_text
from pajamo.data.run_folder import STEPS, RunFolder, replace_in_run, verify_run
from pajamo.models.proteins.lora import adapt
from pajamo.models.proteins.property import PropertyModel
from pajamo.pipeline.identity import digest, named_by_hash
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.fine_tuning.about import about, made_of
from pajamo.pipeline.proteins.fine_tuning.judging import judged
from pajamo.pipeline.proteins.fine_tuning.saving import FineTuned, save_fine_tuned
from pajamo.pipeline.proteins.fine_tuning.sets import LabelledSets, load_sets
from pajamo.pipeline.proteins.fine_tuning.telling import KEPT_ASIDE, course, tell, verdict
from pajamo.pipeline.proteins.kind import FINE_TUNED
from pajamo.pipeline.proteins.models import open_model, weights_digest
from pajamo.pipeline.proteins.run import CHECKPOINTS, FREE, REPORT
from pajamo.pipeline.record import write_tables
from pajamo.pipeline.toml_text import to_toml
from pajamo.reports.proteins.fine_tuned import render_fine_tuned
from pajamo.training.engine.processes import Processes, processes
from pajamo.training.engine.restoring import whole
from pajamo.training.proteins.property import PropertyTask, sought_in
from pajamo.training.trainer.loop import train
from pajamo.training.trainer.report import TrainingResult
from pajamo.training.trainer.validation import Trained


def fine_tune_study(
    study: FineTuningStudy, runs: Path, progress: Progress = lambda _: None
) -> Path | TrainingResult:
    """Fine-tune as a study says, and return the complete folder, or how training stopped before its end.

    The same study goes on in the same unfinished folder; a complete one is verified and returned. Under torchrun
    every process calls this.

    Raises
    ------
    StudyError, DataError, SplitError: whatever is wrong with the study or the labels.
    ModelError, IntegrityError: no model to begin with, or a damaged one; see `pajamo.training.trainer.loop.train`.
    StorageError: the disk is full; run again to go on.
    """
    with processes(study.training.device) as group:
        folder = RunFolder(runs / group.told(run_id(study) if group.first else ""))
        if group.told(folder.complete):
            if group.first:
                progress(f"this run is complete; {verify_run(folder.path)} files verified")
            return folder.path
        if not group.first:
            return _work(study, folder, group, lambda _: None)
        with folder.writing():
            return _work(study, folder, group, progress)


def run_id(study: FineTuningStudy) -> str:
    """Name of the study and a hash of what it says and of the bytes that it names."""
    content = study.model_dump(mode="json")
    del content["model"], content["data"]["path"], content["data"]["fasta"]
    for setting in FREE:
        del content["training"][setting]
    named = [digest(study.data.path), digest(study.data.fasta), weights_digest(study.model)]
    return named_by_hash(study.name, content, named)


def _work(
    study: FineTuningStudy, folder: RunFolder, group: Processes, progress: Progress
) -> Path | TrainingResult:
    began = time.perf_counter()
    steps = folder.work / STEPS
    made = load_sets(study, steps, progress) if group.first else None
    group.wait()
    sets = made or load_sets(study, steps, progress)
    result = _trained(sets, folder, group, progress)
    if result.stopped != "finished":
        return result
    if group.first:
        _finish(sets, result, folder, progress, began)
    group.wait()
    return folder.path


def first_model(sets: LabelledSets) -> PropertyModel:
    """The model that a study names, with a linear map and low-rank additions that have not learned yet."""
    study = sets.study
    encoder = open_model(study.model, "cpu").encoder
    if study.lora is not None:
        adapt(encoder, study.lora)
    model = PropertyModel(encoder, sought_in(sets.proteins, sets.split.training))
    model.initialise(study.seed)
    return model


def _trained(sets: LabelledSets, folder: RunFolder, group: Processes, progress: Progress) -> TrainingResult:
    training, seed = sets.study.training, sets.study.seed
    shown = {"seed": seed, "tokens": training.tokens}
    model, split = first_model(sets), sets.split
    looking = PropertyTask(model, sets.proteins, split.validation, packs=len(split.validation), **shown)
    plans, _ = looking.plan(looking.first())

    def validate(trained: Trained) -> dict[str, float]:
        loss, weight = trained.loss(plans)
        return {KEPT_ASIDE: loss / weight}

    return train(
        PropertyTask(model, sets.proteins, split.training, packs=training.packs, **shown),
        training,
        folder.work / CHECKPOINTS,
        seed=seed,
        on_step=tell(sets.study, progress),
        validate=validate,
        among=group,
    )


def _finish(
    sets: LabelledSets, result: TrainingResult, folder: RunFolder, progress: Progress, began: float
) -> None:
    study = sets.study
    learned = first_model(sets)
    weights, _ = whole(result.checkpoint)
    learned.load_state_dict(weights, strict=True)
    base = open_model(study.model, study.training.device)
    tuned = FineTuned(learned, study.data.label, study.data.longest)
    model = save_fine_tuned(tuned, open_model(study.model, "cpu"), folder.work)
    model = model.to(base.encoder.embedding.weight.device)
    tables = {
        **judged(model, base, sets, progress),
        "sets": sets.table(),
        "course": course(folder.work / CHECKPOINTS, result),
    }
    write_tables(folder.work, tables)
    made = made_of(sets, result, time.perf_counter() - began)
    told = about(sets, result, learned, made)
    write_json(folder.work / "about.json", told)
    write_json(folder.work / "verdict.json", verdict(tables["scores"], told))
    write_text(folder.work / "study.toml", to_toml(_said(study)) + "\n")
    write_text(folder.work / REPORT, render_fine_tuned(folder.work))
    folder.finish({"kind": FINE_TUNED, "study": study.name, **made})


def _said(study: FineTuningStudy) -> dict[str, Any]:
    """The study as a file says it: TOML cannot say None."""
    content = study.model_dump(mode="json")
    return content | ({"lora": False} if study.lora is None else {})


def render_fine_tuned_again(folder: Path) -> Path:
    """Render the report of a complete run from its files.

    Raises
    ------
    IntegrityError: the folder is not complete, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_fine_tuned(folder))
    return folder / REPORT
