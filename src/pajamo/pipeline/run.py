"""The whole pipeline: a study becomes a run folder that is complete, checksummed and can be verified."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from pajamo.config import Study
from pajamo.data.atomic import replace_file, write_text
from pajamo.data.checks import check_screen
from pajamo.data.public.datasets import resolve
from pajamo.data.run_folder import RunFolder, replace_in_run, verify_run
from pajamo.data.splits import Split, check_cells, check_leaks, make_split
from pajamo.pipeline.embeddings import compared_embeddings, coverage
from pajamo.pipeline.findings import Findings
from pajamo.pipeline.identity import run_id, versions
from pajamo.pipeline.ladder import FoldWork, climb_fold, final_model, ladder_names
from pajamo.pipeline.loading import Loaded, load
from pajamo.pipeline.once import Progress, once
from pajamo.pipeline.record import TIMELINE, WEIGHTS, read_content, write_about, write_table, write_tables
from pajamo.pipeline.time_course import time_course
from pajamo.pipeline.toml_text import to_toml
from pajamo.pipeline.variants import Variant
from pajamo.protocols.drawing import arms_of, to_svg
from pajamo.reports import render_report
from pajamo.training.saved import save_model

REPORT = "report.html"


def run_study(study: Study, runs: Path, progress: Progress = lambda _: None) -> Path:
    """Do everything that a study asks for and return the complete run's folder.

    The folder's name holds a hash of the study, the data and the version: the same study goes on in
    the same unfinished folder, and a complete run is verified and returned as it is.

    Raises
    ------
    UserError: whatever is wrong with the study, the data or the split.
    StorageError: the disk is full; run again to go on.
    """
    ladder_names(study)  # a misspelt name is better found before the screen is read
    folder = RunFolder(runs / run_id(study, resolve(study.data)))
    return once(folder, lambda: _work(study, folder, progress), progress)


def _work(study: Study, folder: RunFolder, progress: Progress) -> None:
    began = time.perf_counter()
    loaded = load(study)
    checks = check_screen(loaded.data).to_frame()
    progress(_size(loaded))
    split = make_split(study.split, loaded.bulk, study.seed)
    check_leaks(split)
    check_cells(split, loaded.screen)
    split.save(folder.work / "split.json")
    progress(split.counts().to_string(index=False))
    findings = climb_folds(loaded, split, folder, progress)
    progress("summarising")
    _write_findings(findings, checks, folder.work)
    _write_models(findings, folder.work)
    provenance = _provenance(loaded, split, time.perf_counter() - began)
    _write_about(findings, provenance, folder.work)
    write_text(folder.work / REPORT, render_report(read_content(folder.work)))
    folder.finish({"study": study.name, **provenance})


def render_again(folder: Path) -> Path:
    """Render the report of a complete run from its tables.

    Raises
    ------
    IntegrityError: the folder is not a complete run, or it was altered.
    """
    verify_run(folder)
    replace_in_run(folder, REPORT, render_report(read_content(folder)))
    return folder / REPORT


def climb_folds(loaded: Loaded, split: Split, folder: RunFolder, progress: Progress) -> Findings:
    """Fit the ladder on every fold, from step files where they are there."""
    names = ladder_names(loaded.study)
    works = tuple(FoldWork(loaded, fold, number) for number, fold in enumerate(split.folds))
    progress(f"{len(names)} models on {len(works)} folds")
    rungs = [rung for work in works for rung in climb_fold(work, names, folder, progress)]
    return Findings(loaded, split, works, tuple(rungs), tuple(work.ceiling() for work in works))


def _size(loaded: Loaded) -> str:
    screen = loaded.screen
    simulated = " (simulated)" if screen.simulated else ""
    return (
        f"{screen.name}{simulated}: {screen.n_cells:,} cells, {len(screen.genes):,} genes, "
        f"{len(loaded.perturbed):,} perturbed conditions"
    )


def _write_findings(findings: Findings, checks: pd.DataFrame, folder: Path) -> None:
    write_tables(
        folder,
        {
            "summary": findings.summary.table,
            "scores": findings.scores,
            "split_counts": findings.split.counts(),
            "checks": checks,
            "categories": findings.categories(),
            "strata": findings.strata(),
            "six": findings.six(),
            "interactions": findings.interactions(),
            "examples": findings.examples(),
            "time_course": time_course(findings),
            "calibration": findings.calibration(),
            "embeddings": coverage(findings.loaded),
            "ablation": compared_embeddings(findings),
            "timings": findings.timings,
        },
    )
    for model in dict.fromkeys(rung.model for rung in findings.rungs if not rung.refusal):
        _write_predictions(findings, model, folder / "predictions" / f"{model}.h5ad")
    lines = [json.dumps(_log_line(rung)) for rung in findings.rungs]
    write_text(folder / "metrics.jsonl", "\n".join(lines) + "\n")


def _log_line(rung: Any) -> dict[str, Any]:
    line = {
        "fold": rung.fold,
        "model": rung.model,
        "refusal": rung.refusal,
        "seconds": round(rung.seconds, 3),
    }
    if rung.scores is None:
        return line
    means = rung.scores.groupby("metric", sort=False)["value"].mean()
    return line | {name: None if value != value else float(value) for name, value in means.items()}


def _write_predictions(findings: Findings, model: str, path: Path) -> None:
    parts = []
    for work, prediction in findings.predictions(model):
        part = prediction.to_anndata()
        part.obs["fold"] = work.fold.name
        part.obs_names = [f"{work.fold.name}: {name}" for name in part.obs_names]
        parts.append(part)
    whole = anndata.concat(parts, merge="same")
    whole.uns["pajamo"] = parts[0].uns["pajamo"]
    replace_file(path, lambda temporary: whole.write_h5ad(temporary, compression="gzip"))


def _write_models(findings: Findings, folder: Path) -> None:
    """The best model and the best baseline fitted on every condition: weights of both, the model itself."""
    names = dict.fromkeys(name for name in (findings.verdict.model, findings.verdict.baseline) if name)
    for name in names:
        model = final_model(findings.loaded, name)
        weights = model.weights()
        if not weights.empty:
            write_table(folder / WEIGHTS / f"{name}.csv.gz", weights)
        if name == findings.verdict.model:
            save_model(model, folder / "model.safetensors")
            card = {
                "card": vars(model.card) | {"assumes": sorted(model.card.assumes)},
                "settings": model.settings.model_dump(mode="json"),
                "seed": model.seed,
                "embedding": Variant.named(name).embedding,
            }
            write_text(folder / "model.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def _provenance(loaded: Loaded, split: Split, seconds: float) -> dict[str, str]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(loaded.study.seed),
        "data sha256": loaded.data_hash,
        "split sha256": split.hash,
        "seconds": f"{seconds:.1f}",
        **versions(),
    }


def _write_about(findings: Findings, provenance: Mapping[str, str], folder: Path) -> None:
    loaded, study = findings.loaded, findings.loaded.study
    about = {
        "title": study.name,
        "metric": study.evaluation.metric,
        "split": f"{findings.split.title}; folds: {len(findings.split.folds)}",
        "level": study.evaluation.level,
        "unit": loaded.training_set(loaded.perturbed[:1]).unit,
        "baselines": list(findings.summary.baselines),
        "models": list(dict.fromkeys(rung.model for rung in findings.rungs)),
        "refusals": findings.refusals,
        "provenance": dict(provenance),
        "notes": _notes(findings),
        "data": _data_facts(loaded),
    }
    write_about(folder, about, to_toml(_resolved(loaded)), findings.verdict)
    if loaded.protocol is not None:
        write_text(folder / TIMELINE, to_svg(arms_of(loaded.protocol, loaded.screen.conditions)))


def _resolved(loaded: Loaded) -> dict[str, Any]:
    """The study with every default and the data set's own columns written out."""
    columns = loaded.data.model_dump(mode="json")
    named = loaded.study.data.dataset
    source = {"dataset": named, "path": None} if named else {}
    return loaded.study.model_dump(mode="json") | {"data": columns | source}


def _notes(findings: Findings) -> list[str]:
    loaded = findings.loaded
    controls = (
        "Predictor and truth share one sample of control cells, which inflates correlations."
        if loaded.shared_control
        else "Control cells are divided at random: one half for the predictor, the other for the truth."
    )
    missing = loaded.study.evaluation.distributions and not loaded.halves
    large = ["The screen is too large to hold its cells: distributions were not compared."] if missing else []
    return [controls, *large, *_notes_on_counts(findings), *loaded.screen.notes, *findings.split.notes]


def _notes_on_counts(findings: Findings) -> list[str]:
    """Folds whose held-out conditions are not, or not all, scored on counts, and why."""
    panels = {work.fold.name: work.truth.panel for work in findings.works}
    weak = [name for name, panel in panels.items() if panel is not None and panel.underpowered]
    fewer = [
        f"{len(panel.conditions)} of {len(work.fold.test)} in fold {work.fold.name}"
        for work in findings.works
        if (panel := work.truth.panel) is not None and len(panel.conditions) < len(work.fold.test)
    ]
    refused = (
        f"No error on counts, and no mean of six, in folds {', '.join(weak)}: the held-out conditions change "
        "no more than noise does, so that an error has no effect to be a share of."
    )
    partly = f"Scored on counts, for lack of cells or to bound the time: {', '.join(fewer)}."
    return [*([refused] if weak else []), *([partly] if fewer else [])]


def _data_facts(loaded: Loaded) -> dict[str, Any]:
    screen = loaded.screen
    orders = pd.Series([condition.order for condition in loaded.perturbed]).value_counts().sort_index()
    controls = [i for i, condition in enumerate(screen.conditions) if condition.is_control]
    batches = sorted(map(str, screen.cells["batch"].unique())) if "batch" in screen.cells else []
    return {
        "name": loaded.study.data.dataset or screen.name,
        "cells": screen.n_cells,
        "genes": len(screen.genes),
        "control_cells": int(pd.Series(screen.condition_of).isin(controls).sum()),
        "conditions": {str(order): int(n) for order, n in orders.items()},
        "batches": batches,
        "contexts": sorted({c.context for c in screen.conditions if c.context}),
        "times": sorted({c.time for c in screen.conditions if c.time}),
        "hash": loaded.data_hash,
        "simulated": screen.simulated,
        **_origin(loaded.study),
    }


def _origin(study: Study) -> dict[str, str]:
    if study.data.dataset is None:
        return {"source": str(study.data.path.name if study.data.path else ""), "licence": ""}
    from pajamo.data.public.catalogue import find

    entry = find(study.data.dataset)
    return {"source": entry.reference, "licence": entry.licence}
