"""Rates and cuts of a declared scheme: simulated with limits, laid as an instrument, read back as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pajamo.api.assay_tables import tables_of
from pajamo.config.assays import CutSettings, PairSettings, RateSettings, declare
from pajamo.config.assays.study import ExperimentSettings
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.explanations.assays.canonical import mean_recorded
from pajamo.explanations.designs.declared import declared_model
from pajamo.explanations.designs.instruments import lay_instrument, typical_readings
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.recording import effort, invested
from pajamo.explanations.designs.simulation import simulate
from pajamo.measurements.scalar.cuts import CutProbability
from pajamo.measurements.scalar.rates import LogRate
from pajamo.models.assays.model import AssayModel

LIBRARY = Mutagenesis(variants=400, rate=0.3)
CUTTING = declare(
    "kinetic",
    states=["free", "bound", "cut"],
    transitions={
        "free->bound": {"rate": 1.0},
        "bound->free": {"reads": {"start": 0, "length": 6}},
        "bound->cut": {"rate": 1e-3},
    },
    passages={"cleavage": {"start": "free", "to": ["cut"]}},
    fractions={"cleaved": {"start": "free", "to": ["cut"]}},
)
RATE = RateSettings(value="k", unit="1/min", lower=6e-4)
CUT = CutSettings(label="found")


def model(measurement: Any, output: str = "cleavage", error: str | None = None) -> AssayModel:
    settings = measurement.model_copy(update={"error": error}) if error else measurement
    plate = ExperimentSettings(
        path=Path("plate"), measurement=settings, output=output, inputs={"time": 600.0}
    )
    return declared_model(
        CUTTING, {"plate": plate}, "ACGTTG", {"ln k bound->free": 2.0}, library=LIBRARY, seed=1
    )


def test_rates_are_simulated_within_their_limit_and_written_in_their_unit() -> None:
    own = model(RATE)
    assay = simulate(own, LIBRARY, seed=3)
    recorded = assay.experiments[0].recorded
    assert set(recorded) == {"value", "censored"}
    assert recorded["value"].min() >= -5.0
    assert np.array_equal(recorded["censored"] == -1, recorded["value"] == -5.0)
    table = tables_of(own, assay)["plate"]
    np.testing.assert_allclose(table["k"], 60 * 10 ** recorded["value"])


def test_errors_are_asked_for_and_kept() -> None:
    own = model(RATE, error="se")
    assay = simulate(own, LIBRARY, error=0.1, seed=3)
    assert (assay.experiments[0].recorded["error"] == 0.1).all()
    assert (tables_of(own, assay)["plate"]["se"] == 0.1).all()


@pytest.mark.parametrize("output", ["cleavage", "cleaved"])
def test_cuts_are_simulated_and_written_as_yes_or_no(output: str) -> None:
    own = model(CUT, output)
    assay = simulate(own, LIBRARY, seed=3)
    label = assay.experiments[0].recorded["label"]
    assert set(label) == {0.0, 1.0}
    assert tables_of(own, assay)["plate"]["found"].tolist() == label.astype(int).tolist()
    assert np.array_equal(mean_recorded(assay.experiments[0]), label)


def test_what_is_invested_counts_one_a_variant() -> None:
    for settings, names in ((RATE, {"value", "censored"}), (CUT, {"label", "guide"})):
        empty = effort(settings, 7, 100.0, None, np.random.default_rng(0))
        assert set(empty) == names
        assert invested(settings, empty).tolist() == [1.0] * 7


def test_typical_readings_lay_an_instrument_of_that_noise() -> None:
    random = np.random.default_rng(2)
    activity = torch.as_tensor(random.normal(-9.0, 2.0, 3000))
    recorded = typical_readings(RATE, activity, 0.5, random)
    assert 0.05 < (recorded["censored"] == -1).double().mean() < 0.5
    measurement = LogRate(lower=-5.0).double()
    lay_instrument(measurement, activity, recorded)
    assert measurement.log_scale.exp().item() == pytest.approx(0.5 * 2.0 / np.log(10.0), rel=0.1)
    cuts = typical_readings(CUT, activity, 0.3, random)
    assert cuts["label"].mean().item() == pytest.approx(0.1, abs=0.01)
    laid = CutProbability().double()
    lay_instrument(laid, activity, cuts)
    assert laid.expected(activity).mean().item() == pytest.approx(0.1, abs=0.02)


def test_pairs_are_written_as_a_study_reads_them() -> None:
    letters = alphabet_of("guide-target")
    guide, target = "GACGCATAAAGATGAGACGCTGG", "GACGCATTAAGATGAGACGCAGG"
    codes = letters.encode([f"{guide[::-1]}:{target[::-1]}"])
    part = Experiment("plate", codes, {"label": np.ones(1), "guide": np.zeros(1)}, np.zeros(1, np.int8))
    own = AssayModel(
        "one", CUTTING, {"plate": ExperimentSettings(path=Path("p"), measurement=CUT, pairs=PairSettings())}
    )
    table = tables_of(own, Assay(letters, codes[0], (part,)))["plate"]
    assert table["guide"].tolist() == [guide]
    assert table["target"].tolist() == [target]
    assert table["found"].tolist() == [1]
