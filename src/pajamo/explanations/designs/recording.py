"""What is to be recorded of each variant: how many reads, which errors, at which concentrations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    CutSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.errors import ModelError
from pajamo.models.assays.model import AssayModel

UNKNOWN = -1.0
"""Number of a guide that no measurement knows."""


def conditions_of(
    model: AssayModel, experiment: str, rows: int, given: Mapping[str, float]
) -> dict[str, Tensor]:
    """The concentrations of an experiment, each (rows,).

    Raises
    ------
    ModelError: one is read from a column, and no number is given in its place.
    """
    declared = model.experiments[experiment].inputs
    found = {}
    for name in model.assembly.blueprint.inputs:
        value = given.get(name, declared.get(name))
        if value == "fit":
            continue
        if not isinstance(value, int | float):
            raise ModelError(
                f"input {name!r} of experiment {experiment!r} has no number",
                fix=f"inputs={{'{experiment}': {{'{name}': 1.0}}}}",
            )
        found[name] = torch.full((rows,), float(value), dtype=torch.float64)
    return found


def effort(
    settings: MeasurementSettings, rows: int, reads: float, error: float | None, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Readings without content that say how much is invested: reads of each variant, or standard errors.

    Reads differ between variants by chance alone (Poisson).
    """
    drawn = torch.as_tensor(rng.poisson(reads, rows).astype(float))
    if isinstance(settings, BinsSettings):
        counts = torch.zeros(rows, len(settings.columns or settings.bins), dtype=torch.float64)
        counts[:, 0] = drawn
        library = {"library": torch.zeros(rows, dtype=torch.float64)} if settings.library else {}
        return {"counts": counts, **library}
    if isinstance(settings, BarcodeSettings):
        return {"rna": torch.zeros(rows, dtype=torch.float64), "dna": drawn}
    nothing = torch.zeros(rows, dtype=torch.float64)
    if isinstance(settings, CutSettings):
        return {"label": nothing, "guide": torch.full_like(nothing, UNKNOWN)}
    found = {"value": nothing} | ({"censored": nothing} if isinstance(settings, RateSettings) else {})
    if settings.error is not None:
        if error is None or error <= 0:
            raise ModelError(
                "the experiment records standard errors, and none is given", fix="give `error` above 0"
            )
        found["error"] = torch.full((rows,), error, dtype=torch.float64)
    return found


def invested(settings: MeasurementSettings, recorded: Mapping[str, Tensor]) -> Tensor:
    """Reads of each variant, shape (rows,); 1 for a number, or for a yes or no."""
    if isinstance(settings, BinsSettings):
        return recorded["counts"].sum(dim=1)
    if isinstance(settings, BarcodeSettings):
        return recorded["dna"]
    return torch.ones_like(next(iter(recorded.values())))
