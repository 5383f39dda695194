"""From pairs to rates to output: against the model itself, and against the meaning of a matched target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.explanations.pairs.networks import (
    GUIDE,
    LENGTH,
    OTHER,
    assay_of,
    chain,
    cycle,
    experiment,
    library,
    network_model,
    plant,
)

from pajamo.config.assays import declare
from pajamo.errors import DataError, ModelError
from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.models.assays.model import AssayModel

MIXED = declare(
    "kinetic",
    states=["solution", "bound", "cut"],
    transitions={
        "solution->bound": {"concentration": "enzyme"},
        "bound->solution": {},
        "bound->cut": {"reads": {"start": 3, "length": 4}},
    },
    fractions={"cut": {"start": "solution", "to": ["cut"]}},
)


@pytest.mark.parametrize("mechanism", [cycle(), chain()])
def test_the_output_is_the_model_s_own(mechanism):
    model, assay = network_model(mechanism, rows=40)
    network = KineticNetwork.of(model)
    codes = assay.experiments[0].codes
    own = network.log_output(network.log_rates(codes)).numpy()
    activity = model.predict(assay.experiments[0])["activity"]
    assert own == pytest.approx(np.log(activity), abs=1e-9)


def test_pairs_are_read_as_the_assay_was(planted):
    model, assay = planted
    guides, targets = library()
    assert (KineticNetwork.of(model).encode(guides, targets) == assay.experiments[0].codes).all()


def test_a_matched_target_is_the_same_whatever_the_guide(network):
    rates = network.log_rates(network.encode([GUIDE, OTHER], [GUIDE, OTHER]))
    assert torch.equal(rates, network.log_rates(network.matched()).expand(2, -1))


def test_the_cycle_s_flux_is_the_chain_s_passage(planted, passage):
    """A cycle whose last step nothing undoes turns once in each mean first-passage time."""
    guides, targets = library()
    flux, rate = (KineticNetwork.of(model) for model, _ in (planted, passage))
    one = flux.log_output(flux.log_rates(flux.encode(guides, targets)))
    other = rate.log_output(rate.log_rates(rate.encode(guides, targets)))
    assert torch.allclose(one, other, atol=1e-10)


def test_time_and_concentration_are_inputs():
    model, _ = network_model_of_fractions()
    given = {"enzyme": 2.0, "time": 3.0}
    network = KineticNetwork.of(model, inputs=given)
    rates = network.log_rates(network.matched())
    assert float(rates[0, 0]) == pytest.approx(np.log(2.0) - 0.5)
    late = KineticNetwork.of(model, inputs=given | {"time": 6.0})
    assert float(late.log_output(rates)) > float(network.log_output(rates))
    total = float(network.control(rates).sum())
    step = 1e-4
    longer = KineticNetwork.of(model, inputs=given | {"time": 3.0 * np.exp(step)})
    slope = float(longer.log_output(rates) - network.log_output(rates)) / step
    # A unit of time is one over a unit of rates: control sums to the slope in ln of the time.
    assert total == pytest.approx(slope, rel=1e-3)


def network_model_of_fractions():
    """A fraction cut, whose time and concentration the table holds."""
    assay = assay_of(*library(20))
    inputs = {"enzyme": np.ones(20), "time": np.full(20, 3.0)}
    assay = replace(assay, experiments=tuple(replace(e, inputs=inputs) for e in assay.experiments))
    settings = experiment(inputs={"enzyme": "c", "time": "t"})
    model = AssayModel("cut", MIXED, {"one": settings})
    model.build(assay)
    plant(model)
    return model, assay


def test_an_absent_transition_controls_nothing():
    model, _ = network_model_of_fractions()
    network = KineticNetwork.of(model, inputs={"enzyme": 1.0, "time": 1.0})
    rates = network.log_rates(network.matched())
    rates[0, 1] = -torch.inf
    slopes = network.control(rates)
    assert torch.isfinite(slopes).all()
    assert float(slopes[0, 1]) == 0.0


def test_refusals(planted):
    model, assay = planted
    with pytest.raises(ModelError, match="no experiment"):
        KineticNetwork.of(model, "two")
    with pytest.raises(ModelError, match="input 'enzyme' is missing"):
        KineticNetwork.of(network_model_of_fractions()[0])
    latent = AssayModel("latent", declare("latent"), model.experiments)
    latent.build(assay)
    with pytest.raises(ModelError, match="no kinetic network"):
        KineticNetwork.of(latent)
    longer = "A" + GUIDE
    with pytest.raises(DataError, match=f"{LENGTH + 1} positions"):
        KineticNetwork.of(model).encode([longer], [longer])
