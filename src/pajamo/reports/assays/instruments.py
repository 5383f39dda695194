"""What a fitted instrument makes of the activity, on a grid: shares of bins, curves, and the noise about them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    LatentSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.measurements.scalar.rates import LogRate
from pajamo.models.assays.model import AssayModel

Array = NDArray[np.float64]
POINTS: Final = 120
DRAWS: Final = 3000
BAND: Final = (0.05, 0.95)
"""Of the readings of sequences with the same activity."""
SCALES: Final = {"logit": "logit of the activity", "log": "ln of the activity", "linear": "activity"}


def coordinate_grid(coordinates: Array) -> Array:
    """Evenly from the lowest to the highest coordinate but for a thousandth at each end."""
    low, high = np.quantile(coordinates[np.isfinite(coordinates)], [0.001, 0.999])
    return np.linspace(low, high if high > low else low + 1.0, POINTS)


def bin_probabilities(model: AssayModel, experiment: str, grid: Array) -> Array:
    """p(bin | activity), at activities as the measurement takes them, shape (points, bins)."""
    measurement: Any = model.assembly.measurement(experiment)
    with torch.no_grad():
        return np.asarray(measurement.log_probabilities(torch.as_tensor(grid)).exp().numpy())


def curve(model: AssayModel, experiment: str, grid: Array, reads: float = 1.0) -> pd.DataFrame:
    """Expected reading at each activity and, where the noise is known, the band of 90 % of readings.

    Parameters
    ----------
    model: fitted.
    experiment: with that measurement.
    grid: activities as the measurement takes them.
    reads: of a typical sequence, which make the mean bin more certain.

    Returns
    -------
    Columns coordinate, expected and perhaps low, high, in the unit of what is compared (mean bin, value, ln ratio).
    """
    settings = model.experiments[experiment].measurement
    measurement = model.assembly.measurement(experiment)
    with torch.no_grad():
        read = measurement.expected_recorded if isinstance(measurement, LogRate) else measurement.expected
        expected = read(torch.as_tensor(grid)).numpy()
    drawn = None
    if isinstance(settings, BinsSettings):
        drawn = _mean_bins(bin_probabilities(model, experiment, grid), max(1, round(reads)))
    elif _noise_is_known(settings):
        drawn = _readings(model, experiment, grid)
    elif isinstance(settings, BarcodeSettings):
        expected = np.log(expected)
    table = pd.DataFrame({"coordinate": grid, "expected": expected})
    if drawn is not None:
        table["low"], table["high"] = np.quantile(drawn, BAND, axis=0)
    return table


def _noise_is_known(settings: MeasurementSettings) -> bool:
    """Whether readings of one activity spread alike, whatever errors their rows have."""
    if isinstance(settings, ContinuousSettings):
        return settings.noise != "measured"
    return isinstance(settings, RateSettings) and settings.error is None


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
    if isinstance(settings, RateSettings):
        return "log10 of the rate in 1/s"
    if isinstance(settings, CutSettings):
        return "probability of a cut"
    return f"{settings.value}, as recorded"


def coordinate_name(model: AssayModel, experiment: str) -> str:
    """What the instrument takes, in words: the activity on which scale, and whether normalised."""
    assembly = model.assembly
    scale = "trait" if isinstance(model.mechanism, LatentSettings) else SCALES[_scale(model, experiment)]
    normalised = assembly.measurement(experiment).normalised
    return f"{scale}, in standard deviations of the training set" if normalised else scale


def _scale(model: AssayModel, experiment: str) -> str:
    """The scale that was declared, or the one that is natural for the mechanism."""
    assembly, frame = model.assembly, model.frame
    assert frame is not None
    with torch.no_grad():
        activity = assembly.activity(torch.as_tensor(frame.padded([frame.wild_type])), experiment, {})
    declared = assembly.coordinates[experiment] or activity.natural
    # An activity without an upper bound has no logit, and is taken as its logarithm.
    return "log" if declared == "logit" and activity.rest is None else declared
