"""A blueprint in words: what is written is what is computed."""

from __future__ import annotations

import math
import re

import pytest
import torch
from tests.models.assays.promoters import assay, assembled, thermodynamic
from tests.models.assays.test_compile_scheme import kinetic

from pajamo.config.assays import declare
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.description import Edge, diagram, equations, state_table, transition_table

STATES = {
    "free": {},
    "C": {"bound": ["CRP"], "rate": 0.01},
    "R": {"bound": ["RNAP"], "rate": "basal"},
    "CR": {"bound": ["CRP", "RNAP"], "rate": "full"},
}


def lac() -> Blueprint:
    over = assay(inputs={"plate": {"crp": 0.4}})
    return thermodynamic(over, states=STATES, transcribes=[], regulators={"CRP": {"concentration": "crp"}})


def evaluated(text: str, values: dict[str, float]) -> dict[str, float]:
    """Work out lines "name = formula" one after another; kT is 1."""
    known = dict(values)
    for line in text.splitlines():
        name, formula = line.split(" = ", 1)
        code = re.sub(r"(?<![\w\]])\[(\w+)\]", lambda found: f"({known['[' + found[1] + ']']!r})", formula)
        code = re.sub(r"\b(dG|w|r)\[([^\]]+)\]", lambda found: f"({known[found[0]]!r})", code)
        code = re.sub(r"(\)|\d) (?=[(\de])", r"\1 * ", code).replace("kT", "1")
        known[name] = eval(code, {"exp": math.exp, "Z": known.get("Z")})
    return known


def test_equations_give_the_activity_that_the_model_gives() -> None:
    blueprint = lac()
    assembly = assembled(blueprint)
    codes = torch.as_tensor(assay().experiments[0].codes)
    terms = assembly.terms(codes, "plate")
    activity = assembly.law(terms, assembly.offsets(codes, {"crp": torch.full((12,), 0.4).double()}))
    for row in range(3):
        values = {f"dG[{term.name}]": float(terms[row, i].detach()) for i, term in enumerate(blueprint.terms)}
        for name in ("basal", "full"):
            values[f"r[{name}]"] = math.exp(float(terms[row, blueprint.term(f"ln rate of {name}")].detach()))
        found = evaluated(equations(blueprint), values | {"[crp]": 0.4})
        assert found["activity"] == pytest.approx(float(activity.value[row, 0].exp().detach()), rel=1e-6)


def test_the_state_table_shows_energies_concentrations_and_rates() -> None:
    table = state_table(lac())
    assert table["state"].tolist() == ["free", "C", "R", "CR"]
    assert table["energy"].tolist() == ["0", "dG[CRP]", "dG[RNAP]", "dG[CRP] + dG[RNAP] + dG[CRP+RNAP]"]
    assert table["concentrations"].tolist() == ["", "[crp]", "", "[crp]"]
    assert table["rate"].tolist() == ["0", "0.01", "r[basal]", "r[full]"]


def test_states_of_sites_that_slide_are_listed_and_summed() -> None:
    sites = {"TF": {"slide": (0, 4), "length": 5, "strand": "both"}, "POL": {"start": 12, "length": 8}}
    blueprint = thermodynamic(sites=sites, interactions={"TF+POL": {"kind": "helical"}}, transcribes=["POL"])
    table = state_table(blueprint)
    assert len(table) == 22
    assert table.loc[1, ["state", "group", "bound", "energy"]].tolist() == [
        "TF (TF@0+)",
        "TF",
        "TF@0+",
        "dG[TF@0+]",
    ]
    text = equations(blueprint)
    assert "w[TF] = sum over 10 arrangements of exp(-dG[TF@...]/kT)" in text
    assert "dG[TF+POL cosine] cos(2 pi d/10.5)" in text
    drawn = diagram(blueprint)
    assert [node.arrangements for node in drawn.nodes] == [1, 10, 1, 10]
    assert drawn.nodes[3].bound == ("TF", "POL")


def test_edges_of_the_diagram_are_single_binding_events() -> None:
    drawn = diagram(lac())
    assert drawn.edges == (
        Edge("free", "C", "CRP"),
        Edge("free", "R", "RNAP"),
        Edge("C", "CR", "RNAP"),
        Edge("R", "CR", "CRP"),
    )
    assert [node.rates for node in drawn.nodes] == [("0",), ("0.01",), ("r[basal]",), ("r[full]",)]


def test_transitions_are_listed_with_what_sets_their_rate() -> None:
    blueprint = kinetic()
    table = transition_table(blueprint)
    assert table["ln rate"].tolist() == [
        "ln k[crp binds]",
        "ln k[crp binds] + dG[CRP]/kT",
        "ln 2",
        "dG[RNAP]/kT + ln 2",
        "ln k[rnap joins]",
        "ln k[rnap joins] + dG[RNAP]/kT + dG[CRP+RNAP]/kT",
        "ln k[R->CR]",
        "ln k[R->CR] + dG[CRP]/kT + dG[CRP+RNAP]/kT",
    ]
    drawn = diagram(blueprint)
    assert drawn.edges[1] == Edge("C", "free", "ln k[crp binds] + dG[CRP]/kT", directed=True)
    assert "0 = k[C->free] p[C] + k[R->free] p[R] - (k[free->C] + k[free->R]) p[free]" in equations(blueprint)
    assert equations(blueprint).endswith("activity = p[R] + p[CR]")


def test_a_flux_is_written_as_rate_times_share() -> None:
    declared = declare(
        "kinetic",
        states=["off", "on"],
        sites={"A": {"start": 3, "length": 6}},
        transitions={"off->on": {}, "on->off": {"energy": ["A"], "makes": ["rna"]}},
    )
    blueprint = compile_mechanism(declared, assay())
    assert equations(blueprint).endswith("rna = k[on->off] p[on]")
    assert transition_table(blueprint)["makes"].tolist() == ["", "rna"]
    assert list(state_table(blueprint).columns) == ["state"]
    assert diagram(blueprint).edges[1].makes == ("rna",)


def test_latex_escapes_names_and_balances_its_braces() -> None:
    sites = {"my_site": {"start": 0, "length": 5}, "P&Q": {"start": 8, "length": 5}}
    blueprint = thermodynamic(sites=sites, interactions={"my_site+P&Q": {}}, transcribes=["my_site"])
    for text in (equations(blueprint, "latex"), equations(kinetic(), "latex")):
        assert text.count("{") == text.count("}")
        assert all(line.endswith(r" \\") for line in text.splitlines())
    written = equations(blueprint, "latex")
    assert r"\Delta G_{\mathrm{my\_site}}" in written
    assert r"P\&Q" in written
    assert r"\frac{" in written


def test_a_latent_trait_is_a_function_of_the_letters() -> None:
    blueprint = compile_mechanism(declare("latent", reads={"start": 2, "length": 5}), assay())
    assert equations(blueprint) == "trait = f(x[2], ..., x[6])"
    assert diagram(blueprint).nodes == ()
    constant = compile_mechanism(declare("latent", sequence=False), assay())
    assert equations(constant) == "trait = 0"
