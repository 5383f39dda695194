"""From a protein study to a complete folder: read, divide, train, judge, report; whoever stops it goes on there."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import torch

from pajamo.config.proteins import ProteinStudy
from pajamo.data.atomic import write_json, write_text
from pajamo.data.mapped.manifest import NAME as MANIFEST
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.run_folder import RunFolder, replace_in_run, verify_run
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import save_language_model
from pajamo.pipeline.identity import digest, named_by_hash, versions
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.judging import MODEL, perplexity_table, variant_table
from pajamo.pipeline.proteins.kind import PROTEINS
from pajamo.pipeline.proteins.loading import LoadedProteins, load_proteins
from pajamo.pipeline.proteins.looking import Looking
from pajamo.pipeline.proteins.telling import curve, sentence, tell
from pajamo.pipeline.record import write_tables
from pajamo.pipeline.toml_text import to_toml
from pajamo.reports.proteins.page import render_proteins
from pajamo.training.engine.processes import Processes, processes
from pajamo.training.engine.restoring import whole
from pajamo.training.proteins.language import LanguageTask
from pajamo.training.trainer.loop import train
from pajamo.training.trainer.report import TrainingResult

REPORT: Final = "report.html"
FOLDER: Final = "model"
CHECKPOINTS: Final = "training"
FREE: Final = ("device", "minutes", "keep", "save_every", "sharding", "recompute", "compile")
"""Settings of training that may differ between the machines on which a run goes on: they change no result."""


def train_study(
    study: ProteinStudy, runs: Path, progress: Progress = lambda _: None
) -> Path | TrainingResult:
    """Train as a study says, and return the complete folder, or how training stopped before its end.

    The same study goes on in the same unfinished folder, whatever processes and machines it is started on; a complete
    one is verified and returned. Under torchrun every process calls this.

    Raises
    ------
    StudyError, DataError, SplitError: whatever is wrong with the study, sequences or variants.
    ModelError: see `pajamo.training.trainer.loop.train`.
    StorageError: the disk is full; run again to go on.
    """
    with processes(study.training.device) as group:
        folder = RunFolder(runs / group.told(run_id(study) if group.first else ""))
        if group.told(folder.complete):
            if group.first:
                progress(f"this run is complete; {verify_run(folder.path)} files verified")
            return folder.path
        if not group.first:
            return _work(study, runs, folder, group, lambda _: None)
        with folder.writing():
            return _work(study, runs, folder, group, progress)


def run_id(study: ProteinStudy) -> str:
    """Name of the study and a hash of what it says and of the bytes that it names."""
    content = study.model_dump(mode="json")
    for place in ("path", "clusters"):
        del content["data"][place]
    for setting in FREE:
        del content["training"][setting]
    for one in content["variants"].values():
        del one["path"], one["wild_type"]
    data = study.data
    whole_corpus = (data.path / MANIFEST).is_file()
    named = [
        ProteinCorpus.open(data.path).digest if whole_corpus else digest(data.path),
        digest(data.clusters),
    ]
    for one in study.variants.values():
        named += [digest(one.path), digest(one.wild_type)]
    return named_by_hash(study.name, content, named)


def _work(
    study: ProteinStudy, runs: Path, folder: RunFolder, group: Processes, progress: Progress
) -> Path | TrainingResult:
    began = time.perf_counter()
    if group.first:
        load_proteins(study, runs, progress)
    group.wait()
    loaded = load_proteins(study, runs, progress)
    result = _trained(loaded, folder, group, progress)
    if result.stopped != "finished":
        return result
    if group.first:
        _finish(loaded, result, folder, group, progress, began)
    group.wait()
    return folder.path


def _trained(
    loaded: LoadedProteins, folder: RunFolder, group: Processes, progress: Progress
) -> TrainingResult:
    with torch.device("meta"):
        model = ProteinLanguageModel(loaded.study.model)
    stream = loaded.training()
    cut = stream.cropped()
    if cut:
        progress(
            f"{cut:,} proteins are longer than {loaded.study.data.longest} tokens: a random stretch of each is seen"
        )
    return train(
        LanguageTask(model, stream, filled=loaded.study.training.compile),
        loaded.study.training,
        folder.work / CHECKPOINTS,
        seed=loaded.study.seed,
        on_step=tell(loaded.study.training, progress),
        validate=Looking(model, loaded, group.device),
        among=group,
    )


def _finish(
    loaded: LoadedProteins,
    result: TrainingResult,
    folder: RunFolder,
    group: Processes,
    progress: Progress,
    began: float,
) -> None:
    model = read_checkpoint(loaded.study, result.checkpoint)
    save_language_model(model, folder.work / FOLDER)
    model.to(group.device)
    tables = {
        "perplexity": perplexity_table(model, loaded, progress),
        "variants": variant_table(model, loaded, progress),
        "course": curve(folder.work / CHECKPOINTS),
    }
    write_tables(folder.work, tables)
    made = _made_of(loaded, result, time.perf_counter() - began)
    about = {
        "kind": PROTEINS,
        "title": loaded.study.name,
        "model": MODEL,
        "family": loaded.study.model.family,
        "shape": list(loaded.study.model.shape),
        "weights": sum(weight.numel() for weight in model.parameters()),
        "proteins": loaded.split.counts(),
        "corpus": loaded.corpus.facts,
        "cropped": loaded.training().cropped(),
        "split": loaded.split.made,
        "leaks": loaded.split.leaks,
        "training": {"steps": result.steps, "updates": result.updates, "returns": result.returns},
        "provenance": made,
    }
    write_json(folder.work / "about.json", about)
    write_json(folder.work / "verdict.json", {"sentence": sentence(tables["perplexity"], about)})
    write_text(folder.work / "study.toml", to_toml(loaded.study.model_dump(mode="json")) + "\n")
    write_text(folder.work / REPORT, render_proteins(folder.work))
    folder.finish({"kind": PROTEINS, "study": loaded.study.name, **made})


def read_checkpoint(study: ProteinStudy, checkpoint: Path) -> ProteinLanguageModel:
    """The model of a checkpoint, whole, whatever processes wrote it.

    Raises
    ------
    IntegrityError: the checkpoint is damaged.
    """
    with torch.device("meta"):
        model = ProteinLanguageModel(study.model)
    weights, _ = whole(checkpoint)
    model.load_state_dict(weights, strict=True, assign=True)
    return model.requires_grad_(True).eval()


def _made_of(loaded: LoadedProteins, result: TrainingResult, seconds: float) -> dict[str, str]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(loaded.study.seed),
        "corpus": loaded.corpus.digest,
        "split": loaded.split.hash,
        "order of data": result.order,
        "seconds of this start": f"{seconds:.1f}",
        **versions(),
    }


def render_proteins_again(folder: Path) -> Path:
    """Render the report of a complete run from its files.

    Raises
    ------
    IntegrityError: the folder is not complete, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_proteins(folder))
    return folder / REPORT
