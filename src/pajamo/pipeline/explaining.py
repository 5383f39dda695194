"""Explain a fitted model, in memory, in its file, or in the folder of a run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pajamo.errors import ModelError, nearest
from pajamo.explanations.explanation import Explanation
from pajamo.explanations.general import card_part, weights_part
from pajamo.explanations.registry import explain_model
from pajamo.models.base import Model
from pajamo.models.registry import models
from pajamo.pipeline.record import WEIGHTS
from pajamo.pipeline.run_record import Run
from pajamo.training.saved import load_model


def explain_target(target: str | Path | Model | Run, name: str | None, output: Path | None) -> Explanation:
    """What a model found; of a run, of its best model, or of another one whose weights it kept."""
    made = _explained(target, name)
    if output is not None:
        made.write(output)
    return made


def _explained(target: str | Path | Model | Run, name: str | None) -> Explanation:
    if isinstance(target, Run):
        return _of_run(target, name)
    if not isinstance(target, Model) and Path(target).is_dir():
        return _of_run(Run(Path(target)), name)
    model = target if isinstance(target, Model) else load_model(target)
    if name is not None and name != model.card.name:
        raise ModelError(
            f"this is a fitted {model.card.name}, not {name!r}",
            fix="leave the name out, or give the folder of a run that holds several models",
        )
    return explain_model(model)


def _of_run(run: Run, name: str | None) -> Explanation:
    run.verify()
    if (run.path / "model.safetensors").is_file():
        best = run.model()
        if name is None or name == best.card.name:
            return explain_model(best)
    kept = {file.name.removesuffix(".csv.gz"): file for file in (run.path / WEIGHTS).glob("*.csv.gz")}
    if name is None or name not in kept:
        raise ModelError(
            f"this run keeps no fitted {name or 'model'}",
            where=str(run.path),
            why="a run keeps the best model, and the weights of the best baseline",
            fix=f"{nearest(name or '', kept)}it has: {', '.join(sorted(kept)) or 'none'}; or fit the model by "
            "itself with `pajamo fit` and explain its file",
        )
    card = models()[name].card
    weights = pd.read_csv(kept[name], keep_default_na=False, na_values=[""])
    return Explanation(name, card.title, (card_part(card), weights_part(weights)))
