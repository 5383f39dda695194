"""Mechanisms as they were fitted in vitro, from which the networks start."""

from __future__ import annotations

import json
from pathlib import Path

from pajamo.config.assays import LatentSettings, MechanismSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.atomic import sha256, write_json
from pajamo.data.run_folder import RunFolder
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.once import Progress
from pajamo.pipeline.transfer.loading import LoadedTransfer
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.saved import load_assay_model, save_assay_model

MODELS = "models"


def starting_models(loaded: LoadedTransfer, folder: RunFolder, progress: Progress) -> dict[str, AssayModel]:
    """A fitted model for each mechanism that has one: from its file, or fitted to the study's rates.

    Raises
    ------
    IntegrityError: a file that the study names holds no model of an assay.
    StudyError, ModelError: a mechanism cannot be built or fitted.
    """
    found = {}
    for name in loaded.settings.mechanisms or tuple(loaded.study.mechanisms):
        if name in loaded.settings.start:
            found[name] = load_assay_model(loaded.settings.start[name])
        elif loaded.rates is not None and _can_start(loaded.study.mechanisms.get(name)):
            found[name] = _fitted(name, loaded, folder, progress)
    return found


def _can_start(mechanism: MechanismSettings | None) -> bool:
    """Whether it is declared, and has rates: a map without a mechanism has none."""
    return mechanism is not None and not isinstance(mechanism, LatentSettings)


def _fitted(name: str, loaded: LoadedTransfer, folder: RunFolder, progress: Progress) -> AssayModel:
    """Fitted now, or by an earlier call that was stopped afterwards."""
    assert loaded.rates is not None
    file, done = folder.work / MODELS / f"{name}.safetensors", folder.step(f"starts/{name}.json")
    if not _done(file, done):
        progress(f"{name}: fitting it to the rates")
        model, assay = fit_start(name, loaded)
        file.parent.mkdir(exist_ok=True)
        save_assay_model(model, assay, file)
        done.parent.mkdir(exist_ok=True)
        write_json(done, {"model sha256": sha256(file)})
    # Read back also when it was fitted just now: going on gives the same bits as never having stopped.
    return load_assay_model(file)


def fit_start(name: str, loaded: LoadedTransfer) -> tuple[AssayModel, Assay]:
    """A mechanism fitted to the rates of guides that are not tested, and what it was fitted to."""
    assert loaded.rates is not None
    own = loaded.rates.study.experiments
    experiments = {
        key: settings.model_copy(update={"path": Path(settings.path.name) if settings.path else None})
        for key, settings in own.items()
    }
    model = AssayModel(name, loaded.study.mechanisms[name], experiments, seed=loaded.study.seed)
    models = loaded.study.models
    fit_assay(model, loaded.rates.assay, starts=models.starts, steps=models.steps)
    return model, loaded.rates.assay


def _done(file: Path, done: Path) -> bool:
    try:
        return bool(json.loads(done.read_text(encoding="utf-8"))["model sha256"] == sha256(file))
    except (OSError, ValueError, KeyError):
        return False
