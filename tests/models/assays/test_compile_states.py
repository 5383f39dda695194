"""A thermodynamic declaration becomes the states, energies and rates that it means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.assays.promoters import activity, assay, assembled, thermodynamic

from pajamo.errors import PajamoWarning
from pajamo.models.assays.blueprint import BOLTZMANN


def test_states_are_all_sets_of_sites_with_room() -> None:
    blueprint = thermodynamic()
    assert blueprint.states == ("free", "CRP", "RNAP", "CRP+RNAP")
    assert np.array_equal(blueprint.incidence, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]])
    assert np.array_equal(np.exp(blueprint.log_rates), [[0, 0, 1, 1]])
    assert blueprint.kT == pytest.approx(BOLTZMANN * 310.15)


def test_sites_that_overlap_are_not_enumerated_together() -> None:
    sites = {
        "act": {"start": 0, "length": 6},
        "rep": {"start": 10, "length": 6},
        "pol": {"start": 12, "length": 8},
    }
    blueprint = thermodynamic(sites=sites, interactions={"act+pol": {}}, transcribes=["pol"])
    assert blueprint.states == ("free", "act", "rep", "pol", "act+rep", "act+pol")
    declared = thermodynamic(
        sites=sites,
        interactions={},
        transcribes=[],
        states={"none": {}, "all": {"bound": ["act", "rep", "pol"], "rate": 1}},
    )
    assert declared.bound == ((), ("act", "rep", "pol"))


def test_sites_that_share_a_matrix_read_alike_and_count_their_regulator_twice() -> None:
    sites = {
        "one": {"start": 0, "length": 5, "regulator": "TF"},
        "two": {"start": 7, "shares": "one"},
        "pol": {"start": 14, "length": 8},
    }
    blueprint = thermodynamic(
        assay(inputs={"plate": {"tf": 2.0}}),
        sites=sites,
        regulators={"TF": {"concentration": "tf"}},
        interactions={},
        transcribes=["pol"],
    )
    assert set(blueprint.readers) == {"one", "pol"}
    assert blueprint.terms[1].encoder == "one"
    assert blueprint.terms[1].start == 7
    double = blueprint.states.index("one+two")
    assert blueprint.inputs["tf"][double] == 2


def test_known_concentrations_are_fixed_and_zero_removes_states() -> None:
    blueprint = thermodynamic(regulators={"CRP": {"concentration": 3.0}})
    assert blueprint.fixed_inputs is not None
    assert blueprint.fixed_inputs == pytest.approx([0, np.log(3), 0, np.log(3)])
    without = thermodynamic(regulators={"CRP": {"concentration": 0.0}})
    alone = thermodynamic(sites={"RNAP": {"start": 12, "length": 8}}, interactions={})
    absent, present = assembled(without), assembled(alone)
    with torch.no_grad():
        present.reader("RNAP").weights.copy_(absent.reader("RNAP").weights)
    codes = torch.as_tensor(assay().experiments[0].codes)
    assert torch.allclose(
        absent.activity(codes, "plate", {}).value, present.activity(codes, "plate", {}).value, atol=1e-14
    )


def test_an_input_of_zero_leaves_values_and_gradients_finite() -> None:
    over = assay(inputs={"plate": {"crp": [0.0, 1.0] * 6}})
    assembly = assembled(thermodynamic(over, regulators={"CRP": {"concentration": "crp"}}))
    first = over.experiments[0]
    found = assembly.activity(
        torch.as_tensor(first.codes), "plate", {"crp": torch.tensor(first.inputs["crp"])}
    )
    (found.value - found.rest).sum().backward()
    gradients = torch.cat([p.grad.flatten() for p in assembly.parameters()])
    assert gradients.isfinite().all()
    assert gradients.abs().max() > 0


def test_an_estimated_concentration_acts_as_its_value_would() -> None:
    over = assay(inputs={"low": {}, "high": {"crp": 1.0}})
    settings = {"regulators": {"CRP": {"concentration": "crp"}}}
    blueprint = thermodynamic(over, [("crp", "low")], **settings)
    assert blueprint.terms[-1].name == "ln crp in low"
    assembly = assembled(blueprint)
    codes = torch.as_tensor(over.experiments[0].codes)
    with torch.no_grad():
        assembly.constants[-1] = np.log(0.3)
    fitted = assembly.activity(codes, "low", {}).value
    given = assembly.activity(codes, "high", {"crp": torch.full((12,), 0.3, dtype=torch.float64)}).value
    assert torch.allclose(fitted, given, atol=1e-13)


def test_a_concentration_estimated_everywhere_is_warned_of() -> None:
    with pytest.warns(PajamoWarning, match="only its ratios"):
        thermodynamic(fitted=[("crp", "plate")], regulators={"CRP": {"concentration": "crp"}})


def test_interactions_keep_their_declared_energy_in_kT() -> None:
    blueprint = thermodynamic(interactions={"CRP+RNAP": {"initial": -2.0, "fixed": True, "sd": 3.0}})
    term = blueprint.terms[blueprint.term("CRP+RNAP")]
    assert term.initial == pytest.approx(-2.0 / blueprint.kT)
    assert (term.fixed, term.sd) == (True, 3.0)


STATES = {
    "free": {},
    "C": {"bound": ["CRP"]},
    "R": {"bound": ["RNAP"], "rate": "basal"},
    "CR": {"bound": ["CRP", "RNAP"], "rate": "full"},
}


def test_of_named_rates_only_ratios_are_fitted() -> None:
    blueprint = thermodynamic(states=STATES, transcribes=[])
    assert blueprint.terms[-1].name == "ln rate of full"
    assert blueprint.rate_terms.tolist() == [[-1, -1, -1, 3]]
    assert blueprint.log_rates[0, 2] == 0


def test_a_number_is_the_unit_of_named_rates() -> None:
    states = STATES | {"C": {"bound": ["CRP"], "rate": 0.01}}
    blueprint = thermodynamic(states=states, transcribes=[])
    assert [term.name for term in blueprint.terms[-2:]] == ["ln rate of basal", "ln rate of full"]
    assert blueprint.rate_terms.tolist() == [[-1, -1, 3, 4]]


def test_outputs_that_compare_the_same_rates_share_them() -> None:
    blueprint = thermodynamic(
        states={name: {"bound": state.get("bound", [])} for name, state in STATES.items()},
        transcribes=[],
        outputs={
            "fold": {"R": "a", "CR": "b"},
            "bind": {"C": "b", "CR": "c"},
            "alone": {"CR": "c"},
            "other": {"C": "d", "R": "e"},
        },
    )
    assert [term.name for term in blueprint.terms[3:]] == [f"ln rate of {name}" for name in "bce"]
    assert blueprint.rate_terms.tolist() == [
        [-1, -1, -1, 3],
        [-1, 3, -1, 4],
        [-1, -1, -1, -1],
        [-1, -1, 5, -1],
    ]


def test_two_phenotypes_of_one_fold_equal_the_closed_form() -> None:
    over = assay()
    blueprint = thermodynamic(
        over,
        sites={"fold": {"start": 0, "length": 12}, "bind": {"start": 12, "length": 12}},
        interactions={},
        transcribes=[],
        states={"unfolded": {}, "folded": {"bound": ["fold"]}, "bound": {"bound": ["fold", "bind"]}},
        outputs={"abundance": {"folded": 1, "bound": 1}, "binding": {"bound": 1}},
    )
    assembly = assembled(blueprint)
    codes = torch.as_tensor(over.experiments[0].codes)
    fold, bind = assembly.terms(codes, "plate").exp().reciprocal().unbind(dim=1)
    expected = torch.stack([fold * (1 + bind), fold * bind], dim=1) / (1 + fold * (1 + bind))[:, None]
    assert torch.allclose(assembly.activity(codes, "plate", {}).value.exp(), expected, rtol=1e-12)


def test_enumerated_and_declared_states_say_the_same() -> None:
    over = assay()
    states = {name: dict(state, rate=float("R" in name)) for name, state in STATES.items()}
    assert torch.equal(
        activity(thermodynamic(over), over), activity(thermodynamic(over, states=states), over)
    )


def test_names_of_sites_may_be_those_of_python_attributes() -> None:
    names = ("keys", "values")
    sites = {name: {"start": 8 * i, "length": 6} for i, name in enumerate(names)}
    assembly = assembled(thermodynamic(sites=sites, interactions={}, transcribes=["keys"]))
    assert [name for name, _ in assembly.readers()] == list(names)
