"""What an ensemble says of new pairs: probabilities, intervals, competition, calibration; and its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t as students
from tests.models.transfer.planted_transfer import (
    LOOP,
    SCHEME,
    assay,
    frame,
    guides,
    labels,
    network,
    sites,
    study,
    targets,
)

from pajamo.errors import DataError, IntegrityError, ModelError
from pajamo.models.transfer.calibration import Calibration, platt
from pajamo.models.transfer.model import TransferModel
from pajamo.models.transfer.predicting import competed, interval
from pajamo.training.checkpoints import read_state, write_state
from pajamo.training.transfer.saved import load_transfer, save_transfer


def ensemble(members: int = 3, competition: float = 0.0) -> TransferModel:
    """Members of two mechanisms with random weights, and offsets that differ between tables."""
    made = [network(study((SCHEME, LOOP)[n % 2], competition=competition), n, 0.3) for n in range(members)]
    for number, member in enumerate(made):
        member.offsets.data += 0.5 * number
        member.offsets.data[1] -= 2.0
    asked = study(competition=competition)
    declared = {"cas": asked.mechanisms["cas"], "loop": study(LOOP).mechanisms["cas"]}
    assert asked.transfer is not None
    of = tuple(("cas", "loop")[n % 2] for n in range(members))
    return TransferModel(asked.transfer, asked.experiments, declared, frame(), tuple(made), of, {})


def test_predictions_follow_from_log_odds_whatever_the_order_and_copies() -> None:
    model = ensemble()
    guide = guides(1)[0]
    met = targets(guide, 12, np.random.default_rng(0))
    met = [*met, met[3], guide]
    table = model.predict(guide, met)
    assert list(table) == ["guide", "target", "probability", "low", "high", "log10_activity", "step"]
    again = model.predict([guide] * 14, met[::-1])[::-1].reset_index(drop=True)
    np.testing.assert_allclose(table["probability"], again["probability"], rtol=1e-5)
    assert table["probability"][12] == table["probability"][3]
    assert ((table["low"] <= table["probability"]) & (table["probability"] <= table["high"])).all()
    assert table["step"].iloc[-1] == ""


def test_a_table_has_its_own_offset() -> None:
    model = ensemble(1)
    guide = guides(1)[0]
    near, far = (
        model.predict(guide, [guide], name, steps=False)["probability"][0] for name in ("near", "far")
    )
    assert np.log(near / (1 - near)) - np.log(far / (1 - far)) == pytest.approx(2.0, abs=1e-5)
    with pytest.raises(ModelError, match="not trained on a table 'nera'"):
        model.predict(guide, [guide], "nera")


def test_pairs_that_cannot_be_read_are_refused() -> None:
    model, guide = ensemble(1), guides(1)[0]
    with pytest.raises(DataError, match="2 guides and 1 targets"):
        model.predict([guide, guide], [guide])
    with pytest.raises(DataError, match="have 12 letters"):
        model.predict("A" + guide, ["A" + guide])


def test_the_interval_is_that_of_another_member() -> None:
    odds = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    found = interval(odds)
    half = students.ppf(0.95, 2) * np.sqrt(4 / 3)
    np.testing.assert_allclose(found["probability"], expit([1.0, 1.0]))
    np.testing.assert_allclose(found["low"], expit([1 - half, 1.0]))
    np.testing.assert_allclose(found["high"], expit([1 + half, 1.0]))
    assert np.isnan(interval(odds[:1])["low"]).all()


def test_intervals_of_gaussian_members_hold_another_member_in_nine_of_ten() -> None:
    drawn = np.random.default_rng(0).normal(size=(6, 20_000))
    found = interval(drawn[:5])
    own = expit(drawn[5])
    assert ((found["low"] <= own) & (own <= found["high"])).mean() == pytest.approx(0.9, abs=0.01)


def test_competition_divides_by_the_odds_of_the_guides_sites() -> None:
    rng = np.random.default_rng(0)
    odds, groups = rng.normal(size=(2, 9)), np.array([2, 0, 2, 0, 0, 5, 2, 5, 5])
    found = competed(odds, groups, 0.4)
    for member in range(2):
        for site in range(9):
            crowd = np.exp(odds[member, groups == groups[site]]).sum()
            wanted = odds[member, site] - 0.4 * np.log(1 + crowd)
            assert found[member, site] == pytest.approx(wanted)
    np.testing.assert_array_equal(competed(odds, groups, 0.0), odds)


def test_competition_lowers_sites_of_a_crowded_guide_only_where_it_is_asked_for() -> None:
    model, guide = ensemble(2, competition=0.5), guides(1)[0]
    alone = model.predict(guide, [guide], competition=True)["probability"][0]
    crowded = model.predict(guide, [guide] * 20, competition=True)["probability"][0]
    free = model.predict(guide, [guide] * 20)["probability"][0]
    assert crowded < alone < free


def test_platt_finds_the_line_that_labels_were_drawn_from() -> None:
    rng = np.random.default_rng(1)
    odds = rng.normal(-2, 2, size=40_000)
    line = platt(odds, labels(0.7 + 1.6 * odds, 2))
    assert line.slope == pytest.approx(1.6, abs=0.1)
    assert line.offset == pytest.approx(0.7, abs=0.1)


def test_platt_stays_finite_where_sites_are_told_apart_without_error() -> None:
    line = platt(np.array([-3.0, -2.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert np.isfinite([line.slope, line.offset]).all()


def test_a_calibrated_ensemble_is_right_as_often_as_it_says() -> None:
    model = ensemble(2)
    own = np.unique(sites(8, 900)[0], axis=0)
    of = np.zeros(len(own))
    truth = 0.4 * model.raw_log_odds(own, "near").mean(axis=0) - 1.0
    tables = {"near": (own, labels(truth, 3), of)}
    better = model.calibrated(assay(tables, {}))
    assert set(better.calibration) == {"near"}
    said = expit(better.log_odds(own, "near").mean(axis=0))
    assert np.abs(said - expit(truth)).mean() < 0.03
    raw = expit(model.log_odds(own, "near").mean(axis=0))
    assert np.abs(raw - expit(truth)).mean() > 0.06
    with pytest.raises(DataError, match="nothing to calibrate on"):
        model.calibrated(assay({"near": (own, np.zeros(len(own)), of)}, {}))


def test_a_saved_ensemble_predicts_the_same_bits(tmp_path: Path) -> None:
    model = replace(ensemble(), calibration={"far": Calibration(0.8, -0.3)}, notes=("near: 3 rows left out",))
    save_transfer(model, tmp_path / "t.safetensors")
    read = load_transfer(tmp_path / "t.safetensors")
    own, _ = sites(3, 40)
    for name in ("near", "far"):
        np.testing.assert_array_equal(model.log_odds(own, name), read.log_odds(own, name))
    np.testing.assert_array_equal(model.terms(own, 1), read.terms(own, 1))
    assert read.term_names(1) == model.term_names(1)
    assert (read.notes, read.of, read.settings) == (model.notes, model.of, model.settings)
    save_transfer(read, tmp_path / "again.safetensors")
    assert (tmp_path / "t.safetensors").read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def test_files_that_hold_no_whole_ensemble_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_transfer(ensemble(2), path)
    arrays, facts = read_state(path)
    write_state(path, {k: v for k, v in arrays.items() if not k.startswith("1.")}, facts)
    with pytest.raises(IntegrityError, match="whole transfer"):
        load_transfer(path)
    write_state(path, arrays, {**facts, "kind": "assay model"})
    with pytest.raises(IntegrityError, match="no transfer"):
        load_transfer(path)


def test_single_members_can_be_looked_at() -> None:
    model = ensemble(3)
    own, _ = sites(2, 10)
    one = model.only([1])
    np.testing.assert_array_equal(one.log_odds(own), model.log_odds(own)[1:2])
    assert one.of == ("loop",)
