"""Discrete symmetries: the lac promoter has exactly two, and what breaks them does."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explanations.assays.planted import LENGTH, SITES, WIDTH, bins, library, planted, promoter, reading

from pajamo.config.assays import LatentSettings, declare
from pajamo.explanations.assays.applying import apply
from pajamo.explanations.assays.symmetries import all_symmetries, symmetries
from pajamo.models.assays.model import AssayModel

A = "dG[CRP] -> -dG[CRP]; dG[RNAP] -> dG[RNAP] + dG[CRP+RNAP]; dG[CRP+RNAP] -> -dG[CRP+RNAP]"
B = (
    "dG[CRP] -> dG[CRP] + dG[CRP+RNAP]; dG[RNAP] -> -dG[RNAP]; dG[CRP+RNAP] -> -dG[CRP+RNAP]; "
    "activity -> 1 - activity"
)


def built(mechanism, settings=None, inputs=None):
    """A model that knows its experiments."""
    assay = library(20, 0, inputs=inputs)
    model = AssayModel("model", mechanism, {"one": settings or bins()})
    model.build(assay)
    return model


def described(model):
    return [symmetry.describe(model.assembly.blueprint) for symmetry in symmetries(model)]


def test_the_lac_promoter_has_exactly_two_symmetries():
    model = built(promoter())
    assert described(model) == [A, B]
    assert len(all_symmetries(model)) == 3
    assert all(symmetry.error < 1e-12 for symmetry in all_symmetries(model))
    assert symmetries(model)[0].exchanged(model.assembly.blueprint) == "free <-> CRP, RNAP <-> CRP+RNAP"


def test_what_only_rises_shows_the_first_alone():
    assert described(built(promoter(), reading(nonlinearity="sigmoid", coordinate="logit"))) == [A]
    falling = reading(nonlinearity="sigmoid", coordinate="logit", monotone=False)
    assert described(built(promoter(), falling)) == [A, B]


def test_a_concentration_that_varies_leaves_no_symmetry_of_its_site():
    mechanism = promoter(regulators={"CRP": {"concentration": "crp"}})
    settings = bins().model_copy(update={"inputs": {"crp": "crp"}})
    model = built(mechanism, settings, {"crp": np.linspace(0.5, 2, 20)})
    assert described(model) == [B]


def test_a_constant_concentration_is_taken_into_the_energies():
    model = built(promoter(regulators={"CRP": {"concentration": 2.0}}))
    first = symmetries(model)[0]
    assert first.error < 1e-12
    assert first.shift[0] == pytest.approx(2 * np.log(2.0))


def test_a_known_interaction_and_a_black_box_break_symmetries():
    known = promoter(interactions={"CRP+RNAP": {"initial": -2.0, "fixed": True}})
    assert described(built(known)) == [
        "dG[CRP] -> -dG[CRP] - dG[CRP+RNAP]; dG[RNAP] -> -dG[RNAP] - dG[CRP+RNAP]; activity -> 1 - activity"
    ]
    sites = {**SITES, "CRP": {**SITES["CRP"], "encoder": "network"}}
    assert described(built(promoter(sites=sites))) == []


def test_rates_that_differ_are_exchanged_with_their_ratio():
    states = {
        "free": {},
        "C": {"bound": ["CRP"]},
        "R": {"bound": ["RNAP"], "rate": "slow"},
        "CR": {"bound": ["CRP", "RNAP"], "rate": "fast"},
    }
    mechanism = declare("thermodynamic", sites=SITES, interactions={"CRP+RNAP": {}}, states=states)
    model = built(mechanism)
    (text,) = described(model)
    assert text.startswith(A)
    assert "ln activity -> ln activity" in text
    assert symmetries(model)[0].error < 1e-12


def test_two_regulators_of_one_window_may_exchange_their_names():
    sites = {"P": SITES["RNAP"], "one": SITES["CRP"], "other": SITES["CRP"]}
    states = {
        "free": {},
        "P": {"bound": ["P"], "rate": 1.0},
        "one": {"bound": ["one"]},
        "other": {"bound": ["other"]},
    }
    model = built(declare("thermodynamic", sites=sites, states=states))
    assert "dG[one] -> dG[other]; dG[other] -> dG[one]" in described(model)


def test_states_of_a_scheme_may_exchange_places():
    sites = {"A": {"start": 0, "length": WIDTH}}
    transitions = {"off->on": {}, "on->off": {"energy": ["A"]}}
    scheme = declare(
        "kinetic", states=["off", "on"], sites=sites, transitions=transitions, outputs={"rna": {"on": 1.0}}
    )
    model = built(scheme)
    for symmetry in all_symmetries(model):
        assert symmetry.error < 1e-12
        assert symmetry.mirrors


def test_a_latent_trait_has_none():
    assert symmetries(built(LatentSettings())) == ()


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "spline", "bins"])
@pytest.mark.parametrize("coordinate", ["logit", "linear"])
def test_no_likelihood_changes_whatever_the_instrument(nonlinearity, coordinate):
    if nonlinearity == "bins":
        settings = bins(coordinate=coordinate)
    else:
        settings = reading(nonlinearity=nonlinearity, coordinate=coordinate, monotone=False, hidden=5)
    model, assay = planted(rows=60, reads=2, settings=settings)
    before = model.log_likelihood(assay.experiments[0])
    found = all_symmetries(model)
    assert len(found) == 3
    for symmetry in found:
        changed = apply(model, symmetry)
        np.testing.assert_allclose(changed.log_likelihood(assay.experiments[0]), before, rtol=1e-9, atol=1e-9)
        back = apply(changed, symmetry)
        np.testing.assert_allclose(back.assembly.constants.detach(), model.assembly.constants.detach())


def test_sliding_sites_keep_a_symmetry_of_what_they_act_on():
    sites = {
        "CRP": {"slide": [0, 1], "length": WIDTH - 1},
        "RNAP": {"start": WIDTH, "length": LENGTH - WIDTH},
    }
    model = built(promoter(sites=sites))
    assert all(symmetry.error < 1e-12 for symmetry in all_symmetries(model))
    assert all("dG[CRP@0+] -> -" not in text and "dG[CRP@0] -> -" not in text for text in described(model))
