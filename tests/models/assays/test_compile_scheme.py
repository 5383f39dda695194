"""A kinetic declaration becomes the rates that it means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.models.assays.promoters import LAC, activity, assay, assembled, thermodynamic

from pajamo.config.assays import declare
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism

CYCLE: dict[str, Any] = {
    "states": ["free", "C", "R", "CR"],
    "sites": LAC["sites"],
    "interactions": LAC["interactions"],
    "transitions": {
        "free->C": {"of": "crp binds"},
        "C->free": {"of": "crp binds", "energy": ["CRP"]},
        "free->R": {"rate": 2.0},
        "R->free": {"rate": 2.0, "energy": ["RNAP"]},
        "C->CR": {"reads": {"start": 20, "length": 4}, "of": "rnap joins"},
        "CR->C": {"of": "rnap joins", "energy": ["RNAP", "CRP+RNAP"]},
        "R->CR": {},
        "CR->R": {"of": "R->CR", "energy": ["CRP", "CRP+RNAP"]},
    },
    "outputs": {"activity": {"R": 1, "CR": 1}},
}


def kinetic(over: Any = None, fitted: Any = (), **changes: Any) -> Blueprint:
    return compile_mechanism(declare("kinetic", **(CYCLE | changes)), over or assay(), fitted)


def test_each_rate_is_a_sum_of_its_terms() -> None:
    blueprint = kinetic()
    names = [term.name for term in blueprint.terms]
    assert names == ["ln k crp binds", "ln k rnap joins", "ln k R->CR", "CRP", "RNAP", "CRP+RNAP"]
    assert blueprint.incidence.tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 0, 1, 1],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 1],
    ]
    assert blueprint.fixed_inputs == pytest.approx(np.log([1, 1, 2, 2, 1, 1, 1, 1]))
    assert [term.unit for term in blueprint.terms] == ["ln(1/s)"] * 3 + ["kT"] * 3
    assert blueprint.terms[1].encoder == "ln k rnap joins"
    assert blueprint.terms[1].start == 20


@pytest.mark.parametrize("seed", range(5))
def test_in_detailed_balance_it_is_the_thermodynamic_declaration(seed: int) -> None:
    over = assay()
    first = assembled(kinetic(over), seed=seed)
    second = assembled(thermodynamic(over), seed=seed + 100)
    with torch.no_grad():
        for name in ("CRP", "RNAP"):
            second.reader(name).weights.copy_(first.reader(name).weights)
        second.constants[0] = first.constants[-1]
    codes = torch.as_tensor(over.experiments[0].codes)
    one, other = (assembly.activity(codes, "plate", {}).on("logit", 0) for assembly in (first, second))
    assert torch.allclose(one, other, atol=1e-9)


TELEGRAPH: dict[str, Any] = {
    "states": ["off", "on"],
    "sites": {"A": {"start": 3, "length": 6}},
    "interactions": {},
    "transitions": {
        "off->on": {"concentration": "activator"},
        "on->off": {"energy": ["A"], "makes": ["bursts"]},
    },
    "outputs": {"rna": {"on": "initiation"}},
}


def test_a_concentration_multiplies_a_rate() -> None:
    over = assay(inputs={"plate": {"activator": 2.5}})
    blueprint = kinetic(over, **TELEGRAPH)
    assembly = assembled(blueprint)
    codes = torch.as_tensor(over.experiments[0].codes)
    log_on, log_off, energy = assembly.terms(codes, "plate").unbind(dim=1)
    on, off = 2.5 * log_on.exp(), (log_off + energy).exp()
    assert blueprint.outputs == ("rna", "bursts")
    found = activity(blueprint, over).exp()
    assert torch.allclose(found[:, 0], (on / (on + off)).detach(), rtol=1e-12)
    assert torch.allclose(found[:, 1], (off * on / (on + off)).detach(), rtol=1e-12)


def test_an_estimated_concentration_enters_ln_of_its_rate() -> None:
    over = assay(inputs={"low": {}, "high": {"activator": 1.0}})
    blueprint = kinetic(over, [("activator", "low")], **TELEGRAPH)
    assert blueprint.terms[-1].name == "ln activator in low"
    assert blueprint.incidence[:, -1].tolist() == [1, 0]


def test_a_known_concentration_is_part_of_the_known_rate() -> None:
    transitions = TELEGRAPH["transitions"] | {"off->on": {"rate": 3.0, "concentration": 0.5}}
    blueprint = kinetic(**(TELEGRAPH | {"transitions": transitions}))
    assert blueprint.fixed_inputs == pytest.approx([np.log(1.5), 0.0])


def test_states_may_have_fitted_ratios_of_rates() -> None:
    blueprint = kinetic(outputs={"rna": {"R": "basal", "CR": "full"}})
    assert blueprint.terms[-1].name == "ln rate of full"
    assert blueprint.rate_terms.tolist() == [[-1, -1, -1, 6]]
    assert not blueprint.incidence[:, -1].any()
