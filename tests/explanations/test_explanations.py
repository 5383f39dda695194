"""Explanations: of dynamics, of models by their card, of runs, and on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.models.flow_screens import course

import pajamo
from pajamo.errors import ModelError
from pajamo.explanations import registry
from pajamo.explanations.explanation import Explanation, Part
from pajamo.explanations.general import with_intervals
from pajamo.explanations.registry import explain_model, explains
from pajamo.models.registry import create, models
from pajamo.training.fit import fit_model
from pajamo.training.saved import save_model

DYNAMICS = {"rates", "hubs", "network", "rest_points", "attractors", "commutators", "delays", "weights"}


@pytest.fixture(scope="module")
def dynamics():
    training = course(perturbed=5, genes=8, contexts=("x", "y")).training
    return fit_model(create("dynamics", {"feedback": 0.1}), training)


@pytest.fixture(scope="module")
def salt():
    return fit_model(create("salt-ls"), course(perturbed=4, times=(1.0,)).training)


def test_dynamics_is_explained_by_its_network_and_its_states(dynamics):
    made = explain_model(dynamics)
    assert set(made.tables) == DYNAMICS
    text = made.to_text()
    for words in ("takes for granted:", "RATES", "kappa", "margin", "g0", "1 / day"):
        assert words in text
    network = made.tables["network"]
    assert (network["low"] <= network["value"]).all()
    assert (network["value"] <= network["high"]).all()
    assert len(made.tables["attractors"]) == 2
    assert len(made.tables["rest_points"]) == 2 + 2 * 5
    assert len(made.tables["commutators"]) == 10


def test_other_models_are_explained_by_card_and_weights(salt):
    made = pajamo.explain(salt)
    assert list(made.tables) == ["weights"]
    table = made.tables["weights"]
    assert table["z"].abs().dropna().is_monotonic_decreasing
    assert models()["salt-ls"].card.limits.split(",")[0] in " ".join(made.to_text().split())


def test_intervals_and_order_of_quantities():
    table = pd.DataFrame({"value": [1.0, -3.0, 5.0, 0.1], "se": [0.5, 1.0, np.nan, 0.0]})
    found = with_intervals(table)
    assert found["value"].tolist() == [-3.0, 1.0, 5.0, 0.1]
    assert found.loc[0, ["low", "high"]].tolist() == pytest.approx([-4.959964, -1.040036])
    assert found["z"].tolist()[:2] == [-3.0, 2.0]
    assert found["z"].isna().tolist() == [False, False, True, True]


def test_tables_are_written_whole(dynamics, tmp_path: Path):
    made = pajamo.explain(dynamics, output=tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *(f"{name}.csv" for name in DYNAMICS), "explanation.txt",
    }  # fmt: skip
    read = pd.read_csv(tmp_path / "out" / "hubs.csv")
    pd.testing.assert_frame_equal(read, made.tables["hubs"], check_dtype=False)


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(ModelError, match="not fitted"):
        explain_model(create("dynamics"))


def test_two_explainers_of_one_model_are_a_mistake(monkeypatch):
    monkeypatch.setattr(registry, "_EXPLAINERS", {})

    def one(model):
        return Explanation("planted", "", ())

    explains("planted")(one)
    with pytest.raises(ValueError, match="two explainers of 'planted'"):
        explains("other", "planted")(one)
    assert set(registry._EXPLAINERS) == {"planted"}


def test_long_tables_are_shortened_and_empty_ones_said():
    long = Part("many", "", pd.DataFrame({"x": range(30)})).to_text()
    assert "(18 more rows)" in long
    assert "(none)" in Part("few", "", pd.DataFrame({"x": []})).to_text()


def test_on_the_command_line(dynamics, command, tmp_path: Path):
    save_model(dynamics, tmp_path / "model.safetensors")
    outcome = command("explain", "model.safetensors", "--output", "tables")
    assert outcome.code == 0
    assert "REGULATORS" in outcome.out
    assert "wrote 8 tables to tables" in outcome.out
    assert (tmp_path / "tables" / "commutators.csv").is_file()
    wrong = command("explain", "model.safetensors", "--model", "salt")
    assert wrong.code == 2
    assert "this is a fitted dynamics, not 'salt'" in wrong.err
    assert command("explain", "none.safetensors").code == 2


def test_any_time_on_the_command_line(dynamics, command, tmp_path: Path):
    import anndata

    save_model(dynamics, tmp_path / "model.safetensors")
    asked = ("predict", "model.safetensors", "g1", "g0+g2", "--context", "x", "--time", "7.5")
    assert command(*asked, "-o", "made.h5ad").code == 0
    made = anndata.read_h5ad(tmp_path / "made.h5ad")
    assert made.obs["time"].tolist() == [7.5, 7.5]
    assert np.isfinite(made.X).all()
    strange = command("predict", "model.safetensors", "g1", "--context", "z", "--time", "7.5")
    assert strange.code == 2
    assert "no control was seen for g1 in z at 7.5" in strange.err


def test_of_a_run(tiny_study, without_report, tmp_path: Path):
    run = pajamo.run(tiny_study, runs=tmp_path)
    best = run.model().card.name
    assert pajamo.explain(run).model == best
    kept = sorted(file.name.removesuffix(".csv.gz") for file in (run.path / "weights").glob("*.csv.gz"))
    for name in kept:
        made = pajamo.explain(run.path, model=name)
        assert made.model == name
        assert not made.tables["weights"].empty
    with pytest.raises(ModelError, match="keeps no fitted dynamics"):
        pajamo.explain(run.path, model="dynamics")
