"""Instruments as they would be: readings with a given noise, and the curve that describes them."""

from __future__ import annotations

from typing import Any

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
from pajamo.explanations.designs.recording import UNKNOWN
from pajamo.measurements.scalar.measurement import Measurement, Recorded
from pajamo.models.assays.measuring import limits_of

READS = 100
"""Reads (or DNA counts) of each variant from which an instrument is laid."""
STEPS = 60
RARE = 0.1
"""Share of the sites that are found cut."""


def typical_readings(
    settings: MeasurementSettings, activity: Tensor, noise: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    """What an ordinary instrument records of these activities.

    Cells of a variant differ by `noise` times the spread of the activities between variants; bins hold equal numbers
    of cells; rates beyond the limits of detection become these; one site in ten is found cut.
    """
    mean, spread = float(activity.mean()), max(float(activity.std()), 1e-9)
    place = (activity.numpy() - mean) / spread
    if isinstance(settings, BinsSettings):
        return _sorted(settings, place, noise, rng)
    if isinstance(settings, BarcodeSettings):
        rna = READS * np.exp(activity.numpy() - mean + noise * rng.normal(size=len(place)))
        dna = np.full(len(place), float(READS))
        return {"rna": torch.as_tensor(rng.poisson(rna).astype(float)), "dna": torch.as_tensor(dna)}
    if isinstance(settings, CutSettings):
        seen = place + noise * rng.logistic(size=len(place))
        label = torch.as_tensor((seen > np.quantile(seen, 1 - RARE)).astype(float))
        return {"label": label, "guide": torch.full_like(label, UNKNOWN)}
    if isinstance(settings, RateSettings):
        return _rates(settings, activity.numpy(), noise * spread, rng)
    found = {"value": torch.as_tensor(place + noise * rng.normal(size=len(place)))}
    if settings.error is not None:
        found["error"] = torch.full((len(place),), noise, dtype=torch.float64)
    return found


def _rates(
    settings: RateSettings, log_rate: np.ndarray, noise: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    """log10 of rates from their natural logarithms, with noise on that scale."""
    measured = (log_rate + noise * rng.normal(size=len(log_rate))) / np.log(10.0)
    lower, upper = limits_of(settings)
    value = np.clip(measured, -np.inf if lower is None else lower, np.inf if upper is None else upper)
    censored = (value < measured).astype(float) - (value > measured).astype(float)
    found = {"value": torch.as_tensor(value), "censored": torch.as_tensor(censored)}
    if settings.error is not None:
        found["error"] = torch.full((len(value),), noise / np.log(10.0), dtype=torch.float64)
    return found


def _sorted(
    settings: BinsSettings, place: np.ndarray, noise: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    bins = len(settings.columns or settings.bins)
    cells = place[:, None] + noise * rng.normal(size=(len(place), READS))
    edges = np.quantile(cells, np.arange(1, bins) / bins)
    bin_of = np.searchsorted(edges, cells)
    counts = np.stack([(bin_of == number).sum(axis=1) for number in range(bins)], axis=1)
    found = {"counts": torch.as_tensor(counts.astype(float))}
    if settings.library is not None:
        found["library"] = torch.full((len(place),), READS / bins, dtype=torch.float64)
    return found


def lay_instrument(measurement: Measurement, activity: Tensor, recorded: Recorded) -> None:
    """Fit the instrument's own parameters to readings of known activities."""
    with torch.no_grad():
        measurement.start(activity, recorded)
    optimiser: Any = torch.optim.LBFGS(
        measurement.parameters(),
        max_iter=STEPS,
        history_size=20,
        line_search_fn="strong_wolfe",
        tolerance_change=0.0,
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = measurement.penalty() - measurement.log_likelihood(activity, recorded).sum()
        torch.autograd.backward(value)
        return value

    optimiser.step(loss)
