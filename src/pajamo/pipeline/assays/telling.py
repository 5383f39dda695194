"""Explaining a run on an assay, or one fitted model of sequences, in words and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.config.assays import LatentSettings
from pajamo.explanations.explanation import Explanation, Part
from pajamo.explanations.pairs.explain import PAIR_PARTS, strongest_first
from pajamo.models.assays.description import equations, state_table, transition_table
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.run_record import AssayRun
from pajamo.pipeline.record import read_table
from pajamo.training.assays.saved import load_assay_model

TABLES = {
    "intrinsic": ("how much there is to tell", "Bounds, in bits, on what any model could say of a reading."),
    "parameters": ("what it found", "Free energies and rates; an infinite end is not set by the data."),
    "states": ("states", "Free energy and share of each state at the wild type."),
    **{name: part[:2] for name, part in PAIR_PARTS.items()},
    "energies": ("letters", "What each letter at each position costs, counted from the wild type."),
    "sloppy_directions": ("what the data hardly see", "Joint changes of parameters, the least determined first."),
    "profiles": (
        "profiles",
        "Nats that it costs (`drop`) to hold a quantity at a value, or that a better optimum than the fit `gained`.",
    ),
    "likelihood_ratios": ("nested mechanisms", "Whether the data need an interaction more."),
    "comparison": ("mechanisms compared", "On the rows that they were fitted to, and on held-out rows."),
}  # fmt: skip
"""Tables of a run that say something of its mechanisms: heading, and how to read them."""
SHOWN = {
    "intrinsic": ("experiment", "bound", "value", "low", "high", "meaning", "note"),
    "parameters": ("quantity", "of", "value", "low", "high", "unit", "method"),
    "energies": ("site", "position", "letter", "value", "low", "high", "unit"),
    **{name: part[2] for name, part in PAIR_PARTS.items()},
    "profiles": ("quantity", "value", "drop", "converged", "gained"),
}
"""Columns that the text shows."""
BETWEEN = ("comparison", "likelihood_ratios", "intrinsic")
"""Tables that speak of several models at once, or of none."""


def explain_run(run: AssayRun, name: str | None) -> Explanation:
    """What a run found of one of its models; of the model of the verdict if no name is given.

    Raises
    ------
    ModelError: the run has no such model.
    IntegrityError: the run was altered.
    """
    run.verify()
    chosen = name or str(run.verdict["model"])
    run.require(chosen)
    about = next(model for model in run.about["models"] if model["name"] == chosen)
    parts = [_card(about), Part("verdict", str(run.verdict["sentence"])), _scores(run, chosen)]
    if len(about["files"]) == 1:
        parts.append(_mechanism(run.assay_model(chosen)))
    tables = {key: read_table(run.path / f"{key}.csv") for key in TABLES}
    parts += [_part(key, table, chosen) for key, table in tables.items() if _says(table, chosen)]
    notes = "\n".join(run.about["notes"])
    return Explanation(chosen, about["title"], (*parts, *([Part("notes", notes)] if notes else [])))


def explain_assay_model(model: AssayModel) -> Explanation:
    """What a fitted model is by itself; intervals need the data, which a run has."""
    values = pd.DataFrame(
        [
            {"quantity": term.name, "value": value, "unit": term.unit, "fixed": term.fixed}
            for term, value in zip(model.assembly.blueprint.terms, _constants(model), strict=True)
            if term.encoder is None
        ]
    )
    text = "Constants as they were fitted, without intervals: these need the data. `pajamo run` makes them."
    parts = [_mechanism(model)]
    if not values.empty:
        parts.append(Part("what it found", text, values, "constants"))
    return Explanation(model.name, f"{model.mechanism.kind} mechanism", tuple(parts))


def _constants(model: AssayModel) -> list[float]:
    experiment = model.assembly.experiments[0]
    return [float(value) for value in model.assembly.constant_values(experiment).detach()]


def _card(about: dict[str, Any]) -> Part:
    lines = [f"{key}: {about[key]}" for key in ("kind", "reference", "limits") if about[key]]
    return Part("what it is", "\n".join([*lines, *(f"fit: {verdict}" for verdict in about["verdicts"])]))


def _scores(run: AssayRun, name: str) -> Part:
    own = run.summary[(run.summary["model"] == name) & (run.summary["set"] == run.about["scored_set"])]
    columns = ("experiment", "metric", "value", "low", "high", "difference", "best_baseline")
    text = f"On the {run.about['scored_set']} set, with 95 % intervals, beside the best baseline."
    return Part("how well it predicts", text, own, "summary", columns)


def _mechanism(model: AssayModel) -> Part:
    blueprint = model.assembly.blueprint
    if isinstance(model.mechanism, LatentSettings):
        return Part("how it is made", "One number that the sequence sets, seen through the measurement.")
    table = transition_table(blueprint) if blueprint.transitions else state_table(blueprint)
    return Part("how it is made", equations(blueprint), table, "definition")


def _says(table: pd.DataFrame | None, model: str) -> bool:
    return table is not None and ("model" not in table or bool((table["model"] == model).any()))


def _part(key: str, table: pd.DataFrame | None, model: str) -> Part:
    assert table is not None
    own = table if key in BETWEEN or "model" not in table else table[table["model"] == model]
    heading, text = TABLES[key]
    own = strongest_first(key, own)
    return Part(heading, text, own.reset_index(drop=True), key, SHOWN.get(key, ()))


def explained(target: str | Path | AssayModel | AssayRun, name: str | None) -> Explanation:
    """Of a run (or its folder), of a model, or of its file."""
    if isinstance(target, AssayModel):
        return explain_assay_model(target)
    if isinstance(target, AssayRun):
        return explain_run(target, name)
    path = Path(target)
    return explain_run(AssayRun(path), name) if path.is_dir() else explain_assay_model(load_assay_model(path))
