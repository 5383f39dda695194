"""A thermodynamic declaration that contradicts itself is refused, with the place, the reason and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.models.assays.promoters import LAC, assay, of_sequences, thermodynamic

from pajamo.config.assays import declare, parse_assay_study
from pajamo.errors import DataError, StudyError
from pajamo.models.assays.compile import compile_mechanism, refuse_unused_inputs
from pajamo.models.assays.compiling import arranging

SITES: dict[str, Any] = LAC["sites"]
STATES: dict[str, Any] = {"none": {}, "pol": {"bound": ["RNAP"], "rate": 1}, "act": {"bound": ["CRP"]}}
SLIDING = {"slide": (0, 4), "length": 5}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"sites": SITES | {"RNAP": {"start": 20, "length": 8}}},
            ["sites.RNAP", "outside", "20 to 27", "0 to 23"],
        ),
        ({"sites": SITES | {"RNAP": {"start": 30}}}, ["sites.RNAP", "outside the sequence"]),
        ({"sites": SITES | {"CRP": {"slide": (0, 20), "length": 6}}}, ["sites.CRP", "outside", "0 to 25"]),
        ({"sites": SITES | {"CRP": {"slide": (0, 2)}}}, ["sites.CRP", "needs a `length`"]),
        ({"sites": SITES | {"A+B": {"length": 3}}}, ["cannot be called 'A+B'", "join names"]),
        ({"sites": SITES | {"free": {"length": 3}}}, ["used twice: free"]),
        ({"sites": SITES | {"two": {"shares": "CPR"}}}, ["sites.two.shares", "did you mean 'CRP'"]),
        ({"sites": SITES | {"two": {"shares": "two"}}}, ["sites.two.shares", "no other site 'two'"]),
        (
            {"sites": SITES | {"two": {"shares": "CRP"}, "three": {"shares": "two"}}},
            ["sites.three.shares", "has none of its own", "'CRP'"],
        ),
        ({"sites": SITES | {"two": {"shares": "CRP", "length": 4}}}, ["sites.two.length", "not its length"]),
        ({"transcribes": ["RNPA"]}, ["transcribes", "did you mean 'RNAP'"]),
        ({"interactions": {"CRPRNAP": {}}}, ["'CRPRNAP'", "did you mean 'CRP+RNAP'", "A+B"]),
        ({"interactions": {"CRP+RNA": {}}}, ["interactions.CRP+RNA", "did you mean 'RNAP'"]),
        ({"interactions": {"CRP+CRP": {}}}, ["interacts with itself", "second site"]),
        ({"interactions": {"CRP+RNAP": {}, "RNAP+CRP": {}}}, ["interactions.RNAP+CRP", "used twice"]),
        ({"interactions": {"CRP+RNAP": {"kind": "spacer"}}}, ["is always 11", "slide", '"constant"']),
        ({"interactions": {"CRP+RNAP": {"kind": "helical"}}}, ["interactions.CRP+RNAP.kind", "always 11"]),
        (
            {"sites": {"CRP": {"start": 8, "length": 6}, "RNAP": SITES["RNAP"]}},
            ["interactions.CRP+RNAP", "never bound together"],
        ),
        ({"states": STATES}, ["interactions.CRP+RNAP", "never bound together", "add a state"]),
        ({"states": STATES | {"x": {"bound": ["CPR"]}}}, ["states.x.bound", "did you mean 'CRP'"]),
        ({"states": STATES | {"x": {"bound": ["CRP", "CRP"]}}}, ["states.x.bound", "used twice: CRP"]),
        ({"states": STATES | {"x": {"bound": ["CRP"]}}}, ["states.x", "'act' and 'x' are alike", "bind CRP"]),
        ({"states": STATES | {"x": {"bound": ["CRP"], "rate": 2}}}, ["'act' and 'x' are alike"]),
        ({"states": STATES | {"x": {}}}, ["'none' and 'x' are alike", "bind nothing"]),
        ({"states": {"none": {}, "pol": {"bound": ["RNAP"], "rate": 1}}}, ["sites.CRP", "bound in no state"]),
        (
            {"states": {"none": {}, "both": {"bound": ["CRP", "RNAP"]}}},
            ["no state is active", "nothing to learn", "`transcribes`"],
        ),
        (
            {"states": {"none": {"rate": 2}, "both": {"bound": ["CRP", "RNAP"], "rate": 2}}},
            ["all states are active with the same rate (2.0)"],
        ),
        (
            {"states": {"none": {"rate": "a"}, "both": {"bound": ["CRP", "RNAP"], "rate": "a"}}},
            ["same rate (a)"],
        ),
        (
            {
                "sites": {"ln rate of b": {"start": 0, "length": 5}, "P": {"start": 8, "length": 5}},
                "interactions": {},
                "states": {
                    "none": {},
                    "x": {"bound": ["ln rate of b"], "rate": "a"},
                    "p": {"bound": ["P"], "rate": "b"},
                },
            },
            ["used twice: ln rate of b", "rename"],
        ),
        ({"outputs": {"rna": {"RNPA": 1}}}, ["outputs.rna", "did you mean 'RNAP'"]),
        ({"outputs": {"rna": {"RNAP": 0}}}, ["outputs.rna", "no state is active"]),
        ({"regulators": {"CPR": {}}}, ["regulators.CPR", "binds no site", "CRP"]),
        (
            {"regulators": {"CRP": {"concentration": "crp"}}},
            ["'plate' does not give the input 'crp'", "none"],
        ),
        (
            {
                "sites": SITES
                | {"CRP": {"start": 0, "length": 5, "strand": "+", "slide": None, "matrix": [[1.0]]}}
            },
            ["sites.CRP.matrix", "4 numbers for each position"],
        ),
        (
            {
                "sites": {"one": SLIDING, "two": SLIDING | {"slide": (1, 3)}},
                "interactions": {},
                "states": {"none": {}, "both": {"bound": ["one", "two"], "rate": 1}},
            },
            ["states.both", "unreachable", "always overlap"],
        ),
    ],
)
def test_contradictions_are_named(changes: Mapping[str, Any], words: list[str]) -> None:
    with pytest.raises((StudyError, DataError)) as caught:
        thermodynamic(**changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.fix or caught.value.why


def test_errors_name_the_mechanism() -> None:
    settings = declare("thermodynamic", **(LAC | {"transcribes": ["RNPA"]}))
    with pytest.raises(StudyError) as caught:
        compile_mechanism(settings, assay(), where="mechanisms.lac")
    assert caught.value.where == "mechanisms.lac.transcribes"


def test_an_input_that_one_experiment_lacks_is_named_with_what_all_give() -> None:
    over = assay(inputs={"one": {"crp": 1.0}, "two": {"cpr": 1.0}})
    with pytest.raises(StudyError, match="'two' does not give the input 'crp'") as caught:
        thermodynamic(over, regulators={"CRP": {"concentration": "crp"}})
    assert caught.value.why == "one gives crp; two gives cpr"
    assert "did you mean 'cpr'" in caught.value.fix


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_concentration_that_cannot_be_is_shown_with_its_row(value: float) -> None:
    over = assay(rows=2, inputs={"plate": {"crp": [1.0, value]}})
    with pytest.raises(DataError, match="plate, row 1"):
        thermodynamic(over, regulators={"CRP": {"concentration": "crp"}})


def test_an_input_that_no_mechanism_takes_is_refused() -> None:
    raw = {
        "name": "x",
        "mechanisms": {
            "lac": {"kind": "thermodynamic", **LAC, "regulators": {"CRP": {"concentration": "crp"}}}
        },
        "experiments": {
            "plate": {"path": "a.csv", "inputs": {"cpr": 1.0}, "measurement": {"kind": "continuous"}}
        },
    }
    with pytest.raises(StudyError, match="no mechanism takes the input 'cpr'") as caught:
        refuse_unused_inputs(parse_assay_study(raw))
    assert caught.value.where == "experiments.plate.inputs.cpr"
    assert "did you mean 'crp'" in caught.value.fix


def test_a_fixed_place_on_sequences_of_different_length_is_refused() -> None:
    over = of_sequences("ACGTTGCATTAGCCATAGGACCTA", "ACGTTGCATTAGCCATAGG")
    with pytest.raises(DataError, match="1 are shorter than 24") as caught:
        thermodynamic(over)
    assert "experiments.plate, row 1: ACGTTGCATTAGCCATAGG (19 letters)" in caught.value.where
    assert "slide" in caught.value.fix
    for kind in ("additive", "network"):
        with pytest.raises(DataError, match="differ in length"):
            compile_mechanism(declare("latent", reads={"encoder": kind}), over)


def test_a_sequence_on_which_nothing_active_has_room_is_refused() -> None:
    over = of_sequences("ACGTTGCATTAGCCATAGGACCTA", "ACGTT")
    with pytest.raises(DataError, match="no active state is possible") as caught:
        thermodynamic(over, sites={"P": {"slide": (0, 9), "length": 6}}, interactions={}, transcribes=["P"])
    assert "row 1: 5 letters" in caught.value.where


def test_a_concentration_of_nought_that_leaves_no_active_state_is_refused() -> None:
    over = assay(rows=2, inputs={"plate": {"rnap": [1.0, 0.0]}})
    with pytest.raises(DataError, match="no active state is possible") as caught:
        thermodynamic(over, regulators={"RNAP": {"concentration": "rnap"}})
    assert "row 1: 24 letters, with rnap at 0" in caught.value.where


def test_the_other_strand_of_a_protein_is_refused() -> None:
    site = {"P": {"start": 0, "length": 4, "strand": "-"}}
    with pytest.raises(StudyError, match="strand '-' cannot be read"):
        thermodynamic(assay(alphabet="protein"), sites=site, interactions={}, transcribes=["P"])


def test_too_many_states_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"s{i}": {"start": i, "length": 1} for i in range(24)}
    with pytest.raises(StudyError, match=f"more than {arranging.MOST_STATES} states"):
        thermodynamic(sites=many, interactions={}, transcribes=["s0"])
    monkeypatch.setattr(arranging, "MOST_STATES", 100)
    slid = {f"s{i}": {"slide": (0, 21), "length": 3} for i in range(3)}
    states = {"none": {}, "all": {"bound": list(slid), "rate": 1}}
    with pytest.raises(StudyError, match="more than 100 states"):
        thermodynamic(sites=slid, interactions={}, transcribes=[], states=states)


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        ({"start": 20, "length": 8}, ["reads", "outside the sequence"]),
        ({"slide": (0, 3), "length": 8}, ["one place and one strand"]),
        ({"strand": "both"}, ["one place and one strand"]),
    ],
)
def test_a_latent_trait_reads_one_place_within_the_sequence(reads: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        compile_mechanism(declare("latent", reads=reads), assay(), where="models.additive")
    assert caught.value.where.startswith("models.additive.reads")
    assert all(word in str(caught.value) for word in words)
