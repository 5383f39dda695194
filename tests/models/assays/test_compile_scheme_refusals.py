"""A kinetic scheme that cannot be, or that would teach nothing, is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.models.assays.promoters import assay

from pajamo.config.assays import declare
from pajamo.errors import StudyError
from pajamo.models.assays.compile import compile_mechanism

GOOD: dict[str, Any] = {
    "states": ["off", "on"],
    "sites": {"A": {"start": 3, "length": 6}},
    "transitions": {"off->on": {}, "on->off": {"energy": ["A"]}},
    "outputs": {"rna": {"on": 1}},
}
MOVES: dict[str, Any] = GOOD["transitions"]
B = {"B": {"start": 12, "length": 4}}
FOUR = {"a->b": {"energy": ["A"]}, "b->a": {}, "c->d": {}, "d->c": {}}


def test_the_scheme_itself_is_accepted() -> None:
    assert compile_mechanism(declare("kinetic", **GOOD), assay()).rows == ("off->on", "on->off")
    spaced = {"off -> on": {}, "on -> off": {"energy": ["A"]}}
    compiled = compile_mechanism(declare("kinetic", **(GOOD | {"transitions": spaced})), assay())
    assert compiled.transitions == (("off", "on"), ("on", "off"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"transitions": MOVES | {"off-on": {}}}, ["transitions.off-on", '"A->B"', "off, on"]),
        ({"transitions": MOVES | {"off->on->off": {}}}, ["cannot be called 'off->on->off'"]),
        ({"transitions": MOVES | {"off->": {}}}, ["cannot be called 'off->'"]),
        ({"transitions": MOVES | {"of->on": {}}}, ["transitions.of->on", "did you mean 'off'"]),
        ({"transitions": MOVES | {"on->on": {}}}, ["from 'on' to itself"]),
        ({"transitions": MOVES | {"on -> off": {}}}, ["transitions", "used twice: on->off"]),
        ({"states": ["off", "on", "on"]}, ["states", "used twice: on"]),
        ({"states": ["off", "on", "a->b"]}, ["cannot be called 'a->b'"]),
        ({"states": ["off", "on", "deaf"]}, ["states.deaf", "unreachable", "no transition leads into it"]),
        (
            {"states": ["off", "on", "x", "y"], "transitions": MOVES | {"x->y": {}, "y->x": {}, "y->on": {}}},
            ["leaves x, y for good", "add a transition back from off, on"],
        ),
        (
            {"states": ["a", "b", "c", "d"], "transitions": FOUR, "outputs": {"rna": {"b": 1}}},
            ["no unique steady state", "{a, b}", "{c, d}", "transitions: "],
        ),
        ({"sites": GOOD["sites"] | B}, ["sites.B", "enters no rate"]),
        ({"sites": {"A": {"start": 20, "length": 6}}}, ["sites.A", "outside the sequence"]),
        ({"sites": {"A": {"slide": (0, 3), "length": 6}}}, ["sites.A", "one place and one strand"]),
        ({"sites": {"A": {"start": 3, "strand": "both"}}}, ["sites.A", "one place and one strand"]),
        (
            {"transitions": MOVES | {"on->off": {"energy": ["B"]}}},
            ["transitions.on->off.energy", "no site or interaction 'B'"],
        ),
        ({"transitions": MOVES | {"on->off": {"energy": ["A", "A"]}}}, ["on->off.energy", "used twice: A"]),
        ({"sites": GOOD["sites"] | B, "interactions": {"A+B": {}}}, ["enters no rate"]),
        ({"interactions": {"A+C": {}}}, ["interactions.A+C", "no site 'C'"]),
        (
            {"sites": GOOD["sites"] | B, "interactions": {"A+B": {"kind": "spacer"}}},
            ["interactions.A+B.kind", "never varies"],
        ),
        ({"outputs": {}}, ["outputs", "no output", "makes"]),
        ({"outputs": {"rna": {"no": 1}}}, ["outputs.rna", "did you mean 'on'"]),
        ({"outputs": {"rna": {"on": 1, "off": 1}}}, ["outputs.rna", "same rate (1.0)"]),
        ({"transitions": MOVES | {"off->on": {"makes": ["rna"]}}}, ["outputs", "used twice: rna"]),
        ({"transitions": MOVES | {"off->on": {"makes": ["x", "x"]}}}, ["off->on.makes", "used twice: x"]),
        (
            {"sites": {}, "transitions": {"off->on": {}, "on->off": {}}},
            ["no rate depends on the sequence", "reads"],
        ),
        (
            {"transitions": MOVES | {"off->on": {"concentration": "tf"}}},
            ["'plate' does not give the input 'tf'"],
        ),
        (
            {"transitions": MOVES | {"off->on": {"reads": {"start": 20, "length": 5}}}},
            ["transitions.off->on.reads", "outside the sequence"],
        ),
        (
            {"transitions": MOVES | {"off->on": {"reads": {"strand": "both"}}}},
            ["transitions.off->on.reads", "one place and one strand"],
        ),
        (
            {
                "transitions": {
                    "off->on": {"of": "k", "reads": {"length": 5}},
                    "on->off": {"of": "k", "reads": {"length": 6}, "energy": ["A"]},
                }
            },
            ["'k' reads different parts", "transitions.on->off.reads", "off->on"],
        ),
    ],
)
def test_contradictions_are_named(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        compile_mechanism(declare("kinetic", **(GOOD | changes)), assay(), where="mechanisms.burst")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.where.startswith("mechanisms.burst.")
    assert caught.value.fix
