"""Declarations of mechanisms: what cannot be is refused before any sequence is read."""

from __future__ import annotations

from typing import Any

import pytest

from pajamo.config.assays import declare, inputs_of
from pajamo.config.assays.reading import BODY_TEMPERATURE
from pajamo.errors import StudyError

SITE = {"start": 3, "length": 6}
MOVES: dict[str, Any] = {"off->on": {}, "on->off": {"energy": ["A"]}}


def thermodynamic(**changes: Any) -> Any:
    return declare("thermodynamic", **({"sites": {"A": SITE}, "transcribes": ["A"]} | changes))


def kinetic(**transitions: Any) -> Any:
    return declare("kinetic", states=["off", "on"], sites={"A": SITE}, transitions=MOVES | transitions)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sites": {}}, "at least one site"),
        ({"transcribes": []}, "give `states`, or say with `transcribes`"),
        ({"states": {"none": {}, "on": {"bound": ["A"], "rate": 1}}}, "say once what is active"),
        ({"outputs": {"rna": {"A": 1}}}, "say once what is active"),
        ({"sites": {"A": SITE | {"start": -1}}}, "greater than or equal to 0"),
        ({"sites": {"A": SITE | {"length": 0}}}, "greater than or equal to 1"),
        ({"sites": {"A": SITE | {"slide": (0, 4)}}}, "either `start`, a known place, or `slide`"),
        ({"sites": {"A": {"length": 6, "slide": (4, 0)}}}, "the first and the last start"),
        ({"sites": {"A": SITE | {"strand": "?"}}}, "'\\+', '-' or 'both'"),
        ({"interactions": {"A+B": {"fixed": True}}}, "needs its value as `initial`"),
        ({"interactions": {"A+B": {"initial": float("nan")}}}, "finite number"),
        ({"regulators": {"A": {"concentration": -1.0}}}, "greater than or equal to 0"),
        ({"states": {"on": {"bound": ["A"], "rate": -1}}}, "greater than or equal to 0"),
        ({"states": {"on": {"bound": ["A"], "rate": ""}}}, r"states\.on\.rate"),
        ({"temperature": 0}, "greater than 0"),
    ],
)
def test_impossible_values_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        thermodynamic(**changes)


@pytest.mark.parametrize("extra", [{"of": "k"}, {"reads": {"length": 4}}])
def test_a_known_rate_is_not_fitted_too(extra: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="neither read from the sequence nor shared"):
        kinetic(**{"off->on": {"rate": 1.0, **extra}})


@pytest.mark.parametrize("rate", [0.0, -2.0, float("inf")])
def test_a_known_rate_is_positive(rate: float) -> None:
    with pytest.raises(StudyError):
        kinetic(**{"off->on": {"rate": rate}})


def test_defaults_are_those_of_a_bacterium_at_body_temperature() -> None:
    assert thermodynamic().temperature == BODY_TEMPERATURE
    assert declare("latent").reads.encoder == "additive"


def test_inputs_are_the_concentrations_with_a_name() -> None:
    regulators = {"A": {"concentration": "a"}, "B": {"concentration": 2.0}, "C": {}}
    assert inputs_of(thermodynamic(regulators=regulators)) == {"a"}
    assert inputs_of(kinetic(**{"off->on": {"concentration": "tf"}})) == {"tf"}
    assert inputs_of(declare("latent")) == set()
