"""What is said of fine-tuning while it goes on, and of the model that came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pajamo.config.proteins.fine_tuning import FineTuningStudy, PropertyKind
from pajamo.evaluation.comparison import BEATS, LOSES, TIES
from pajamo.pipeline.once import Progress
from pajamo.pipeline.proteins.fine_tuning.judging import MODEL
from pajamo.pipeline.proteins.telling import EVERY, curve
from pajamo.training.trainer.report import StepReport, TrainingResult

KEPT_ASIDE: Final = "kept_aside"
"""Mean loss of validation, in the metrics of the training."""
UNITS: Final[dict[PropertyKind, str]] = {
    "regression": "half a squared spread",
    "classification": "nats a protein",
    "residues": "nats a residue",
}
"""Of the loss."""
WHAT: Final[dict[PropertyKind, str]] = {
    "regression": "the number",
    "classification": "the class",
    "residues": "the class of each residue",
}


def tell(study: FineTuningStudy, progress: Progress) -> Callable[[StepReport], None]:
    """Something to call after each step, which says now and then how far it is."""
    last = [-math.inf]
    steps, unit = study.training.steps, UNITS[study.data.kind]

    def on_step(report: StepReport) -> None:
        now = time.monotonic()
        if now - last[0] >= EVERY or report.step == steps:
            last[0] = now
            said = "" if report.applied else ", left out"
            progress(f"step {report.step:,} of {steps:,}, loss {report.loss:.4f} ({unit}){said}")

    return on_step


def verdict(scores: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, Any]:
    """What came of it, in one sentence, and the figures of which it speaks."""
    metric = scores["metric"].iloc[0]
    judged = scores[scores["metric"] == metric].set_index("model")
    own = judged.loc[MODEL]
    outcome = _outcome(own)
    told = (
        f"{about['how']}, a model of {_size(about['weights'])} weights tells {WHAT[about['property']]} "
        f"of {about['proteins']['test']:,} test proteins, {about['kept_apart']}, with {_named(metric)} of "
        f"{own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]"
    )
    return {
        "sentence": f"{told}{_relation(own, judged, outcome)}.",
        "metric": metric,
        "outcome": outcome,
        "baseline": str(own["baseline"]),
    }


def course(folder: Path, result: TrainingResult) -> pd.DataFrame:
    """Loss by step, and on validation whenever it was looked at: always after the last step."""
    table = curve(folder).drop(columns="validation", errors="ignore")
    looked = table.get(KEPT_ASIDE, pd.Series(dtype=float)).notna() & (table["step"] == result.steps)
    if looked.any():
        return table
    # A start that found all steps done looked at validation, and there was no step to note it with.
    last = pd.DataFrame([{"step": result.steps, **result.validation}])
    return pd.concat([table, last], ignore_index=True)


def _size(weights: int) -> str:
    return f"{weights / 1e6:.1f} million" if weights >= 1e5 else f"{weights:,}"


def _outcome(own: pd.Series) -> str:
    if not own["baseline"]:
        return "no baseline"
    if own["better_low"] > 0:
        return BEATS
    return LOSES if own["better_high"] < 0 else TIES


def _named(metric: str) -> str:
    article = "an" if metric[0].lower() == "a" else "a"
    return f"{article} {metric} correlation" if metric in ("Spearman", "Pearson") else f"{article} {metric}"


def _relation(own: pd.Series, judged: pd.DataFrame, outcome: str) -> str:
    if outcome == "no baseline":
        return ", which no baseline has a value to be compared with"
    best = f"the {judged.loc[own['baseline'], 'value']:.3f} of {own['baseline']}"
    return {
        BEATS: f", more than {best}",
        TIES: f", which does not beat the best baseline: it cannot be told from {best}",
        LOSES: f", which does not beat the best baseline: it is less than {best}",
    }[outcome]
