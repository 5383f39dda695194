"""Landscapes: the mean first-passage time from energies alone, bands, ensembles, and the way through a scheme."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import GUIDE, cycle, library, network_model, reads

from pajamo.config.assays import declare
from pajamo.errors import ModelError
from pajamo.explanations.pairs.landscape import landscape
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.route import route_of


@pytest.mark.parametrize("which", ["planted", "passage"])
def test_energies_and_barriers_give_the_output(which, request):
    """Mean time to the product: the sum of exp(barrier - state) over barriers and the states before them."""
    model, _ = request.getfixturevalue(which)
    guides, targets = library(12)
    network = KineticNetwork.of(model)
    output = network.log_output(network.log_rates(network.encode(guides, targets))).exp().numpy()
    for pair, own in landscape(model, guides, targets).groupby("pair"):
        rows = list(zip(own["kind"], own["energy"], strict=True))
        time = sum(
            np.exp(high - low)
            for place, (kind, high) in enumerate(rows)
            if kind == "barrier"
            for before, low in rows[:place]
            if before == "state"
        )
        assert 1 / time == pytest.approx(output[pair], rel=1e-9)


def test_points_are_in_order_and_mismatches_raise_what_lies_behind(planted):
    table = landscape(planted[0], [GUIDE] * 2, [GUIDE, GUIDE[:7] + "C" + "AGG"])
    first, second = (own.reset_index(drop=True) for _, own in table.groupby("pair"))
    assert list(first[first["kind"] == "state"]["of"]) == ["solution", "open", "intermediate", "closed"]
    assert first["of"].iloc[-1] == "closed -> solution"
    raised = (second["energy"] - first["energy"]).to_numpy()
    assert raised[:3] == pytest.approx(0, abs=1e-12)
    assert (raised[3:] > 0.4).all()
    assert raised[3:] == pytest.approx(raised[3])
    assert first["low"].isna().all()
    assert set(table["unit"]) == {"kT"}


def test_bands_hold_the_optimum_and_widen_with_doubt(optimum):
    model, found, _ = optimum
    table = landscape(model, [GUIDE], [GUIDE], information=[found], seed=3)
    assert (table["low"] <= table["energy"] + 1e-12).all()
    assert (table["energy"] <= table["high"] + 1e-12).all()
    wide = landscape(model, [GUIDE], [GUIDE], information=[found], seed=3, level=0.99)
    assert (wide["high"] - wide["low"] >= table["high"] - table["low"] - 1e-12).all()
    again = landscape(model, [GUIDE], [GUIDE], information=[found], seed=3)
    assert table.equals(again)


def test_the_band_of_a_state_is_that_of_its_linear_function(optimum):
    """A state's energy is linear in ln rates: its Laplace interval is known without draws."""
    model, found, _ = optimum
    table = landscape(model, [GUIDE], [GUIDE], information=[found], level=0.9)
    opened = table[table["of"] == "open"].iloc[0]
    names = ("ln k solution->open", "ln k open->solution")
    direction = sum(
        sign * found.of_weights(name, np.eye(1, found.bases[name].shape[0])[0])
        for sign, name in zip((-1, 1), names, strict=True)
    )
    assert opened["high"] - opened["low"] == pytest.approx(2 * 1.645 * found.error(direction), rel=0.25)


def test_an_ensemble_is_averaged_and_its_spread_told(planted):
    model, _ = planted
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.assembly.constants[:] += torch.tensor([1.0, 0.0, 0.0])
    table = landscape([model, other], [GUIDE], [GUIDE])
    one, two = (landscape(m, [GUIDE], [GUIDE])["energy"].to_numpy() for m in (model, other))
    assert table["energy"].to_numpy() == pytest.approx((one + two) / 2)
    assert table["between"].to_numpy() == pytest.approx(np.abs(one - two) / np.sqrt(2))
    assert (table["low"] <= table["high"]).all()


def test_models_of_different_schemes_have_no_common_landscape(planted, passage):
    with pytest.raises(ModelError, match="different schemes"):
        landscape([planted[0], passage[0]], [GUIDE], [GUIDE])
    with pytest.raises(ModelError, match="needs a model"):
        landscape([], [GUIDE], [GUIDE])


def test_the_route_of_states_rates_leads_to_the_active_one():
    """A detour is not taken, and behind a step that nothing undoes energies are not defined."""
    mechanism = declare(
        "kinetic",
        states=["free", "detour", "bound", "on"],
        transitions={
            "free->detour": {},
            "detour->bound": {},
            "free->bound": reads(3, 4),
            "bound->free": {},
            "bound->on": {},
            "on->free": {},
        },
        outputs={"activity": {"on": 1.0}},
    )
    model, _ = network_model(mechanism, rows=20)
    route = route_of(KineticNetwork.of(model))
    assert route.states == ("free", "bound", "on")
    assert route.back[1] is None
    energies = landscape(model, [GUIDE], [GUIDE])["energy"].to_numpy()
    assert np.isnan(energies).tolist() == [False, False, False, False, True]


def test_a_passage_and_a_product_take_the_same_way(planted, passage):
    one, other = (route_of(KineticNetwork.of(model)) for model, _ in (planted, passage))
    assert one.states == other.states[:-1]
    assert (
        one.points(KineticNetwork.of(planted[0]).scheme)[:-1]
        == other.points(KineticNetwork.of(passage[0]).scheme)[:-2]
    )
    assert cycle().states == one.states
