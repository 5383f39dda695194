"""What a fitted instrument makes of the activity, on a grid: shares of bins, curves, and the noise about them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.config.assays import BarcodeSettings, BinsSettings, ContinuousSettings
from pajamo.models.assays.model import AssayModel

Array = NDArray[np.float64]
POINTS: Final = 120
DRAWS: Final = 3000
BAND: Final = (0.05, 0.95)
"""Of the readings of sequences with the same activity."""
UNITS: Final = {"logit": "logit", "log": "ln", "linear": ""}


def activity_grid(activities: Array) -> Array:
    """Evenly from the lowest to the highest activity but for a thousandth at each end."""
    low, high = np.quantile(activities[np.isfinite(activities)], [0.001, 0.999])
    return np.linspace(low, high if high > low else low + 1.0, POINTS)


def bin_probabilities(model: AssayModel, experiment: str, grid: Array) -> Array:
    """p(bin | activity), shape (points, bins)."""
    measurement: Any = model.assembly.measurement(experiment)
    with torch.no_grad():
        return np.asarray(measurement.log_probabilities(torch.as_tensor(grid)).exp().numpy())


def curve(model: AssayModel, experiment: str, grid: Array, reads: float = 1.0) -> pd.DataFrame:
    """Expected reading at each activity and, where the noise is known, the band of 90 % of readings.

    Parameters
    ----------
    model: fitted.
    experiment: with that measurement.
    grid: activities.
    reads: of a typical sequence, which make the mean bin more certain.

    Returns
    -------
    Columns activity, expected and perhaps low, high, in the unit of what is compared (mean bin, value, ln ratio).
    """
    settings = model.experiments[experiment].measurement
    measurement = model.assembly.measurement(experiment)
    with torch.no_grad():
        expected = measurement.expected(torch.as_tensor(grid)).numpy()
    drawn = None
    if isinstance(settings, BinsSettings):
        drawn = _mean_bins(bin_probabilities(model, experiment, grid), max(1, round(reads)))
    elif isinstance(settings, ContinuousSettings) and settings.noise != "measured":
        drawn = _readings(model, experiment, grid)
    elif isinstance(settings, BarcodeSettings):
        expected = np.log(expected)
    table = pd.DataFrame({"activity": grid, "expected": expected})
    if drawn is not None:
        table["low"], table["high"] = np.quantile(drawn, BAND, axis=0)
    return table


def _mean_bins(shares: Array, reads: int) -> Array:
    """Mean bins of sequences with so many reads, shape (draws, points)."""
    rng = np.random.default_rng(0)
    bins = np.arange(1, shares.shape[1] + 1)
    safe = shares / shares.sum(axis=1, keepdims=True)
    return np.stack([rng.multinomial(reads, share, size=DRAWS) @ bins / reads for share in safe], axis=1)


def _readings(model: AssayModel, experiment: str, grid: Array) -> Array:
    """Readings of sequences with each activity, shape (draws, points)."""
    generator = torch.Generator().manual_seed(0)
    many = torch.as_tensor(np.tile(grid, DRAWS))
    with torch.no_grad():
        drawn = model.assembly.measurement(experiment).draw(
            many, {"value": torch.zeros_like(many)}, generator
        )
    return np.asarray(drawn["value"].numpy().reshape(DRAWS, len(grid)))


def recorded_as(model: AssayModel, experiment: str) -> str:
    """What is compared, in words and with its unit."""
    settings = model.experiments[experiment].measurement
    if isinstance(settings, BinsSettings):
        return "mean bin"
    if isinstance(settings, BarcodeSettings):
        return "ln(RNA/DNA)"
    return f"{settings.value}, as recorded"


def activity_unit(model: AssayModel, experiment: str) -> str:
    """The scale on which the instrument takes the activity."""
    assembly = model.assembly
    scale = UNITS.get(str(assembly.coordinates[experiment]), "")
    normalised = (
        "in standard deviations of the training set" if assembly.measurement(experiment).normalised else ""
    )
    return ", ".join(part for part in (scale, normalised) if part)
