"""The facts that a run of fine-tuning keeps of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pajamo.config.proteins.fine_tuning import FineTuningStudy
from pajamo.models.proteins.property import PropertyModel
from pajamo.pipeline.identity import digest, versions
from pajamo.pipeline.proteins.fine_tuning.sets import LabelledSets
from pajamo.pipeline.proteins.fine_tuning.telling import UNITS
from pajamo.pipeline.proteins.kind import FINE_TUNED
from pajamo.pipeline.proteins.models import weights_digest
from pajamo.training.trainer.report import TrainingResult


def about(
    sets: LabelledSets, result: TrainingResult, model: PropertyModel, made: dict[str, str]
) -> dict[str, Any]:
    """Property, sizes, sets, what they share, and provenance, as JSON values.

    Parameters
    ----------
    model: as it was trained, with low-rank additions.
    made: see `made_of`.
    """
    study, proteins = sets.study, sets.proteins
    families = sets.units == "families"
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return {
        "kind": FINE_TUNED,
        "title": study.name,
        "property": proteins.kind,
        "label": study.data.label,
        "classes": list(proteins.classes),
        "how": _how(study),
        "kept_apart": "of families that it never learned from"
        if families
        else "none of which it learned from",
        "unit": UNITS[proteins.kind],
        "weights": sum(size for size, _ in sizes),
        "learned": sum(size for size, learned in sizes if learned),
        "proteins": sets.split.counts(),
        "split": sets.split.made,
        "resampled": sets.units,
        "leaks": sets.split.leaks,
        "repeated": sets.repeated,
        "training": {"steps": result.steps, "updates": result.updates, "returns": result.returns},
        "provenance": made,
    }


def _how(study: FineTuningStudy) -> str:
    if study.lora is None:
        return "Fine-tuned in all weights"
    return f"Fine-tuned by additions of rank {study.lora.rank}"


def made_of(sets: LabelledSets, result: TrainingResult, seconds: float) -> dict[str, str]:
    """What the run's figures hang on: seed, model, labels, split, order of data, versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(sets.study.seed),
        "base model": weights_digest(sets.study.model)[:16],
        "labels": digest(sets.study.data.path)[:16],
        "split": sets.split.hash,
        "order of data": result.order,
        "seconds of this start": f"{seconds:.1f}",
        **versions(),
    }
