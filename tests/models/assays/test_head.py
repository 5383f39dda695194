"""A mechanism as the head of a network: the same law as in a fitted model, and gradients through everything."""

from __future__ import annotations

import pytest
import torch
from tests.models.assays.promoters import LAC, assembled, of_sequences, thermodynamic

from pajamo.config.assays import declare
from pajamo.errors import ModelError
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.models.assays.head import MechanismHead

LENGTH = 24


def test_the_head_is_the_law_of_the_assembly() -> None:
    over = of_sequences("ACGTTGCAACGGTACGTTGCAACG", "TCGTAGCAACGGTACGATGCATCG")
    blueprint = thermodynamic(over)
    assembly, head = assembled(blueprint), MechanismHead(blueprint).double()
    codes = torch.as_tensor(over.experiments[0].codes)
    terms = assembly.terms(codes, "plate").detach()
    with torch.no_grad():
        head.constants.copy_(assembly.constants)
        found = head(terms[:, :2])
        assert head.takes == ("CRP", "RNAP")
        assert torch.equal(head.terms(terms[:, :2]), terms)
        assert torch.allclose(found.value, assembly.activity(codes, "plate", {}).value, atol=1e-14)
        occupied = head.log_occupancies(terms[:, :2]).exp()
    assert torch.allclose(occupied[:, 2:].sum(dim=1), found.value[:, 0].exp())


def test_concentrations_multiply_what_is_bound() -> None:
    mechanism = declare("thermodynamic", **LAC, regulators={"CRP": {"concentration": "crp"}})
    head = MechanismHead.of(mechanism, LENGTH).double()
    given = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    doubled = head(given, {"crp": torch.full((5,), 2.0)}).value
    shifted = given - torch.tensor([2.0, 1.0]).log().double()
    assert torch.allclose(doubled, head(shifted, {"crp": torch.ones(5)}).value)
    with pytest.raises(ModelError, match="'crp' is missing"):
        head(given)


def test_the_gradient_reaches_network_and_interaction() -> None:
    head = MechanismHead.of(declare("thermodynamic", **LAC), LENGTH).double()
    given = torch.randn(
        3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda g: head(g).value, given)
    head(given).value.sum().backward()
    assert float(head.constants.grad.abs().sum()) > 0


def test_a_network_with_a_head_learns_in_a_loop_of_its_own() -> None:
    torch.manual_seed(0)
    head = MechanismHead.of(declare("thermodynamic", **LAC), LENGTH)
    network, reading = torch.nn.Linear(6, head.features), ContinuousReading()
    x = torch.randn(200, 6)
    truth = torch.randn(6, 2)
    with torch.no_grad():
        head.constants.fill_(-2.0)
        y = 3.0 * head(x @ truth).on("linear", 0) + 0.05 * torch.randn(200)
        head.constants.zero_()
        reading.start(head(network(x)).on("linear", 0), {"value": y})
    optimiser = torch.optim.Adam([*network.parameters(), *head.parameters(), *reading.parameters()], lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        loss = -reading.log_likelihood(head(network(x)).on("linear", 0), {"value": y}).sum()
        loss.backward()
        optimiser.step()
    left = y - reading.expected(head(network(x)).on("linear", 0))
    assert float((left.var() / y.var()).detach()) < 0.02


def test_a_fixed_interaction_stays() -> None:
    changed = LAC | {"interactions": {"CRP+RNAP": {"initial": -1.5, "fixed": True}}}
    head = MechanismHead.of(declare("thermodynamic", **changed), LENGTH)
    before = head(torch.zeros(1, 2)).value
    with torch.no_grad():
        head.constants.fill_(9.0)
    assert torch.equal(head(torch.zeros(1, 2)).value, before)


def test_a_kinetic_scheme_and_a_trait_are_heads_too() -> None:
    scheme = declare(
        "kinetic", states=["off", "on"], sites={"A": {"start": 3, "length": 4}},
        transitions={"off->on": {}, "on->off": {"energy": ["A"]}}, outputs={"rna": {"on": 1}},
    )  # fmt: skip
    head = MechanismHead.of(scheme, LENGTH).double()
    energy = torch.tensor([[-2.0], [0.0], [3.0]], dtype=torch.float64)
    assert torch.allclose(head(energy).value.exp(), torch.sigmoid(-energy))
    trait = MechanismHead.of(declare("latent"), LENGTH)
    assert trait(torch.ones(2, 1)).value.tolist() == [[1.0], [1.0]]
    with pytest.raises(ModelError, match="no states"):
        trait.log_occupancies(torch.ones(2, 1))


def test_a_network_of_another_width_is_refused() -> None:
    head = MechanismHead.of(declare("thermodynamic", **LAC), LENGTH)
    with pytest.raises(ModelError, match="reads 2 quantities: CRP, RNAP"):
        head(torch.zeros(4, 3))
