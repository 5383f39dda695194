"""The measurement of an experiment, by what a study says of its instrument."""

from __future__ import annotations

from pajamo.config.assays import BarcodeSettings, BinsSettings, ContinuousSettings, MeasurementSettings
from pajamo.data.assays.assay import Experiment
from pajamo.measurements.scalar.barcodes import Barcodes
from pajamo.measurements.scalar.beta_binomial import BetaBinomialBarcodes
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
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
    return reading_of(settings)


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
