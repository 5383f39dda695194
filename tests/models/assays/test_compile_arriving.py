"""Declared passages and fractions become outputs; what never arrives, or is always the same, is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.models.assays.promoters import activity, assay, assembled

from pajamo.config.assays import declare
from pajamo.errors import DataError, StudyError
from pajamo.mechanisms.kinetics.passage import Passage, log_mean_first_passage_time
from pajamo.mechanisms.kinetics.transient import log_arrived
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.description import diagram, equations, state_table
from pajamo.models.assays.head import MechanismHead

TIMES = np.linspace(0.1, 30.0, 12)
CUTTING: dict[str, Any] = {
    "states": ["out", "open", "shut", "cut"],
    "transitions": {
        "out->open": {"concentration": "enzyme"},
        "open->out": {"reads": {"start": 0, "length": 3}},
        "open->shut": {"reads": {"start": 3, "length": 9}},
        "shut->open": {},
        "shut->cut": {"rate": 0.1},
    },
    "passages": {"rate": {"start": "out", "to": ["cut"]}},
    "fractions": {"cleaved": {"start": "open", "to": ["cut", "out"]}},
}
MOVES: dict[str, Any] = CUTTING["transitions"]
GIVEN = {"plate": {"time": TIMES, "enzyme": 2.0}}


def cutting(**changes: Any) -> Blueprint:
    return compile_mechanism(
        declare("kinetic", **(CUTTING | changes)), assay(inputs=GIVEN), where="mechanisms.cas"
    )


def test_outputs_are_what_they_say() -> None:
    blueprint, over = cutting(), assay(inputs=GIVEN)
    assert blueprint.outputs == ("rate", "cleaved")
    assert blueprint.steady == ()
    assert blueprint.passages == {"rate": Passage("out", ("cut",))}
    assembly = assembled(blueprint)
    codes = torch.as_tensor(over.experiments[0].codes)
    rates = assembly.terms(codes, "plate") @ torch.as_tensor(blueprint.incidence).T
    rates = (rates + torch.tensor([2.0, 1.0, 1.0, 1.0, 0.1]).double().log()).detach()
    found = activity(blueprint, over)
    torch.testing.assert_close(
        found[:, 0], -log_mean_first_passage_time(assembly.law.scheme, rates, ["cut"])[:, 0]
    )
    arrived, _ = log_arrived(assembly.law.scheme, rates, "open", ["cut", "out"], torch.as_tensor(TIMES))
    torch.testing.assert_close(found[:, 1], arrived)


def test_they_stand_behind_outputs_of_the_steady_state() -> None:
    blueprint = cutting(
        transitions=MOVES | {"cut->out": {"makes": ["turnover"]}}, outputs={"bound": {"shut": 1}}
    )
    assert blueprint.outputs == ("bound", "turnover", "rate", "cleaved")
    assert blueprint.steady == ("bound", "turnover")
    assert blueprint.makes is not None
    assert blueprint.makes.sum() == 1
    assert blueprint.makes[1, -1]
    found = activity(blueprint, assay(inputs=GIVEN))
    assert found.shape == (12, 4)
    assert found.isfinite().all()


def test_only_fractions_need_a_time() -> None:
    assert set(cutting().inputs) == {"enzyme", "time"}
    assert set(cutting(fractions={}).inputs) == {"enzyme"}
    declared = declare("kinetic", **CUTTING)
    with pytest.raises(StudyError, match="does not give the input 'time'"):
        compile_mechanism(declared, assay(inputs={"plate": {"enzyme": 1.0}}))
    with pytest.raises(DataError, match="'time'"):
        compile_mechanism(declared, assay(inputs={"plate": {"enzyme": 1.0, "time": -1.0}}))
    with pytest.raises(StudyError, match="cannot be estimated"):
        compile_mechanism(declared, assay(inputs={"plate": {"enzyme": 1.0}}), [("time", "plate")])


def test_a_start_that_nothing_enters_is_seen() -> None:
    moves = {name: move for name, move in MOVES.items() if name != "open->out"}
    blueprint = cutting(transitions=moves, fractions={})
    assert blueprint.rows == tuple(moves)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"passages": {"rate": {"start": "ot", "to": ["cut"]}}}, ["passages.rate", "did you mean 'out'"]),
        ({"passages": {"rate": {"start": "out", "to": ["cat"]}}}, ["passages.rate", "no state 'cat'"]),
        ({"fractions": {"f": {"start": "open", "to": ["open"]}}}, ["fractions.f", "starts where it ends"]),
        ({"passages": {"rate": {"start": "out", "to": ["cut", "cut"]}}}, ["passages.rate", "used twice: cut"]),
        ({"passages": {"rate": {"start": "cut", "to": ["out"]}}}, ["without a path to", "no other state"]),
        ({"passages": {"rate": {"start": "out", "to": ["open"]}, "r": {"start": "shut", "to": ["out"]}}},
         ["passages.r", "never come from 'shut' to out", "no way on from cut"]),
        ({"outputs": {"bound": {"shut": 1}}}, ["'bound' is the same for every sequence", "every molecule is in cut"]),
        ({"transitions": MOVES | {"shut->cut": {"makes": ["x"]}}}, ["the output 'x' is the same", "`passages`"]),
        ({"outputs": {"rate": {"shut": 1}}, "transitions": MOVES | {"cut->out": {}}}, ["used twice: rate"]),
        ({"passages": {}, "fractions": {}}, ["leaves out, open, shut for good", "`passages`"]),
        (
            {"states": [*CUTTING["states"], "x", "y"], "transitions": MOVES | {"x->y": {}, "y->x": {}, "y->cut": {}}},
            ["no molecule ever comes to x, y", "they set out in open, out"],
        ),
    ],
)  # fmt: skip
def test_what_never_arrives_is_named(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        cutting(**changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.where.startswith("mechanisms.cas.")
    assert caught.value.fix


def test_equations_are_of_times_and_of_probabilities_in_time() -> None:
    lines = equations(cutting()).splitlines()
    assert "T[cut] = 0" in lines
    assert "1 = k[shut->open] (T[shut] - T[open]) + k[shut->cut] (T[shut] - T[cut])" in lines
    assert "rate = 1 / T[out]" in lines
    assert "d p[open] / d t = k[shut->open] p[shut] - (k[open->out] + k[open->shut]) p[open]" in lines
    assert "p[open](0) = 1" in lines
    assert lines[-1] == "cleaved = p[cut](time) + p[out](time)"
    assert not any(line.startswith("0 = ") for line in lines)
    written = equations(cutting(), "latex")
    assert written.count("{") == written.count("}")
    assert r"\frac{1}{T_{\mathrm{out}}}" in written


def test_states_have_no_rates_where_only_arrivals_count() -> None:
    assert list(state_table(cutting()).columns) == ["state"]
    assert {node.rates for node in diagram(cutting()).nodes} == {()}


def test_a_head_takes_the_time() -> None:
    head = MechanismHead.of(declare("kinetic", **CUTTING), length=24).double()
    given = torch.randn(12, head.features, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    enzyme, time = torch.full((12,), 2.0).double(), torch.as_tensor(TIMES)
    early = head(given, {"enzyme": enzyme, "time": time}).on("logit", 1)
    late = head(given, {"enzyme": enzyme, "time": 10 * time}).on("logit", 1)
    assert (late > early).all()
