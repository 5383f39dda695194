"""Fitting each model of a run; every fit is a step that is kept, so that a run that was stopped goes on after it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pajamo.data.atomic import sha256, write_json
from pajamo.data.run_folder import RunFolder
from pajamo.errors import ModelError, StudyError
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.framing import framed
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.planning import Fit, Planned, objection
from pajamo.pipeline.once import Progress
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.refit import refit_assay
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
    chosen: of fits that then learned from the validation rows too: the models as validation chose them, by key.
    """

    planned: Planned
    models: Mapping[str, AssayModel]
    reports: Mapping[str, FitReport]
    frames: Mapping[str, str]
    refusal: str = ""
    chosen: Mapping[str, AssayModel] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the model."""
        return self.planned.name

    @property
    def converged(self) -> bool:
        """Whether every fit that can tell reached its optimum."""
        return all(report.converged or np.isnan(report.gap) for report in self.reports.values())

    def models_for(self, set_name: str) -> Mapping[str, AssayModel]:
        """The models that may be scored on a set: on validation rows, those that had not yet learned from them."""
        return {**self.models, **self.chosen} if set_name == "validation" else self.models


def fit_models(
    plan: tuple[Planned, ...], loaded: LoadedAssay, folder: RunFolder, progress: Progress
) -> tuple[Fitted, ...]:
    """Fit every model that applies, from its file where it was fitted before.

    Raises
    ------
    StudyError, DataError, ModelError: a declared mechanism cannot be built or fitted; or `refit` without a test set.
    """
    _require_test_set(loaded)
    # A mechanism that contradicts itself is better found before hours of other fits.
    objections = {model.name: objection(model, loaded) for model in plan}
    return tuple(
        _refused(model, objections[model.name], progress)
        if objections[model.name]
        else _fitted(model, loaded, folder, Paced(f"{number}/{len(plan)} {model.name}", progress))
        for number, model in enumerate(plan, start=1)
    )


def _require_test_set(loaded: LoadedAssay) -> None:
    if loaded.study.models.refit and loaded.scored_set != "test":
        raise StudyError(
            "refitted models have nothing left to be judged on",
            where="models.refit",
            why="they learn from the validation rows too, and there are no test rows",
            fix="leave `refit` out, or give a split or `holdout` with a test set",
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
    models, reports, frames, chosen = {}, {}, {}, {}
    try:
        for fit in model.fits:
            models[fit.key], reports[fit.key], frames[fit.key] = fit_once(fit, loaded, folder, progress)
            if reports[fit.key].refitted:
                chosen[fit.key] = load_assay_model(_chosen_file(fit, folder))
    except ModelError as error:
        if model.kind == "comparison":
            return _refused(model, f"{error.what}: {error.why}".removesuffix(": "), progress.progress)
        raise
    return Fitted(model, models, reports, frames, chosen=chosen)


def fit_once(
    fit: Fit, loaded: LoadedAssay, folder: RunFolder, progress: Paced
) -> tuple[AssayModel, FitReport, str]:
    """A fit, or what an earlier one left in the folder if that is whole."""
    file, done = folder.work / MODELS / f"{fit.key}.safetensors", folder.step(f"{FITS}/{fit.key}.json")
    known = _known(done, file)
    if known is None:
        assay, before = fit.of(loaded.assay), _chosen_file(fit, folder)
        model, report, frame = fit_fresh(
            fit, loaded, progress, lambda own: save_assay_model(own, assay, before)
        )
        known = report, frame
        save_assay_model(model, assay, file)
        write_json(done, {"model sha256": sha256(file), "report": _plain(asdict(report)), "frame": frame})
        progress.tell(f"{report.verdict}, {report.cpu_seconds:.1f} CPU-s")
    # Read back also when it was fitted just now: going on gives the same bits as never having stopped.
    report, frame = known
    return load_assay_model(file), report, frame


def _chosen_file(fit: Fit, folder: RunFolder) -> Path:
    return folder.step(f"{FITS}/{fit.key}.chosen.safetensors")


def fit_fresh(
    fit: Fit, loaded: LoadedAssay, progress: Progress, keep: Callable[[AssayModel], None] = lambda _: None
) -> tuple[AssayModel, FitReport, str]:
    """Fit from random starts; returns also which of the equivalent frames was chosen for a mechanism, and why.

    Where the study asks for a refit, `keep` is shown the model before it learns from the validation rows too.
    """
    settings, assay = loaded.study.models, fit.of(loaded.assay)
    model = fit.model(loaded.study.seed)
    report = fit_assay(model, assay, starts=settings.starts, steps=settings.steps, progress=progress)
    if settings.refit:
        keep(model)
        report = refit_assay(model, assay, report, steps=settings.steps, progress=progress)
    return framed(model, assay, report)


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
