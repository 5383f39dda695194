"""Profiles of the constants that a study asks for; each is a step that is kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.data.assays.assay import Assay
from pajamo.data.atomic import write_json
from pajamo.explanations.assays.profile import Profile, profile
from pajamo.explanations.assays.profile_points import ProfilePoint
from pajamo.explanations.assays.quantities import quantities
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.once import Progress


def wanted_profiles(model: AssayModel, assay: Assay, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The quantities of a model that a study asks to profile; every interaction energy if it says nothing."""
    if asked is None:
        terms = model.assembly.blueprint.terms
        return tuple(t.name for t in terms if t.encoder is None and not t.fixed and t.unit == "kT")
    return tuple(quantity.name for quantity in quantities(model, assay) if quantity.name in asked)


def profile_once(
    step: Path, model: AssayModel, assay: Assay, name: str, level: float, progress: Progress
) -> Profile:
    """A profile, from its step where that is done."""
    known = _read(step)
    if known is None:
        _write(step, profile(model, assay, name, level=level, progress=progress))
        known = _read(step)
    # Read back also when it was made just now: going on gives the same bits as never having stopped.
    assert known is not None
    return known


def _write(step: Path, made: Profile) -> None:
    facts = {key: value for key, value in vars(made).items() if key not in ("curve", "points")}
    content = {
        "facts": {key: _text(value) for key, value in facts.items()},
        "curve": {name: [_text(value) for value in made.curve[name].tolist()] for name in made.curve},
        "points": [{key: _text(value) for key, value in asdict(point).items()} for point in made.points],
    }
    write_json(step, content)


def _read(step: Path) -> Profile | None:
    """None if the step is not done, or not as it was written."""
    try:
        content = json.loads(step.read_text(encoding="utf-8"))
        curve = {name: [_number(value) for value in values] for name, values in content["curve"].items()}
        points = tuple(ProfilePoint(**_numbers(point)) for point in content["points"])
        return Profile(**_numbers(content["facts"]), curve=pd.DataFrame(curve), points=points)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _text(value: Any) -> Any:
    """JSON knows no infinity."""
    return f"float {value!r}" if isinstance(value, float) and not np.isfinite(value) else value


def _number(value: Any) -> Any:
    return (
        float(value.removeprefix("float "))
        if isinstance(value, str) and value.startswith("float ")
        else value
    )


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in values.items()}
