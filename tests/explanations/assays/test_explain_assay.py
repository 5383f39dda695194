"""What is told of a fitted assay, and how mechanisms are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from tests.explanations.assays.planted import bins, planted, promoter

from pajamo.config.assays import LatentSettings, declare
from pajamo.errors import ModelError
from pajamo.explanations.assays.comparing import (
    added_interactions,
    compare_mechanisms,
    likelihood_ratio,
    paired_intervals,
)
from pajamo.explanations.assays.explain import explain_assay
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.occupancies import occupancy_table
from pajamo.explanations.assays.polishing import as_fitted, polish
from pajamo.explanations.assays.size import is_small
from pajamo.models.assays.model import AssayModel


def test_an_explanation_has_every_part_and_table(fitted, tmp_path):
    polished, assay = fitted
    told = explain_assay(polished.model, assay, profiled=(), resamples=2)
    text = told.to_text()
    for words in (
        "Z = w[free] + w[CRP]",
        "Converged",
        "4 sets of energies predict the same",
        "case bootstrap",
    ):
        assert words in text
    assert set(told.tables) == {
        "symmetries", "parameters", "energies", "states", "sloppy_directions", "footprint_one", "shift_one",
    }  # fmt: skip
    assert len(told.write(tmp_path)) == len(told.tables) + 1


def test_a_model_that_is_too_large_for_newton_steps_is_read_as_it_is(fitted, monkeypatch):
    polished, assay = fitted
    monkeypatch.setattr("pajamo.training.assays.fit.MOST_WORK", 1.0)
    for refit in ("optimum_in_frame", "profile", "bootstrap"):
        monkeypatch.setattr(f"pajamo.explanations.assays.explain.{refit}", None)  # a refit would be noticed
    told = explain_assay(polished.model, assay, resamples=2)
    text = " ".join(told.to_text().split())
    assert "planted is too large for Newton steps" in text
    assert "left out: profiles of CRP+RNAP and 2 resamples" in text
    assert set(told.tables) >= {"parameters", "energies", "states", "sloppy_directions"}
    assert set(told.tables["parameters"]["method"]) == {"Laplace"}
    frame, left = as_fitted(polished.model, assay)
    assert left.objective == pytest.approx(polished.objective, rel=1e-9)
    assert not left.converged
    assert frame.model is left.model


def test_a_model_is_small_up_to_the_limit_of_fits(fitted, monkeypatch):
    polished, assay = fitted
    size, rows = information(polished.model, assay).size, assay.part("training").experiments[0].n
    for limit in (1.01, 0.99):
        monkeypatch.setattr("pajamo.training.assays.fit.MOST_WORK", limit * rows * size**2)
        assert is_small(polished.model, assay) == (limit > 1)
    monkeypatch.undo()
    monkeypatch.setattr("pajamo.training.assays.fit.MOST_PARAMETERS", size - 1)
    assert not is_small(polished.model, assay)


def test_a_map_without_a_mechanism_is_explained_too():
    model, assay = planted(LatentSettings(), rows=200, reads=5)
    told = explain_assay(model, assay)
    assert "states" not in told.tables
    assert "value of the wild type" in told.to_text()
    box = AssayModel("box", declare("latent", reads={"encoder": "network", "hidden": (3,)}), {"one": bins()})
    box.build(assay)
    assert "footprint_one" in explain_assay(box, assay).tables
    nothing = AssayModel("mean", declare("latent", sequence=False), {"one": bins()})
    nothing.build(assay)
    assert "parameters" not in explain_assay(nothing, assay).tables


def test_occupancies_are_boltzmann_weights(truth):
    model, assay = truth
    table = occupancy_table(model, assay)
    weights = np.exp(-np.array([0, -2.5, -2.5, -8.0]))
    np.testing.assert_allclose(table["occupancy"], weights / weights.sum(), rtol=1e-9)
    kT = model.assembly.blueprint.kT
    np.testing.assert_allclose(table["energy"], kT * np.array([0, -2.5, -2.5, -8.0]), atol=1e-9)
    assert table["weight"].tolist()[:2] == ["1", "exp(-(dG[CRP])/kT)"]


@pytest.fixture(scope="module")
def pair(fitted):
    """The planted mechanism and the same one without its interaction, both at their optimum."""
    polished, assay = fitted
    smaller = AssayModel("smaller", promoter(interactions={}), {"one": bins()})
    smaller.build(assay.part("training"))
    held = polished.model.assembly.state_dict()
    kept = {
        name: value
        for name, value in held.items()
        if value.shape == smaller.assembly.state_dict()[name].shape
    }
    smaller.assembly.load_state_dict(kept, strict=False)
    return polish(smaller, assay).model, polished.model, assay


def test_the_planted_mechanism_is_preferred(pair):
    smaller, larger, assay = pair
    table = compare_mechanisms({"smaller": smaller, "larger": larger}, assay, resamples=200)
    assert table["model"].tolist() == ["larger", "smaller"]
    assert table["difference"][0] == 0
    assert table["high"][1] < 0
    assert table["AIC"][0] < table["AIC"][1]
    test = assay.part("test").experiments[0]
    reads = test.recorded["counts"].sum()
    expected = larger.log_likelihood(test).sum() / reads / np.log(2)
    assert table["held_out"][0] == pytest.approx(expected)
    ratio = likelihood_ratio(smaller, larger, assay)
    assert ratio.added == ("CRP+RNAP",)
    assert ratio.p_value < 1e-6
    # Without the interaction the activator's 13 parameters mean nothing either.
    assert ratio.degrees == pytest.approx(14, abs=1.5)
    assert "CRP+RNAP" in ratio.verdict


def test_paired_intervals_are_those_of_all_resamples_at_once():
    """The naive way: a table of how often each sequence is drawn, resamples by sequences."""
    random = np.random.default_rng(3)
    weight, differences = random.integers(1, 9, 70).astype(float), random.normal(0.2, 1, (70, 2))
    found = paired_intervals(np.column_stack([weight, differences]), 0.9, 120, 7)
    again = np.random.default_rng(7)
    drawn = np.stack([np.bincount(again.integers(70, size=70), minlength=70) for _ in range(120)])
    means = (drawn @ differences) / (drawn @ weight)[:, None]
    tail = stats.norm.cdf(stats.t.ppf(0.05, 69) * np.sqrt(70 / 69))
    np.testing.assert_allclose(found, np.quantile(means, [tail, 1 - tail], axis=0).T, rtol=1e-12)


def test_rows_of_one_sequence_are_drawn_together(pair):
    """Every row twice says nothing more: the interval stays as wide."""
    smaller, larger, assay = pair
    models = {"smaller": smaller, "larger": larger}
    experiment = assay.experiments[0]
    twice = replace(assay, experiments=(experiment.rows(np.repeat(np.arange(experiment.n), 2)),))
    once, again = (compare_mechanisms(models, over, resamples=200) for over in (assay, twice))
    np.testing.assert_allclose(once[["low", "high"]], again[["low", "high"]], rtol=1e-9)


def test_mechanisms_that_are_not_nested_are_refused():
    with pytest.raises(ModelError, match="not nested"):
        added_interactions(promoter(), promoter())
    with pytest.raises(ModelError, match="not nested"):
        added_interactions(promoter(interactions={}, temperature=300.0), promoter())
    with pytest.raises(ModelError, match="latent"):
        added_interactions(LatentSettings(), promoter())


def test_a_comparison_needs_held_out_data(fitted):
    polished, assay = fitted
    with pytest.raises(ModelError, match="held out"):
        compare_mechanisms({"one": polished.model}, assay.part("training"))
    with pytest.raises(ModelError):
        compare_mechanisms({}, assay)


def test_explaining_does_not_change_the_model(fitted):
    polished, assay = fitted
    before = {name: value.clone() for name, value in polished.model.assembly.state_dict().items()}
    explain_assay(polished.model, assay, profiled=())
    after = polished.model.assembly.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
