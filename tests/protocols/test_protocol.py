"""Protocols compile to the words of the table of screens: in vitro and in vivo, differentiating or not."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pajamo import protocols
from pajamo.config import ProtocolSettings, parse
from pajamo.data.conditions import Condition
from pajamo.data.history import REST, Edit, HistoryRule, Segment, Word
from pajamo.errors import IntegrityError, StudyError
from pajamo.protocols import Protocol, culture, deliver, differentiate, measure, perturb, transplant

A, B = Edit("A"), Edit("B")
CONTROL, SINGLE, DOUBLE = Condition(()), Condition(("A",)), Condition(("A", "B"))


def toml(text: str, *, timed: bool | None = None) -> Protocol:
    return Protocol.from_settings(parse(ProtocolSettings, tomllib.loads(text), "test"), timed=timed)


def word(*segments: tuple[set[Edit], str, float]) -> Word:
    return Word(tuple(Segment(frozenset(edits), medium, duration) for edits, medium, duration in segments))


def only_word(protocol: Protocol, condition: Condition) -> Word:
    ((share, found),) = protocol.history(condition).branches
    assert share == 1.0
    return found


def at(condition: Condition, time: float, context: str = "") -> Condition:
    return Condition(condition.genes, context, time)


KNOCKOUT = '{ do = "perturb", kind = "knockout", onset = 0 }'
TABLE = {
    "in vitro, not differentiating, control": (
        f'steps = [{KNOCKOUT}, {{ do = "culture", medium = "m0" }}, {{ do = "measure" }}]',
        at(CONTROL, 3),
        word((set(), "m0", 3)),
    ),
    "in vitro, not differentiating, perturbed": (
        f'steps = [{KNOCKOUT}, {{ do = "culture", medium = "m0" }}, {{ do = "measure" }}]',
        at(SINGLE, 3),
        word(({A}, "m0", 3)),
    ),
    "combination at once": (
        f'steps = [{KNOCKOUT}, {{ do = "culture", medium = "m0" }}]',
        at(DOUBLE, 3),
        word(({A, B}, "m0", 3)),
    ),
    "combination, staged": (
        """steps = [{ do = "perturb", kind = "knockout", onset = 0, targets = ["A"] },
        { do = "culture", medium = "m0", duration = 2 },
        { do = "perturb", kind = "knockout", onset = 0 }, { do = "culture", medium = "m0" }]""",
        at(DOUBLE, 5),
        word(({A}, "m0", 2), ({A, B}, "m0", 3)),
    ),
    "perturbed, then differentiated": (
        f"""steps = [{KNOCKOUT}, {{ do = "culture", medium = "m0", duration = 2 }},
        {{ do = "differentiate", medium = "md" }}]""",
        at(SINGLE, 6),
        word(({A}, "m0", 2), ({A}, "md", 4)),
    ),
    "differentiated, then perturbed": (
        f'steps = [{{ do = "differentiate", medium = "md", duration = 4 }}, {KNOCKOUT}, '
        '{ do = "differentiate", medium = "md" }]',
        at(SINGLE, 2),
        word((set(), "md", 4), ({A}, "md", 2)),
    ),
    "at once": (
        f'steps = [{KNOCKOUT}, {{ do = "differentiate", medium = "md" }}]',
        at(SINGLE, 2),
        word(({A}, "md", 2)),
    ),
    "differentiating control": (
        f'steps = [{{ do = "differentiate", medium = "md", duration = 4 }}, {KNOCKOUT}, '
        '{ do = "differentiate", medium = "md" }]',
        at(CONTROL, 2),
        word((set(), "md", 6)),
    ),
    "edited outside, then transplanted": (
        f'steps = [{KNOCKOUT}, {{ do = "culture", medium = "m0", duration = 1 }}, '
        '{ do = "transplant", niche = "liver" }]',
        at(SINGLE, 8),
        word(({A}, "m0", 1), ({A}, "niche:liver", 7)),
    ),
}


@pytest.mark.parametrize("row", TABLE)
def test_every_screen_of_the_table(row: str) -> None:
    text, condition, expected = TABLE[row]
    protocol = toml(f'time_unit = "day"\n{text}')
    assert only_word(protocol, condition) == expected
    assert protocol.history(condition).without_edits() == only_word(protocol, condition.control)


def test_delivery_in_the_animal_is_a_mixture_over_onsets() -> None:
    protocol = toml("""
        time_unit = "day"
        steps = [{ do = "transplant", niche = "lung", duration = 2 },
                 { do = "deliver", kind = "knockout", onset = "exponential", onset_mean = 1.5 },
                 { do = "transplant", niche = "lung" }, { do = "measure" }]""")
    branches = protocol.history(at(SINGLE, 4)).branches
    assert sum(share for share, _ in branches) == pytest.approx(1.0)
    assert all(found.duration == pytest.approx(6.0) for _, found in branches)
    never = sum(share for share, found in branches if not any(segment.edits for segment in found))
    assert never == pytest.approx(np.exp(-4 / 1.5))
    # The mean time that the edit has acted, E[(4 - onset)+], in closed form.
    acted = sum(share * s.duration for share, found in branches for s in found if s.edits)
    assert acted == pytest.approx(4 - 1.5 * (1 - np.exp(-4 / 1.5)), rel=1e-8)
    assert only_word(protocol, at(CONTROL, 4)) == word((set(), "niche:lung", 6))


def test_incomplete_editing_is_a_mixture_with_the_unperturbed_word() -> None:
    protocol = Protocol.of(perturb("knockout", onset=1.0, efficiency=0.75), culture("m"), time_unit="day")
    both = {w: share for share, w in protocol.history(at(SINGLE, 3)).branches}
    assert both == pytest.approx({word((set(), "m", 1), ({A}, "m", 2)): 0.75, word((set(), "m", 3)): 0.25})
    four = {w.segments[-1].edits: share for share, w in protocol.history(at(DOUBLE, 3)).branches}
    assert four == pytest.approx(
        {frozenset({A, B}): 9 / 16, frozenset({A}): 3 / 16, frozenset({B}): 3 / 16, frozenset(): 1 / 16}
    )


def test_too_many_incomplete_edits_are_refused() -> None:
    protocol = Protocol.of(perturb("knockout", onset=0, efficiency=0.5), culture())
    assert len(protocol.history(Condition(tuple("ABCDEF"))).branches) == 64
    with pytest.raises(StudyError, match="7 incomplete edits"):
        protocol.history(Condition(tuple("ABCDEFG")))


def test_an_edit_begins_late_and_wears_off() -> None:
    protocol = Protocol.of(
        culture("m0", 1.0), perturb("crispri", strength=0.8, onset=0.5, persistence=2.0), culture("m0", 1.0),
        differentiate("md"), measure(), time_unit="day",
    )  # fmt: skip
    low = Edit("A", "crispri", 0.8)
    assert only_word(protocol, at(SINGLE, 4)) == word(
        (set(), "m0", 1.5), ({low}, "m0", 0.5), ({low}, "md", 1.5), (set(), "md", 1.5)
    )
    # Cells taken before the edit acts have gone through the control's word.
    assert only_word(protocol, at(SINGLE, 0.5)) == only_word(protocol, at(CONTROL, 0.5))


def test_the_clock_counts_from_the_perturbation_or_from_the_start() -> None:
    steps = (culture("m", 2.0), perturb("knockout", onset=0), culture("m"))
    late, early = (Protocol.of(*steps, time_unit="day", clock=clock) for clock in ("perturbation", "start"))
    assert (
        only_word(late, at(SINGLE, 3))
        == only_word(early, at(SINGLE, 5))
        == word((set(), "m", 2), ({A}, "m", 3))
    )
    assert only_word(early, at(CONTROL, 1)) == word((set(), "m", 1))
    with pytest.raises(StudyError, match=r"A at 1 are measured before they are perturbed"):
        early.history(at(SINGLE, 1))


def test_without_times_the_last_step_lasts_until_rest() -> None:
    assert only_word(Protocol.of(perturb("knockout", onset=0), culture()), DOUBLE) == word(({A, B}, "", REST))
    fixed = Protocol.of(perturb("knockout", onset=0), culture("m", 3), time_unit="day", timed=False)
    assert only_word(fixed, SINGLE) == word(({A}, "m", 3))


def test_the_plain_protocol() -> None:
    plain = Protocol.plain()
    assert only_word(plain, SINGLE) == word(({A}, "", REST))
    assert only_word(plain, at(SINGLE, 3, "K562")) == word(({A}, "K562", 3))
    assert only_word(plain, at(CONTROL, 3, "K562")) == word((set(), "K562", 3))
    assert not plain.differentiates(SINGLE)
    assert only_word(Protocol.plain("day"), at(SINGLE, 0)) == Word()
    assert only_word(Protocol.plain(kind="crispri", strength=0.9), SINGLE) == word(
        ({Edit("A", "crispri", 0.9)}, "", REST)
    )


def test_contexts_are_cells_of_their_own_unless_they_are_treatments() -> None:
    steps = (perturb("knockout", onset=0), culture("m"))
    cells = Protocol.of(*steps)
    assert only_word(cells, at(SINGLE, 0, "K562")) == word(({A}, "m/K562", REST))
    assert only_word(Protocol.of(*steps, contexts="treatments"), at(SINGLE, 0, "K562")) == word(
        ({A}, "m", REST)
    )
    arms = Protocol.of(*steps, arms={"drug": (perturb("knockout", onset=0), culture("m+drug"))})
    assert only_word(arms, at(SINGLE, 0, "drug")) == word(({A}, "m+drug", REST))
    assert only_word(arms, at(SINGLE, 0, "vehicle")) == word(({A}, "m", REST))


def test_whether_unperturbed_cells_change() -> None:
    protocol = Protocol.of(
        perturb("knockout", onset=0), culture("m", 2.0), differentiate("d"), time_unit="day",
        arms={"vivo": (perturb("knockout", onset=0), transplant("lung"))},
    )  # fmt: skip
    assert not protocol.differentiates(at(SINGLE, 2))
    assert protocol.differentiates(at(SINGLE, 3))
    assert protocol.differentiates(at(SINGLE, 3, "vivo"))


def test_exchanging_steps_gives_the_other_order_and_back() -> None:
    first = Protocol.of(
        perturb("knockout", onset=0),
        culture("m", 2),
        differentiate("d", 3),
        measure(),
        time_unit="day",
        timed=False,
    )
    after = first.swapped(1, 2)
    assert only_word(first, SINGLE) == word(({A}, "m", 2), ({A}, "d", 3))
    assert only_word(after, SINGLE) == word(({A}, "d", 3), ({A}, "m", 2))
    assert after.swapped(1, 2) == first
    late = first.swapped(0, 1)
    assert only_word(late, SINGLE) == word((set(), "m", 2), ({A}, "d", 3))
    with pytest.raises(StudyError, match="no step 7"):
        first.swapped(0, 7)
    with pytest.raises(StudyError, match="nothing says where cells are kept after"):
        first.swapped(0, 2)


FULL: dict[str, Any] = {
    "time_unit": "hour",
    "clock": "start",
    "accept": ("same-cells",),
    "controls": (culture("m"),),
    "arms": {"vivo": (deliver("crispri", onset="gamma", onset_mean=3.0, strength=0.7), transplant("lung"))},
}


def test_a_protocol_survives_json() -> None:
    protocol = Protocol.of(
        perturb("shift", onset=2.0, strength=3.0), culture("m"), measure("droplets"), **FULL
    )
    stored = json.loads(json.dumps(protocol.to_dict()))
    assert Protocol.from_dict(stored) == protocol
    assert Protocol.from_dict(Protocol.plain().to_dict()) == Protocol.plain()
    assert isinstance(protocol, HistoryRule)
    assert protocol.accepted == {"same-cells"}
    assert protocol.time_unit == "hour"


def test_a_stored_protocol_of_another_kind_is_refused() -> None:
    stored = Protocol.plain().to_dict()
    with pytest.raises(IntegrityError, match="not a protocol that this version"):
        Protocol.from_dict({**stored, "format": 99})
    with pytest.raises(StudyError, match="stpes"):
        Protocol.from_dict({**stored, "settings": {"stpes": []}})


def test_python_and_toml_say_the_same() -> None:
    written = toml("""
        time_unit = "day"
        [[steps]]
        do = "perturb"
        kind = "crispra"
        strength = 2.0
        onset = 0.5
        [[steps]]
        do = "culture"
        medium = "m"
        [[steps]]
        do = "measure"
        batch = "lane" """)
    said = Protocol.of(
        perturb("crispra", strength=2.0, onset=0.5), culture("m"), measure(batch="lane"), time_unit="day"
    )
    assert written == said


def test_the_readme_says_the_same_in_both_languages() -> None:
    text = (Path(protocols.__file__).parent / "README.md").read_text(encoding="utf-8")
    written, said = (
        re.search(rf"```{language}\n(.*?)```", text, re.DOTALL) for language in ("toml", "python")
    )
    assert written is not None
    assert said is not None
    names: dict[str, Any] = {}
    exec(said[1], names)
    settings = tomllib.loads(written[1])["protocol"]
    assert Protocol.from_settings(parse(ProtocolSettings, settings, "README")) == names["protocol"]
