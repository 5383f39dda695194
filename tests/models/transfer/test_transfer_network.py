"""The kinetic layer agrees with the model that it was taken from; its context starts at nothing and stays bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.models.transfer.planted_transfer import LENGTH, LOOP, SCHEME, fitted, frame, network, sites, study

from pajamo.errors import ModelError
from pajamo.models.transfer.building import new_network
from pajamo.models.transfer.context import Context
from pajamo.models.transfer.steps import contributions, steps_hit

EVERY_MAP: dict[str, Any] = {
    "kind": "kinetic",
    "states": ["free", "bound"],
    "transitions": {
        "free->bound": {"reads": {"start": 3, "length": 8, "encoder": "factorised"}},
        "bound->free": {
            "reads": {"start": 0, "length": 6, "encoder": "network", "hidden": [4]},
            "makes": ["cleavage"],
        },
    },
}


@pytest.mark.parametrize("mechanism", [SCHEME, LOOP, EVERY_MAP])
@pytest.mark.parametrize("context", ["none", "linear", "network"])
def test_a_new_network_says_what_the_fitted_model_says(mechanism: dict[str, Any], context: str) -> None:
    model = fitted(mechanism, scale=0.5)
    asked = study(mechanism, context=context)
    assert asked.transfer is not None
    made = new_network(model.mechanism, asked.transfer, frame(), asked.experiments)
    made.kinetics.take(model.assembly)
    made.eval()
    own, _ = sites(3, 20)
    assembly = model.assembly
    with torch.no_grad():
        wanted = assembly.terms(torch.as_tensor(own), "rates").numpy()
        said = made.terms(torch.as_tensor(own)).numpy()
        activity = made.log10_activity(torch.as_tensor(own)).numpy()
    np.testing.assert_allclose(said, wanted, atol=1e-4)
    rate = assembly.activity(torch.as_tensor(own), "rates", {}).on("log", assembly.outputs["rates"])
    np.testing.assert_allclose(activity, rate.detach().numpy() / np.log(10), atol=1e-4)


def test_bulges_and_missing_positions_enter_as_in_the_readers() -> None:
    model = fitted(LOOP, scale=0.5)
    asked = study(LOOP)
    assert asked.transfer is not None
    made = new_network(model.mechanism, asked.transfer, frame(), asked.experiments)
    made.kinetics.take(model.assembly)
    every = torch.randint(0, 181, (200, LENGTH), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = model.assembly.terms(every, "rates").numpy()
        said = made.terms(every).numpy()
    np.testing.assert_allclose(said, wanted, atol=2e-4)


@pytest.mark.parametrize("hidden", [(), (5, 4)])
def test_a_context_is_bounded_and_leaves_the_matched_target_alone(hidden: tuple[int, ...]) -> None:
    context = Context(30, 4, 1.5, hidden).eval()
    features = (torch.rand(50, 30, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    assert (context(features) == 0).all()
    generator = torch.Generator().manual_seed(2)
    context.randomise(generator)
    context.last.weight.data = 5 * torch.randn(context.last.weight.shape, generator=generator)
    change = context(features).detach()
    assert float(change.abs().max()) <= 1.5
    assert float(change.abs().max()) > 1.4
    assert (context(torch.zeros(1, 30)) == 0).all()


def test_small_changes_pass_unbounded() -> None:
    context = Context(10, 2, 3.0)
    context.last.weight.data = 1e-3 * torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    features = torch.ones(1, 10)
    torch.testing.assert_close(context(features), context.last(features), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("mechanism", [SCHEME, LOOP])
def test_contributions_of_terms_sum_to_the_fall(mechanism: dict[str, Any]) -> None:
    made = network(study(mechanism), scale=0.3)
    own = torch.as_tensor(sites(3, 30)[0])
    with torch.no_grad():
        fall = made.log10_activity(own) - made.kinetics.log10_activity(made.matched())
    shares = contributions(made, own, points=32)
    np.testing.assert_allclose(shares.sum(dim=1).numpy(), fall.numpy(), atol=2e-3)


def test_the_step_that_is_hit_is_that_of_the_only_mismatch() -> None:
    made = network(study(LOOP), scale=0.0)
    own = np.tile(np.full(LENGTH, 180, dtype=np.uint8), (3, 1))
    own[1, 5] = 6  # the guide has A, the target C, at the third base pair
    own[2, 9] = 6
    assert steps_hit(made, own) == ["", "step 3", "step 7"]


def test_a_mechanism_with_inputs_or_an_unknown_output_is_refused() -> None:
    driven = {**SCHEME, "transitions": {**SCHEME["transitions"], "bound->free": {"concentration": "nM"}}}
    asked = study(driven)
    assert asked.transfer is not None
    with pytest.raises(ModelError, match="takes nM as input"):
        new_network(asked.mechanisms["cas"], asked.transfer, frame(), asked.experiments)
    other = study(output="clevage")
    assert other.transfer is not None
    with pytest.raises(ModelError, match="no output 'clevage'"):
        new_network(other.mechanisms["cas"], other.transfer, frame(), other.experiments)


@pytest.mark.parametrize("own", [{"varies": ["costs"]}, {"shorter": {"sites": 4}}])
def test_a_mechanism_that_differs_between_enzymes_is_refused(own: dict[str, Any]) -> None:
    asked = study({**LOOP, **own})
    assert asked.transfer is not None
    with pytest.raises(ModelError, match="differences between enzymes"):
        new_network(asked.mechanisms["cas"], asked.transfer, frame(), asked.experiments)


def test_networks_are_of_single_precision_whatever_the_default() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        made = network(study(LOOP))
    finally:
        torch.set_default_dtype(torch.float32)
    assert {p.dtype for p in made.kinetics.law.buffers() if p.is_floating_point()} == {torch.float32}
    assert made.kinetics.fixed.dtype == made.channels.dtype == made.offsets.dtype == torch.float32
