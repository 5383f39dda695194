"""Explain a fitted model, in memory, in its file, or in the folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd

from pajamo.data.run_folder import read_manifest
from pajamo.errors import ModelError, nearest
from pajamo.explanations.explanation import Explanation
from pajamo.explanations.general import card_part, weights_part
from pajamo.explanations.registry import explain_model
from pajamo.models.assays.model import AssayModel
from pajamo.models.base import Model
from pajamo.pipeline.assays.kinds import SEARCH_KIND, is_assay_model, is_assay_run
from pajamo.pipeline.assays.run_record import AssayRun
from pajamo.pipeline.assays.telling import explained
from pajamo.pipeline.record import WEIGHTS
from pajamo.pipeline.run_record import Run, RunRecord
from pajamo.pipeline.transfer.record import RUN_KIND as TRANSFER_KIND
from pajamo.pipeline.variants import Variant
from pajamo.training.saved import load_model

Target = str | Path | Model | AssayModel | Run | AssayRun


def explain_target(target: Target, name: str | None, output: Path | None) -> Explanation:
    """What a model found; of a run, of its best model, or of another one whose weights it kept."""
    made = explained(target, name) if _is_of_assay(target) else _explained(target, name)
    if output is not None:
        made.write(output)
    return made


def _is_of_assay(target: Target) -> TypeGuard[str | Path | AssayModel | AssayRun]:
    if not isinstance(target, str | Path):
        return isinstance(target, AssayModel | AssayRun)
    path = Path(target)
    return is_assay_run(path) if path.is_dir() else is_assay_model(path)


def _explained(target: Any, name: str | None) -> Explanation:
    if isinstance(target, Run):
        return _of_run(target, name)
    _refuse_ensembles(target)
    if not isinstance(target, Model) and Path(target).is_dir():
        return _of_run(Run(Path(target)), name)
    model = target if isinstance(target, Model) else load_model(target)
    if name is not None and name != model.card.name:
        raise ModelError(
            f"this is a fitted {model.card.name}, not {name!r}",
            fix="leave the name out, or give the folder of a run that holds several models",
        )
    return explain_model(model)


def _refuse_ensembles(target: Any) -> None:
    """A search and a transfer hold several networks: what is to be explained is one of them, or a pair."""
    path = target.path if isinstance(target, RunRecord) else target
    if isinstance(path, Model) or not Path(path).is_dir():
        return
    kind = str(read_manifest(Path(path)).get("kind"))
    ways = {
        SEARCH_KIND: "run its best.toml with `pajamo run`, which explains that network; its report shows the windows",
        TRANSFER_KIND: "`pajamo score` says of each pair which step it hits; explain the run that fitted the rates",
    }
    if kind in ways:
        raise ModelError(
            f"a {kind} holds an ensemble, which has no one mechanism", where=str(path), fix=ways[kind]
        )


def _of_run(run: Run, name: str | None) -> Explanation:
    run.verify()
    if (run.path / "model.safetensors").is_file():
        best = run.model()
        if name is None or name in (best.card.name, run.verdict["model"]):
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
    card = Variant.named(name).kind.card
    weights = pd.read_csv(kept[name], keep_default_na=False, na_values=[""])
    return Explanation(name, card.title, (card_part(card), weights_part(weights)))
