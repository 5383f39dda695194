"""Rates are scored as values, cuts as one read in one of two bins; reports name both and draw their curves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pajamo.config.assays import declare, parse_assay_study
from pajamo.data.assays.alphabet import alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.errors import StudyError
from pajamo.evaluation.assays.rows import Said
from pajamo.evaluation.assays.scores import scores_of
from pajamo.explanations.designs.declared import declared_model
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.loading import LoadedAssay, load_assay
from pajamo.reports.assays.instruments import curve, recorded_as

RATE = {"kind": "rate", "lower": -5.0}
CUT = {"kind": "cut", "label": "found"}
CUTTING = declare(
    "kinetic",
    states=["free", "bound", "cut"],
    transitions={"free->bound": {"rate": 1.0}, "bound->free": {"reads": {}}, "bound->cut": {"rate": 1e-3}},
    passages={"cleavage": {"start": "free", "to": ["cut"]}},
)


def loaded(measurement: dict[str, Any], **recorded: np.ndarray) -> LoadedAssay:
    table = {"path": "plate.csv", "measurement": measurement}
    study = parse_assay_study({"name": "one", "experiments": {"plate": table}})
    rows = len(next(iter(recorded.values())))
    codes = np.random.default_rng(0).integers(0, 4, (rows, 6)).astype(np.uint8)
    part = Experiment("plate", codes, recorded, np.zeros(rows, np.int8))
    return LoadedAssay(study, study, Assay(alphabet_of("dna"), codes[0], (part,)), (), {})


def seen_by(measurement: dict[str, Any]) -> AssayModel:
    study = parse_assay_study(
        {"name": "one", "experiments": {"plate": {"path": Path("plate.csv"), "measurement": measurement}}}
    )
    return declared_model(CUTTING, study.experiments, "ACGTTG", {"ln k bound->free": 2.0}, seed=1)


def test_rates_keep_what_is_known_of_them() -> None:
    value = np.array([-5.0, -3.0, -2.0])
    measured = loaded(RATE, value=value, censored=np.array([-1.0, 0.0, 0.0])).measured("training")["plate"]
    assert measured.kind == "rates"
    assert np.array_equal(measured.recorded, value)
    assert measured.censored.tolist() == [-1.0, 0.0, 0.0]
    assert measured.observations.tolist() == [1.0, 1.0, 1.0]


def test_cuts_are_one_read_in_one_of_two_bins() -> None:
    random = np.random.default_rng(1)
    odds = random.normal(-2, 3, 4000)
    share = 1 / (1 + np.exp(-odds))
    label = (random.random(4000) < share).astype(float)
    measured = loaded(CUT, label=label, guide=np.zeros(4000)).measured("training")["plate"]
    assert measured.kind == "cuts"
    assert np.array_equal(measured.recorded.argmax(axis=1), label)
    assert measured.recorded.sum(axis=1).tolist() == [1.0] * 4000
    likelihood = np.where(label == 1, np.log(share), np.log1p(-share))
    scores = {score.metric: score for score in scores_of(measured, Said(share, odds, share, likelihood))}
    rate = label.mean()
    entropy = -(rate * math.log2(rate) + (1 - rate) * math.log2(1 - rate))
    expected = entropy + likelihood.mean() / math.log(2)
    assert scores["I_var"].value == pytest.approx(expected, abs=0.01)
    assert scores["I_pred"].value == pytest.approx(expected, abs=0.05)


def test_reports_name_what_is_recorded_and_draw_its_curve() -> None:
    grid = np.linspace(-16.0, 0.0, 5)
    rates, cuts = seen_by(RATE), seen_by(CUT)
    assert recorded_as(rates, "plate") == "log10 of the rate in 1/s"
    assert recorded_as(cuts, "plate") == "probability of a cut"
    table = curve(rates, "plate", grid)
    # Far above the limit it is the rate itself, far below it is the limit.
    np.testing.assert_allclose(table["expected"][2:], grid[2:] / math.log(10.0), atol=1e-3)
    assert table["expected"][0] == pytest.approx(-5.0, abs=1e-3)
    assert (table["low"] >= -5.0).all()
    assert (curve(cuts, "plate", grid)["expected"].diff().dropna() > 0).all()


def test_an_input_that_no_mechanism_takes_stops_a_run_before_it_reads(tmp_path: Path) -> None:
    lac = {
        "kind": "thermodynamic",
        "sites": {"CRP": {"start": 0, "length": 3}, "RNAP": {"start": 3, "length": 3}},
        "regulators": {"CRP": {"concentration": "crp"}},
        "transcribes": ["RNAP"],
    }
    plate = {
        "path": str(tmp_path / "none.csv"),
        "inputs": {"cpr": 1.0},
        "measurement": {"kind": "continuous"},
    }
    study = parse_assay_study({"name": "x", "mechanisms": {"lac": lac}, "experiments": {"plate": plate}})
    with pytest.raises(StudyError, match="no mechanism takes the input 'cpr'"):
        load_assay(study)
