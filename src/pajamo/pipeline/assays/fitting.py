"""Fitting each model of a run; every fit is a step that is kept, so that a run that was stopped goes on after it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pajamo.data.assays.assay import Assay
from pajamo.data.atomic import sha256, write_json
from pajamo.data.run_folder import RunFolder
from pajamo.errors import ModelError
from pajamo.evaluation.assays.rows import Measured, Said
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.framing import framed
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.planning import Fit, Planned, objection
from pajamo.pipeline.once import Progress
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.report import FitReport
from pajamo.training.assays.saved import load_assay_model, save_assay_model

MODELS = "models"
"""Folder of a run with its fitted models."""
FITS = "fits"
"""Folder among a run's steps that says which fits are done."""


SECONDS_BETWEEN_LINES = 2.0


@dataclass(frozen=True)
class Fitted:
    """One model of a run after its fits.

    Attributes
    ----------
    planned: what was asked for.
    models, reports: by the fits' keys; empty if the model does not apply.
    frames: which of the equivalent sets of energies was chosen and why, by key; "" for maps without a mechanism.
    refusal: why it does not; "" if it was fitted.
    """

    planned: Planned
    models: Mapping[str, AssayModel]
    reports: Mapping[str, FitReport]
    frames: Mapping[str, str]
    refusal: str = ""

    @property
    def name(self) -> str:
        """Of the model."""
        return self.planned.name

    @property
    def converged(self) -> bool:
        """Whether every fit that can tell reached its optimum."""
        return all(report.converged or np.isnan(report.gap) for report in self.reports.values())

    def says(self, assay: Assay, parts: Mapping[str, Measured]) -> dict[str, Said]:
        """What the model says of the rows of one set, by experiment."""
        set_name = next(iter(parts.values())).set_name
        return {name: self._says(assay, name, set_name) for name in parts}

    def _says(self, assay: Assay, experiment: str, set_name: str) -> Said:
        model = next(m for m in self.models.values() if experiment in m.experiments)
        rows = assay.experiment(experiment).part(set_name)
        predicted = model.predict(rows)
        activity, expected = (
            predicted[column].to_numpy(dtype=np.float64) for column in ("activity", "expected")
        )
        return Said(activity, expected, model.log_likelihood(rows))


def fit_models(
    plan: tuple[Planned, ...], loaded: LoadedAssay, folder: RunFolder, progress: Progress
) -> tuple[Fitted, ...]:
    """Fit every model that applies, from its file where it was fitted before.

    Raises
    ------
    StudyError, DataError, ModelError: a declared mechanism cannot be built or fitted.
    """
    # A mechanism that contradicts itself is better found before hours of other fits.
    objections = {model.name: objection(model, loaded) for model in plan}
    return tuple(
        _refused(model, objections[model.name], progress)
        if objections[model.name]
        else _fitted(model, loaded, folder, Paced(f"{number}/{len(plan)} {model.name}", progress))
        for number, model in enumerate(plan, start=1)
    )


def _refused(model: Planned, reason: str, progress: Progress) -> Fitted:
    progress(f"{model.name}: does not apply: {reason}")
    return Fitted(model, {}, {}, {}, reason)


class Paced:
    """Tells of work that goes on, but not more often than a person reads."""

    def __init__(self, label: str, progress: Progress) -> None:
        self.label, self.progress = label, progress
        self.told = time.monotonic()

    def __call__(self, text: str) -> None:
        """A line that may be left out."""
        if time.monotonic() - self.told > SECONDS_BETWEEN_LINES:
            self.tell(text)

    def tell(self, text: str) -> None:
        """A line that may not."""
        self.progress(f"{self.label}: {text}")
        self.told = time.monotonic()


def _fitted(model: Planned, loaded: LoadedAssay, folder: RunFolder, progress: Paced) -> Fitted:
    models, reports, frames = {}, {}, {}
    try:
        for fit in model.fits:
            models[fit.key], reports[fit.key], frames[fit.key] = fit_once(fit, loaded, folder, progress)
    except ModelError as error:
        if model.kind == "comparison":
            return _refused(model, f"{error.what}: {error.why}".removesuffix(": "), progress.progress)
        raise
    return Fitted(model, models, reports, frames)


def fit_once(
    fit: Fit, loaded: LoadedAssay, folder: RunFolder, progress: Paced
) -> tuple[AssayModel, FitReport, str]:
    """A fit, or what an earlier one left in the folder if that is whole."""
    file, done = folder.work / MODELS / f"{fit.key}.safetensors", folder.step(f"{FITS}/{fit.key}.json")
    known = _known(done, file)
    if known is None:
        model, report, frame = fit_fresh(fit, loaded, progress)
        known = report, frame
        save_assay_model(model, fit.of(loaded.assay), file)
        write_json(done, {"model sha256": sha256(file), "report": _plain(asdict(report)), "frame": frame})
        progress.tell(f"{report.verdict}, {report.cpu_seconds:.1f} CPU-s")
    # Read back also when it was fitted just now: going on gives the same bits as never having stopped.
    report, frame = known
    return load_assay_model(file), report, frame


def fit_fresh(fit: Fit, loaded: LoadedAssay, progress: Progress) -> tuple[AssayModel, FitReport, str]:
    """Fit from random starts; returns also which of the equivalent frames was chosen for a mechanism, and why."""
    settings = loaded.study.models
    model = fit.model(loaded.study.seed)
    report = fit_assay(
        model, fit.of(loaded.assay), starts=settings.starts, steps=settings.steps, progress=progress
    )
    return framed(model, fit.of(loaded.assay), report)


def _known(done: Path, file: Path) -> tuple[FitReport, str] | None:
    """Report and frame of a fit whose model is in the file as it was written; None if it must be done (again)."""
    try:
        found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        if found["model sha256"] != sha256(file):
            return None
        values = found["report"]
        tuples = {key: tuple(values[key]) for key in ("starts", "history")}
        gap = float("nan") if values["gap"] is None else values["gap"]
        return FitReport(**(values | tuples | {"gap": gap})), str(found["frame"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no figure that is not one."""
    return {
        key: None if isinstance(value, float) and np.isnan(value) else value for key, value in values.items()
    }
