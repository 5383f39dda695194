"""A protocol that cannot be is refused, naming the step, the key or the group of cells."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import pytest

from pajamo.config import parse_study
from pajamo.data.conditions import Condition
from pajamo.errors import StudyError
from pajamo.protocols import Protocol, culture, deliver, differentiate, measure, perturb
from pajamo.protocols.agreement import require_agreement

P = '{ do = "perturb", kind = "knockout", onset = 0 }'
C = '{ do = "culture", medium = "m" }'
M = '{ do = "measure" }'

BROKEN = {
    "perturbs after it measures": (
        f"steps = [{C}, {M}, {P}]",
        ["measured before they are perturbed", "protocol.steps, step 3 (perturb)"],
    ),
    "goes on after it measures": (
        f"steps = [{P}, {C}, {M}, {C}]",
        ["a step follows the measurement", "step 4"],
    ),
    "perturbation without onset": (
        f'steps = [{C}, {{ do = "perturb", kind = "knockout" }}]',
        ["'protocol.steps[1].onset' is missing", "step 2 (perturb)", "Delay between"],
    ),
    "misspelt key in a step": (
        'steps = [{ do = "culture", medum = "m" }]',
        ["unknown key 'protocol.steps[0].medum'", "did you mean 'medium'?"],
    ),
    "misspelt key in a step of an arm": (
        '[protocol.arms]\nvivo = [{ do = "transplant", nich = "lung" }]',
        ["unknown key 'protocol.arms.vivo[0].nich'", "did you mean 'niche'?"],
    ),
    "unknown operation": ('steps = [{ do = "cultre" }]', ["unknown 'cultre'", "did you mean 'culture'?"]),
    "no operation": ('steps = [{ medium = "m" }]', ["protocol.steps[0]: key 'do' is missing", "deliver"]),
    "negative duration": (
        'steps = [{ do = "culture", duration = -2 }]',
        ["protocol.steps[0].duration", "greater than or equal to 0", "-2", "step 1 (culture)"],
    ),
    "infinite onset": (
        'steps = [{ do = "perturb", kind = "knockout", onset = inf }]',
        ["protocol.steps[0].onset", "finite"],
    ),
    "two open-ended steps": (
        f"steps = [{P}, {C}, {C}]",
        ["2 steps last until the measurement: step 2 (culture) and step 3 (culture)"],
    ),
    "an open-ended step before others": (
        f'time_unit = "day"\nsteps = [{C}, {P}, {{ do = "culture", duration = 1 }}]',
        ["without a duration is followed by others", "step 1 (culture)"],
    ),
    "nothing after the perturbation": (
        f"steps = [{C}, {P}, {M}]",
        ["nothing says where cells are kept", "step 2"],
    ),
    "no medium at all": (f"steps = [{M}]", ["no step says where cells are kept"]),
    "no steps": ('clock = "start"', ["the protocol has no steps"]),
    "an empty arm": (f"steps = [{P}, {C}]\n[protocol.arms]\nx = []", ["protocol.arms.x has no steps"]),
    "times without a unit": (
        'steps = [{ do = "culture", duration = 2 }]',
        ["the unit of times is missing", "protocol.steps, step 1 (culture): duration = 2", "time_unit"],
    ),
    "unknown unit": (f'time_unit = "days"\nsteps = [{P}, {C}]', ["protocol.time_unit", "'day'", "'days'"]),
    "unknown assumption": (
        f'accept = ["stationary-basline"]\nsteps = [{P}, {C}]',
        ["no assumption called 'stationary-basline'", "did you mean 'stationary-baseline'?"],
    ),
    "a knockout that wears off": (
        f'time_unit = "day"\nsteps = [{{ do = "perturb", kind = "knockout", onset = 0, persistence = 3 }}, {C}]',
        ["a knockout is for good", "crispri"],
    ),
    "more than all production taken": (
        f'steps = [{{ do = "perturb", kind = "crispri", onset = 0, strength = 2 }}, {C}]',
        ["`strength` is a share"],
    ),
    "two columns of batches": (
        f'steps = [{P}, {C}, {{ do = "measure", batch = "lane" }}]\n[protocol.arms]\n'
        f'x = [{P}, {C}, {{ do = "measure", batch = "plate" }}]',
        ["different columns of batches", "'lane'", "'plate'"],
    ),
}


def read(text: str) -> Protocol:
    raw = tomllib.loads(f"[protocol]\n{text}")
    study = parse_study({"name": "x", "data": {"path": "a"}, "split": {"kind": "doubles"}, **raw})
    assert study.protocol is not None
    return Protocol.from_settings(study.protocol)


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_is_refused(broken: str) -> None:
    text, words = BROKEN[broken]
    with pytest.raises(StudyError) as caught:
        read(text)
    assert [word for word in words if word not in str(caught.value)] == []
    assert caught.value.exit_code == 2


def test_a_screen_with_times_needs_a_unit() -> None:
    with pytest.raises(StudyError, match="screen's time column"):
        Protocol.of(perturb("knockout", onset=0), culture(), timed=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: culture("m", -1.0), ["duration", "greater than or equal to 0", "culture(...)"]),
        (lambda: perturb("knockin", onset=0), ["kind", "'knockin'"]),  # type: ignore[arg-type]
        (lambda: deliver("knockout", onset="uniform", onset_mean=0.0), ["onset_mean", "greater than 0"]),
        (lambda: Protocol.of(culture(), tim_unit="day"), ["'tim_unit'", "did you mean 'time_unit'?"]),
    ],
)
def test_steps_in_python_are_checked_as_those_of_a_file(make: object, words: Sequence[str]) -> None:
    with pytest.raises(StudyError) as caught:
        make()  # type: ignore[operator]
    assert [word for word in words if word not in str(caught.value)] == []


def conditions(
    *genes: str, contexts: Sequence[str] = ("",), times: Sequence[float] = (0.0,)
) -> list[Condition]:
    labels = [(), *((gene,) for gene in genes)]
    return [Condition(label, context, time) for label in labels for context in contexts for time in times]


def refusal(protocol: Protocol, screen: Sequence[Condition]) -> str:
    with pytest.raises(StudyError) as caught:
        require_agreement(protocol, screen)
    return str(caught.value)


def test_targets_arms_and_contexts_must_be_those_of_the_screen() -> None:
    named = Protocol.of(
        perturb("knockout", onset=0, targets=["SOX2", "NANGO"]), perturb("crispri", onset=0), culture()
    )
    text = refusal(named, conditions("SOX2", "NANOG"))
    assert "'NANGO'" in text
    assert "did you mean 'NANOG'?" in text
    assert "protocol.steps[0].targets, step 1 (perturb)" in text
    arms = Protocol.of(arms={"treatd": (perturb("knockout", onset=0), culture())})
    text = refusal(arms, conditions("A", contexts=["treated"]))
    assert "no cell is in arm 'treatd'" in text
    assert "did you mean 'treated'?" in text
    text = refusal(
        Protocol.of(arms={"x": (perturb("knockout", onset=0), culture())}),
        conditions("A", contexts=["x", "y"]),
    )
    assert "context 'y'" in text
    assert "[[protocol.arms.y]]" in text


def test_perturbed_cells_must_be_perturbed() -> None:
    text = refusal(Protocol.of(culture("m"), measure()), conditions("A"))
    assert "no step perturbs A, yet cells of A carry it" in text
    text = refusal(Protocol.of(perturb("knockout", onset=0, targets=["A"]), culture()), conditions("A", "B"))
    assert "no step perturbs B" in text


def test_cells_cannot_be_measured_after_the_end() -> None:
    protocol = Protocol.of(perturb("knockout", onset=0), culture("m", 3.0), time_unit="day")
    require_agreement(protocol, conditions("A", times=[2.0, 3.0]))
    assert "measured after the last step has ended" in refusal(protocol, conditions("A", times=[4.0]))


def test_controls_of_another_protocol_are_named() -> None:
    steps = (perturb("knockout", onset=0), culture("m", 2.0), differentiate("d"))
    other = Protocol.of(*steps, controls=(culture("m"),), time_unit="day")
    text = refusal(other, conditions("A", "B", times=[5.0]))
    assert "the control of A at 5 went through another protocol" in text
    assert "F(-; m; 5)" in text
    assert "F(-; d; 3) F(-; m; 2)" in text
    same = Protocol.of(*steps, controls=(culture("m", 2.0), differentiate("d")), time_unit="day")
    require_agreement(same, conditions("A", times=[5.0]))
    accepted = Protocol.of(*steps, controls=(culture("m"),), time_unit="day", accept=["same-cells"])
    require_agreement(accepted, conditions("A", times=[5.0]))
