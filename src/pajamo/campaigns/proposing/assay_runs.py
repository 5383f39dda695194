"""What a finished run of an assay's study left: its models, and the tables that they were fitted to."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pajamo.config.assays import parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.data.atomic import sha256
from pajamo.data.public.datasets import resolve_experiment
from pajamo.data.run_folder import read_manifest
from pajamo.errors import DataError, ModelError, nearest
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.saved import load_assay_model

KIND = "assay"
"""What the manifest of such a run says that it is."""


@dataclass(frozen=True)
class FittedRun:
    """A mechanism of a run, and what it was fitted to.

    Attributes
    ----------
    model: fitted.
    assay: the experiments that it was fitted to.
    identity: hash of the model's file.
    """

    model: AssayModel
    assay: Assay
    identity: str


def read_fitted_run(folder: Path, name: str | None) -> FittedRun:
    """A fitted model of a run, by default that of the verdict, and the assay as it was recorded.

    Raises
    ------
    DataError: a run on something else than an assay, or tables that have changed since.
    ModelError: the run has no such model.
    IntegrityError: there is no such run, or it is not finished.
    """
    if read_manifest(folder).get("kind") != KIND:
        raise DataError(
            "this run is not on an assay",
            where=str(folder),
            why="only sequences whose activity a mechanism describes can narrow its numbers",
            fix="give the folder of a run of an assay's study",
        )
    file = folder / _file_of(folder, name)
    model = load_assay_model(file)
    assay = _assay_of(folder)
    fitted = tuple(e for e in assay.experiments if e.name in model.experiments)
    return FittedRun(model, replace(assay, experiments=fitted), sha256(file))


def _file_of(folder: Path, name: str | None) -> str:
    about, verdict = _json(folder / "about.json"), _json(folder / "verdict.json")
    known = {each["name"]: each["files"] for each in about["models"] if each["files"]}
    chosen = str(verdict["model"]) if name is None else name
    if chosen not in known:
        raise ModelError(
            f"this run has no model {chosen!r}",
            where=str(folder),
            fix=f"{nearest(chosen, known)}it has: {', '.join(known)}",
        )
    if len(known[chosen]) > 1:
        raise ModelError(
            f"{chosen} was fitted to each experiment on its own",
            where=str(folder),
            fix="name a mechanism, which explains all experiments together: candidates.model",
        )
    return str(known[chosen][0])


def _assay_of(folder: Path) -> Assay:
    raw = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    study = parse_assay_study(raw, where=str(folder))
    experiments = {name: resolve_experiment(settings) for name, settings in study.experiments.items()}
    recorded = {each["name"]: each["sha256"] for each in _json(folder / "about.json")["experiments"]}
    for name, settings in experiments.items():
        if settings.path is None or not settings.path.is_file() or sha256(settings.path) != recorded[name]:
            raise DataError(
                f"the table of experiment {name!r} is not what the run was made with",
                where=str(settings.path),
                why="results are added to the measurements that the mechanism was fitted to",
                fix="put the table back, or run the study again",
            )
    return read_assay(study.model_copy(update={"experiments": experiments}))


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
