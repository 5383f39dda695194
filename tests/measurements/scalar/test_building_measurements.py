"""Each instrument that a study can declare becomes its measurement."""

import numpy as np
import pytest

from pajamo.config.assays import BarcodeSettings, BinsSettings, ContinuousSettings, CutSettings, RateSettings
from pajamo.data.assays.assay import Experiment
from pajamo.measurements.scalar.beta_binomial import BetaBinomialBarcodes
from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.cuts import CutProbability
from pajamo.measurements.scalar.gates import LogNormalGates
from pajamo.measurements.scalar.negative_binomial import NegativeBinomialBarcodes
from pajamo.measurements.scalar.noise.skewed_t import SkewedTNoise
from pajamo.measurements.scalar.nonlinearities.spline import Spline
from pajamo.measurements.scalar.rates import LogRate
from pajamo.models.assays.measuring import build_measurement, limits_of


def experiment(**recorded: np.ndarray) -> Experiment:
    return Experiment("one", np.zeros((3, 2), np.uint8), recorded, np.zeros(3, np.int8))


READS = {"counts": np.ones((3, 3)), "library": np.ones(3)}
COLUMNS = ("b1", "b2", "b3")


def test_free_bins_know_of_their_library():
    assert not build_measurement(BinsSettings(columns=COLUMNS), experiment(counts=READS["counts"])).library
    built = build_measurement(BinsSettings(columns=COLUMNS, library="b0"), experiment(**READS))
    assert isinstance(built, FreeBins)
    assert built.library


def test_gates_take_the_log_scale_and_the_edges_given():
    settings = BinsSettings(columns=COLUMNS, gates="lognormal", edges=(10.0, 200.0), library="b0")
    built = build_measurement(settings, experiment(**READS))
    assert settings.coordinate == "log"
    assert isinstance(built, LogNormalGates)
    assert built.given
    assert built.library


@pytest.mark.parametrize("edges", [(10.0,), (20.0, 10.0), (-1.0, 3.0)])
def test_edges_that_no_sorter_has(edges):
    with pytest.raises(ValueError, match="one less than there are bins"):
        BinsSettings(columns=COLUMNS, gates="lognormal", edges=edges)


def test_gates_on_another_scale_are_refused():
    with pytest.raises(ValueError, match="leave `coordinate` out"):
        BinsSettings(columns=COLUMNS, gates="lognormal", coordinate="linear")


def test_a_background_needs_the_log_scale():
    with pytest.raises(ValueError, match="coordinate = 'log'"):
        ContinuousSettings(nonlinearity="background")


def test_a_reading_is_composed_of_a_curve_and_a_noise():
    settings = ContinuousSettings(nonlinearity="spline", hidden=7, noise="skewed-t", heteroskedastic=1)
    built = build_measurement(settings, experiment(value=np.zeros(3)))
    assert isinstance(built, ContinuousReading)
    assert isinstance(built.nonlinearity, Spline)
    assert built.nonlinearity.intervals == 6
    assert isinstance(built.noise, SkewedTNoise)
    assert len(built.noise.log_upper.coefficients) == 2


@pytest.mark.parametrize(
    ("noise", "kind"),
    [("negative-binomial", NegativeBinomialBarcodes), ("beta-binomial", BetaBinomialBarcodes)],
)
def test_barcodes_by_their_noise(noise, kind):
    settings = BarcodeSettings(rna="rna", dna="dna", noise=noise)
    assert settings.coordinate == "log"
    assert isinstance(build_measurement(settings, experiment(rna=np.ones(3), dna=np.ones(3))), kind)


def test_limits_of_rates_are_taken_in_their_unit():
    settings = RateSettings(unit="1/min", lower=6e-4, noise="student")
    built = build_measurement(settings, experiment(value=np.zeros(3), censored=np.zeros(3)))
    assert isinstance(built, LogRate)
    assert built.lower == pytest.approx(-5.0)
    assert built.upper is None
    assert limits_of(RateSettings(lower=-5, upper=-1)) == (-5.0, -1.0)


@pytest.mark.parametrize(("offsets", "guides"), [("guide", 3), ("none", 0)])
def test_each_guide_has_an_offset_if_asked_for(offsets, guides):
    recorded = {"label": np.zeros(3), "guide": np.array([2.0, 0.0, -1.0])}
    built = build_measurement(CutSettings(offsets=offsets), experiment(**recorded))
    assert isinstance(built, CutProbability)
    assert len(built.guide_offsets) == guides
    nothing = {"label": np.zeros(0), "guide": np.zeros(0)}
    assert len(build_measurement(CutSettings(), experiment(**nothing)).guide_offsets) == 0
