"""Fitted models on disk: one safetensors file that also carries the model's names and settings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pajamo._version import __version__
from pajamo.data.conditions import Condition
from pajamo.errors import IntegrityError, ModelError
from pajamo.models.base import Model, Reference
from pajamo.models.registry import create
from pajamo.training.assays.saved import KIND as ASSAY_MODEL
from pajamo.training.checkpoints import read_state, write_state
from pajamo.training.transfer.saved import KIND as TRANSFER

FORMAT = 1


def save_model(model: Model, path: Path) -> None:
    """Write a fitted model atomically.

    Raises
    ------
    ModelError: the model is not fitted.
    StorageError: the disk refuses; an earlier file at `path` still stands.
    """
    reference = model.reference
    if reference is None:
        raise ModelError(f"{model.card.name} is not fitted", fix="fit it before saving it")
    arrays = {f"model.{name}": array for name, array in model.state().items()}
    arrays |= {
        "reference.control": reference.control,
        "reference.control_variance": reference.control_variance,
    }
    facts = {
        "format": FORMAT,
        "pajamo": __version__,
        "model": model.card.name,
        "settings": model.settings.model_dump(mode="json"),
        "seed": model.seed,
        "genes": list(map(str, reference.genes)),
        "settings_measured": [list(setting) for setting in reference.settings],
        "seen": [[list(c.genes), c.context, c.time] for c in sorted(reference.seen)],
        "unit": reference.unit,
        "facts": model.facts(),
    }
    write_state(path, arrays, facts)


def load_model(path: str | Path) -> Model:
    """Read a fitted model.

    Raises
    ------
    IntegrityError: the file is missing, damaged, a model of an assay, or of a newer version of pajamo.
    """
    arrays, facts = read_state(Path(path))
    if facts.get("kind") == ASSAY_MODEL:
        raise IntegrityError(
            "the file holds a model of sequences, not of perturbations",
            where=str(path),
            fix="read it with load_assay_model of pajamo.training.assays.saved, or use pajamo.predict_sequences",
        )
    if facts.get("kind") == TRANSFER:
        raise IntegrityError(
            "the file holds an ensemble for guide-target pairs, not a model of perturbations",
            where=str(path),
            fix="read it with load_transfer of pajamo.training.transfer.saved, or use pajamo.score",
        )
    if facts.get("format") != FORMAT:
        raise IntegrityError(
            f"the model file has format {facts.get('format')}, this version reads format {FORMAT}",
            where=str(path),
            fix=f"it was written by pajamo {facts.get('pajamo')}; install that version or a newer one",
        )
    model = create(facts["model"], facts["settings"], seed=facts["seed"])
    model.reference = Reference(
        pd.Index(facts["genes"]),
        tuple((str(context), float(time)) for context, time in facts["settings_measured"]),
        arrays["reference.control"],
        arrays["reference.control_variance"],
        frozenset(Condition(tuple(genes), context, time) for genes, context, time in facts["seen"]),
        facts["unit"],
    )
    own = {name.removeprefix("model."): a for name, a in arrays.items() if name.startswith("model.")}
    model.restore(own, facts["facts"])
    return model
