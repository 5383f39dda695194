"""Explaining an R-loop of single base pairs: its own outputs, energies and steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import GUIDE, assay_of, experiment, library

from pajamo.config.assays import declare
from pajamo.data.assays.assay import Assay
from pajamo.explanations.pairs.control import control
from pajamo.explanations.pairs.landscape import landscape
from pajamo.explanations.pairs.mutagenesis import mutagenesis
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.pairs.rates import matched_rates
from pajamo.explanations.pairs.spread import drawn_log_rates, information_of, rate_directions
from pajamo.models.assays.model import AssayModel

OUTPUTS = ("cleavage", "binding")


@pytest.fixture(scope="module")
def loop():
    """An R-loop of eight base pairs at its priors' means, and pairs that were cut and bound."""
    guides, targets = library(60)
    assays = [assay_of(guides, targets, name=name) for name in OUTPUTS]
    assay = Assay(assays[0].alphabet, assays[0].wild_type, tuple(a.experiments[0] for a in assays))
    model = AssayModel("loop", declare("r-loop", steps=8), {o: experiment(output=o) for o in OUTPUTS})
    model.build(assay)
    return model, assay


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_output_of_free_rates_is_the_model_s_own(loop, output):
    model, assay = loop
    network = KineticNetwork.of(model, output)
    own = network.log_output(network.log_rates(assay.experiments[0].codes))
    activity = model.predict(assay.experiment(output))["activity"]
    assert own.numpy() == pytest.approx(np.log(activity), abs=1e-9)


@pytest.mark.parametrize(("output", "total"), [("cleavage", 1.0), ("binding", 0.0)])
def test_coefficients_sum_to_one_for_rates_and_to_none_for_binding(loop, output, total):
    table = control(loop[0], *library(8), experiment=output)
    assert table["total"].to_numpy() == pytest.approx(total, abs=1e-9)


def test_a_mismatch_raises_every_state_behind_it(loop):
    table = landscape(loop[0], [GUIDE] * 2, [GUIDE, GUIDE[:5] + "A" + GUIDE[6:8] + "AGG"])
    first, second = (own.reset_index(drop=True) for _, own in table.groupby("pair"))
    states = (first["kind"] == "state").to_numpy() & first["energy"].notna().to_numpy()
    raised = (second["energy"] - first["energy"])[states].to_numpy()
    # Unbound, PAM, two loops before the third base from the PAM.
    assert raised[:4] == pytest.approx(0, abs=1e-9)
    assert (raised[4:] > 0.5).all()
    assert list(first["of"].iloc[:3]) == ["unbound", "unbound -> PAM", "PAM"]
    assert list(first["of"].iloc[-2:]) == ["R-loop 8 -> cut", "cut"]


def test_a_mismatch_hits_the_step_back_of_its_own_base(loop):
    table = mutagenesis(loop[0], GUIDE)
    inside = table[table["from_pam"] > 0]
    for place, step in zip(inside["from_pam"], inside["step"], strict=True):
        before = "PAM" if place == 1 else f"R-loop {place - 1}"
        assert step == f"R-loop {place} -> {before}"
    assert table["remainder"].abs().max() < 1e-8


def test_rates_follow_the_coordinates_of_every_step(loop):
    model, assay = loop
    with pytest.warns(UserWarning, match="parameters and"):
        found = information_of(model, assay)
    network, codes = KineticNetwork.of(model), assay.experiments[0].codes[:6]
    directions = rate_directions(network, found, codes)
    move = np.random.default_rng(2).normal(size=found.size)
    before = network.log_rates(codes)
    state = {name: values.clone() for name, values in model.assembly.state_dict().items()}
    with torch.no_grad():
        (name,) = found.readers
        model.assembly.reader(name).weights += torch.as_tensor(found.bases[name] @ move[found.readers[name]])
        terms = [model.assembly.blueprint.terms[i].name for i in model.assembly.constant_terms]
        for constant, place in found.constants.items():
            model.assembly.constants[terms.index(constant)] += move[place]
    change = network.log_rates(codes) - before
    model.assembly.load_state_dict(state)
    assert directions @ move == pytest.approx(change.numpy(), abs=1e-9)
    assert drawn_log_rates(network, found, codes, 3, 0).shape == (3, 6, len(network.transitions))
    table = matched_rates(model, assay, found)
    assert len(table) == len(network.transitions) + 9
