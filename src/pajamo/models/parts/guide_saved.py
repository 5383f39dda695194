"""The fitted control and guides as arrays and names that can be saved, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.models.base import Array
from pajamo.models.parts.guide_control import ControlRates
from pajamo.models.parts.guide_fit import Efficiencies, GuideFit

OF_PARTS = ("effects", "effect_variance", "mean_variance", "inflation", "apart")
OF_CONTROL = ("rate", "variance", "batch", "dispersion")
OF_GUIDES = ("cells", "posterior", "marginal")


def arrays_of(control: ControlRates, fitted: GuideFit) -> dict[str, NDArray[np.generic]]:
    """All fitted arrays; those of guides are stacked over perturbations."""
    arrays = {name: getattr(fitted, name) for name in OF_PARTS}
    arrays |= {f"control.{name}": getattr(control, name) for name in OF_CONTROL}
    for name in OF_GUIDES:
        arrays[f"guides.{name}"] = np.concatenate([getattr(of, name) for of in fitted.efficiencies])
    return arrays


def names_of(control: ControlRates, fitted: GuideFit) -> dict[str, object]:
    """Names of perturbations, guides, settings and batches."""
    return {
        "parts": [part.to_list() for part in fitted.parts],
        "guides": [list(of.guides) for of in fitted.efficiencies],
        "settings": [list(setting) for setting in control.settings],
        "batches": list(control.batches),
    }


def control_from(arrays: Mapping[str, Array], names: Mapping[str, object]) -> ControlRates:
    """Take back what `arrays_of` and `names_of` gave of the control."""
    kept = cast("Mapping[str, Any]", names)
    settings = tuple((str(context), float(time)) for context, time in kept["settings"])
    own = {name: arrays[f"control.{name}"] for name in OF_CONTROL}
    return ControlRates(settings, tuple(kept["batches"]), **own)


def fit_from(arrays: Mapping[str, Array], names: Mapping[str, object]) -> GuideFit:
    """Take back what `arrays_of` and `names_of` gave of effects and guides."""
    kept = cast("Mapping[str, Any]", names)
    ends = np.cumsum([len(guides) for guides in kept["guides"]])[:-1]
    pieces = [np.split(arrays[f"guides.{name}"], ends) for name in OF_GUIDES]
    efficiencies = tuple(
        Efficiencies(tuple(guides), *own) for guides, *own in zip(kept["guides"], *pieces, strict=True)
    )
    parts = tuple(Condition.from_list(values) for values in kept["parts"])
    return GuideFit(parts, **{name: arrays[name] for name in OF_PARTS}, efficiencies=efficiencies)
