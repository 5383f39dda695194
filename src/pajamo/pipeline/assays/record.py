"""The files of a run on an assay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.config.assays import PAIRS
from pajamo.data.assays.assay import SETS, Assay
from pajamo.data.atomic import write_json, write_text
from pajamo.evaluation.assays.units import guides_of
from pajamo.pipeline.assays.explaining import mechanisms, not_refitted
from pajamo.pipeline.assays.fitting import Fitted
from pajamo.pipeline.assays.judging import AssayFindings
from pajamo.pipeline.assays.kinds import RUN_KIND
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.resolving import to_be_written
from pajamo.pipeline.assays.run_record import PREDICTIONS
from pajamo.pipeline.identity import named_by_hash, versions
from pajamo.pipeline.record import ABOUT, write_table, write_tables
from pajamo.pipeline.toml_text import to_toml


def write_findings(findings: AssayFindings, folder: Path) -> None:
    """Write scores, fits, predictions and the verdict."""
    write_tables(
        folder,
        {
            "summary": findings.summary,
            "intrinsic": findings.intrinsic,
            "fits": fit_table(findings.usable),
            "split_counts": pd.DataFrame(findings.loaded.counts()),
        },
    )
    for model in findings.usable:
        write_table(folder / PREDICTIONS / f"{model.name}.csv.gz", findings.predictions(model.name))
    lines = [json.dumps(line) for model in findings.fitted for line in _log_lines(model)]
    write_text(folder / "metrics.jsonl", "\n".join(lines) + "\n")
    shown = {key: _plain(value) for key, value in asdict(findings.verdict).items()}
    write_json(folder / "verdict.json", shown)


def fit_table(fitted: Iterable[Fitted]) -> pd.DataFrame:
    """How each fit went: one row a fit."""
    rows = [
        {
            "model": model.name,
            "kind": model.planned.kind,
            "fit": key,
            "parameters": parameter_count(model, key),
            "converged": "unknown" if np.isnan(report.gap) else "yes" if report.converged else "no",
            "gap": report.gap,
            "objective": report.objective,
            "steps": report.steps,
            "starts": len(report.starts),
            "best_start": min(report.starts, default=np.nan),
            "worst_start": max(report.starts, default=np.nan),
            "cpu_seconds": round(report.cpu_seconds, 2),
            "verdict": report.verdict,
        }
        for model in fitted
        for key, report in model.reports.items()
    ]
    return pd.DataFrame(rows)


def parameter_count(model: Fitted, key: str) -> int:
    """Numbers that a fit sets, those of the measurement included."""
    return sum(values.numel() for values in model.models[key].assembly.parameters())


def provenance(loaded: LoadedAssay, seconds: float) -> dict[str, str]:
    """When, on which bytes, with which versions and seed a run was made."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(loaded.study.seed),
        **{f"{name} sha256": digest for name, digest in loaded.digests.items()},
        "split": split_hash(loaded),
        "seconds": f"{seconds:.1f}",
        **versions(),
    }


def split_hash(loaded: LoadedAssay) -> str:
    """A hash of which row is in which set."""
    return named_by_hash("split", [[e.name, e.set_of.tolist()] for e in loaded.assay.experiments])


def write_about(findings: AssayFindings, made: Mapping[str, str], folder: Path) -> None:
    """Write what the report says besides tables, and the study as resolved."""
    loaded = findings.loaded
    about = {
        "kind": RUN_KIND,
        "title": loaded.study.name,
        **_what_was_read(loaded),
        "level": loaded.study.uncertainty.level,
        "scored_set": loaded.scored_set,
        "models": [_about_model(model) for model in findings.fitted],
        "experiments": [_about_experiment(loaded, name) for name in loaded.study.experiments],
        "refusals": {model.name: model.refusal for model in findings.fitted if model.refusal},
        "provenance": dict(made),
        "notes": [*loaded.notes, *_notes(findings)],
    }
    write_json(folder / ABOUT, about)
    write_text(folder / "study.toml", to_toml(to_be_written(loaded.study, loaded.asked)) + "\n")


def _what_was_read(loaded: LoadedAssay) -> dict[str, Any]:
    """Letters and wild type of sequences; of pairs how many guides there are in each set."""
    assay = loaded.assay
    if not loaded.pairs:
        return {
            "alphabet": assay.alphabet.letters,
            "wild_type": assay.alphabet.decode(assay.wild_type[None])[0],
            "wild_type_given": loaded.study.wild_type is not None,
        }
    guides = {name: _guides(assay.part(name)) for name in SETS}
    return {"alphabet": PAIRS, "wild_type": "", "guides": guides}


def _guides(part: Assay) -> int:
    """How many guides the pairs of all experiments have."""
    different = {
        guide.tobytes() for e in part.experiments for guide in guides_of(e.codes, part.alphabet.missing)
    }
    return len(different)


def _about_model(model: Fitted) -> dict[str, Any]:
    planned = model.planned
    return {
        "name": planned.name,
        "kind": planned.kind,
        "title": planned.title,
        "reference": planned.reference,
        "limits": planned.limits,
        "files": [f"models/{key}.safetensors" for key in model.models],
        "verdicts": [report.verdict for report in model.reports.values()],
    }


def _about_experiment(loaded: LoadedAssay, name: str) -> dict[str, Any]:
    asked = loaded.asked.experiments[name]
    experiment = loaded.assay.experiment(name)
    return {
        "name": name,
        "source": asked.dataset or (asked.path.name if asked.path else ""),
        "licence": _licence(asked.dataset),
        "measurement": asked.measurement.kind,
        "rows": experiment.n,
        "sha256": loaded.digests[name],
    }


def _licence(dataset: str | None) -> str:
    if dataset is None:
        return ""
    from pajamo.data.public.catalogue import find

    return find(dataset).licence


def _notes(findings: AssayFindings) -> list[str]:
    """What a reader must know to judge the figures."""
    loaded, notes = findings.loaded, []
    if loaded.scored_set == "training":
        notes.append(
            "Nothing was held out: the figures are those of the fit itself and show no generalisation."
        )
    elif loaded.scored_set == "validation":
        notes.append(
            "There is no test set: the models are judged on the validation set, which chose their starts."
        )
    if len(loaded.study.experiments) > 1:
        notes.append(
            "Maps without a mechanism are fitted to each experiment on its own; a mechanism to all of them jointly."
        )
    unmade = {name: not_refitted(model, loaded) for name, model in mechanisms(findings)}
    notes += [f"{name}: {reason}" for name, reason in unmade.items() if reason]
    notes += [
        f"{model.name}: {frame}" for model in findings.usable for frame in model.frames.values() if frame
    ]
    notes += [
        f"{model.name}: {report.verdict}"
        for model in findings.usable
        for report in model.reports.values()
        if not report.converged and not np.isnan(report.gap)
    ]
    return notes


def _log_lines(model: Fitted) -> list[dict[str, Any]]:
    if model.refusal:
        return [{"model": model.name, "refusal": model.refusal}]
    return [
        {
            "model": model.name,
            "fit": key,
            "objective": report.objective,
            "cpu_seconds": round(report.cpu_seconds, 3),
            "starts": list(report.starts),
            "history": list(report.history),
        }
        for key, report in model.reports.items()
    ]


def _plain(value: Any) -> Any:
    """JSON knows no figure that is not one."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
