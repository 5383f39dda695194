"""The measurement of an experiment, by what a study says of its instrument."""

from __future__ import annotations

import numpy as np

from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.data.assays.assay import Experiment
from pajamo.data.assays.rates import RATE_UNITS
from pajamo.measurements.scalar.barcodes import Barcodes
from pajamo.measurements.scalar.beta_binomial import BetaBinomialBarcodes
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.cuts import CutProbability
from pajamo.measurements.scalar.gates import LogNormalGates
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.measurements.scalar.negative_binomial import NegativeBinomialBarcodes
from pajamo.measurements.scalar.noise.cauchy import CauchyNoise
from pajamo.measurements.scalar.noise.gaussian import GaussianNoise
from pajamo.measurements.scalar.noise.measured import MeasuredNoise
from pajamo.measurements.scalar.noise.noise import Noise
from pajamo.measurements.scalar.noise.skewed_t import SkewedTNoise
from pajamo.measurements.scalar.nonlinearities.background import LogAboveBackground
from pajamo.measurements.scalar.nonlinearities.line import Line
from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity
from pajamo.measurements.scalar.nonlinearities.sigmoid import Sigmoid
from pajamo.measurements.scalar.nonlinearities.spline import Spline
from pajamo.measurements.scalar.nonlinearities.tanh import SumOfTanh
from pajamo.measurements.scalar.rates import LogRate

NOISES: dict[str, type[Noise]] = {
    "gaussian": GaussianNoise,
    "cauchy": CauchyNoise,
    "skewed-t": SkewedTNoise,
    "measured": MeasuredNoise,
}
BARCODES: dict[str, type[Barcodes]] = {
    "negative-binomial": NegativeBinomialBarcodes,
    "beta-binomial": BetaBinomialBarcodes,
}


def build_measurement(settings: MeasurementSettings, experiment: Experiment) -> Measurement:
    """The measurement of one experiment, not yet started."""
    if isinstance(settings, BinsSettings):
        bins, library = experiment.recorded["counts"].shape[1], "library" in experiment.recorded
        if settings.gates == "lognormal":
            return LogNormalGates(bins, edges=settings.edges, library=library)
        return FreeBins(bins, settings.knots, library=library)
    if isinstance(settings, BarcodeSettings):
        return BARCODES[settings.noise]()
    if isinstance(settings, RateSettings):
        lower, upper = limits_of(settings)
        clipped = settings.limits == "clipped"
        return LogRate(settings.noise, lower=lower, upper=upper, clipped=clipped)
    if isinstance(settings, CutSettings):
        return CutProbability(_guides(experiment) if settings.offsets == "guide" else 0)
    return reading_of(settings)


def limits_of(settings: RateSettings) -> tuple[float | None, float | None]:
    """The slowest and the fastest rate that can be resolved, in log10 of 1/s; None where there is no limit."""
    unit = RATE_UNITS[settings.unit]
    lower, upper = (
        None if given is None else float(unit.log10(np.array(given, dtype=np.float64)))
        for given in (settings.lower, settings.upper)
    )
    return lower, upper


def _guides(experiment: Experiment) -> int:
    """How many guides an experiment has, which it numbers from 0."""
    return 1 + int(experiment.recorded["guide"].max(initial=-1.0))


def reading_of(settings: ContinuousSettings) -> ContinuousReading:
    """A nonlinearity and a noise, by their names."""
    return ContinuousReading(nonlinearity_of(settings), NOISES[settings.noise](settings.heteroskedastic))


def nonlinearity_of(settings: ContinuousSettings) -> Nonlinearity:
    """The curve between activity and mean reading, by its name."""
    if settings.nonlinearity == "tanh":
        return SumOfTanh(settings.hidden, monotone=settings.monotone)
    if settings.nonlinearity == "spline":
        return Spline(settings.hidden, monotone=settings.monotone)
    curves = {"linear": Line, "sigmoid": Sigmoid, "background": LogAboveBackground}
    return curves[settings.nonlinearity](monotone=settings.monotone)
