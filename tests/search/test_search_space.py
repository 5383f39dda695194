"""What a study says of a search: the hypotheses that follow, and what cannot be searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.search.planted import ONE_STEP, study

from pajamo.config.assays import parse_mechanism
from pajamo.errors import StudyError
from pajamo.search.cycles import LONGEST, SHORTEST, choices_of, cycle
from pajamo.search.declaring import space_of
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate, Space


def space(folder: Path, search: dict[str, Any], **more: Any) -> Space:
    asked = study(folder, search, rows=2, **more)
    assert asked.search is not None
    return space_of(asked, asked.search, 13)


@pytest.mark.parametrize("states", [3, 4, 6, 12])
def test_a_cycle_goes_round_and_its_windows_cover_the_guide(states: int) -> None:
    made = cycle(states, 23, 3)
    assert len(made.states) == states
    assert len(made.transitions) == 2 * (states - 1) + 1
    covered = np.zeros(23, dtype=int)
    for transition in made.transitions.values():
        assert transition.reads is not None
        assert transition.reads.length is not None
        covered[transition.reads.start : transition.reads.start + transition.reads.length] += 1
    assert (covered > 0).all()
    (last,) = [name for name, transition in made.transitions.items() if transition.makes]
    assert last.endswith("->unbound")


def test_choices_of_a_cycle_leave_the_pam_to_binding() -> None:
    made = cycle(4, 24, 4)
    found = choices_of(made, 24, 4)
    assert len(found) == len(made.transitions) - 2
    for choice in found.values():
        assert choice.start is not None
        assert 4 <= choice.start[0] <= choice.start[1] <= 24 - SHORTEST
        assert choice.length == (SHORTEST, LONGEST)


def test_every_hypothesis_can_be_declared_and_stays_within_the_guide(small: Task) -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        candidate = small.space.draw(rng)
        made = small.space.settings(candidate)
        for transition in made.transitions.values():
            assert transition.reads is not None
            assert transition.reads.length is not None
            assert transition.reads.start + transition.reads.length <= small.space.length


def test_the_canonical_hypothesis_is_the_same_network(small: Task) -> None:
    rng = np.random.default_rng(1)
    drawn = [small.space.draw(rng) for _ in range(200)]
    changed = [one for one in drawn if small.space.canonical(one) != one]
    assert changed
    for one in drawn:
        canonical = small.space.canonical(one)
        assert small.space.settings(canonical) == small.space.settings(one)
        assert small.space.canonical(canonical) == canonical
        assert set(small.space.values(one)) == {choice.name for choice in small.space.choices[one.mechanism]}


def test_declared_choices_are_options(tmp_path: Path) -> None:
    choices = {"step": {"free->cut": {"start": [3, 5], "kernel": [1, 3], "changes": ["kind"]}}}
    found = space(tmp_path, {"choices": choices}, mechanisms={"step": ONE_STEP})
    assert [(c.key, c.options) for c in found.choices["step"]] == [("start", (3, 4, 5)), ("kernel", (1, 3))]
    made = found.settings(Candidate("step", (2, 1)))
    reads = made.transitions["free->cut"].reads
    assert reads is not None
    assert (reads.start, reads.length, reads.kernel) == (5, 6, 3)
    assert made.passages == parse_mechanism(ONE_STEP).passages  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("search", "mechanisms", "says"),
    [
        ({"mechanisms": ["stp"]}, {"step": ONE_STEP}, "no mechanism 'stp'"),
        ({}, {"step": ONE_STEP}, "nothing to search"),
        (
            {"choices": {"step": {"free->free": {"kernel": [1, 2]}}}},
            {"step": ONE_STEP},
            "no transition 'free->free'",
        ),
        ({"choices": {"other": {}}}, {"step": ONE_STEP}, "which is not searched"),
        ({"choices": {"step": {"free->cut": {"start": [3, 13]}}}}, {"step": ONE_STEP}, "outside the guide"),
        ({"mechanisms": ["map"]}, {"map": {"kind": "latent", "reads": {}}}, "no kinetic scheme"),
        ({"mechanisms": ["loop"]}, {"loop": {"kind": "r-loop", "steps": 10}}, "no kinetic scheme"),
        ({"cycles": [2]}, {}, "cannot be searched"),
        ({"cycles": [13]}, {}, "cannot be searched"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    tmp_path: Path, search: dict[str, Any], mechanisms: dict[str, Any], says: str
) -> None:
    with pytest.raises(StudyError, match=says):
        space(tmp_path, search, mechanisms=mechanisms)


def test_a_transition_that_reads_nothing_has_nothing_to_vary(tmp_path: Path) -> None:
    there = {"free->bound": {"reads": {"start": 3}}, "bound->free": {}, "bound->cut": {}}
    scheme = {
        "kind": "kinetic",
        "states": ["free", "bound", "cut"],
        "transitions": there,
        "passages": {"cleavage": {"start": "free", "to": ["cut"]}},
    }
    choices = {"step": {"bound->free": {"kernel": [1, 2]}}}
    with pytest.raises(StudyError, match="reads nothing"):
        space(tmp_path, {"choices": choices}, mechanisms={"step": scheme})


def test_experiments_without_rates_are_refused(tmp_path: Path) -> None:
    asked = study(tmp_path, {"cycles": [3]}, rows=2)
    one = asked.experiments["rates"]
    other = one.model_copy(update={"pairs": None})
    assert asked.search is not None
    with pytest.raises(StudyError, match="rates or cuts of guide-target pairs"):
        space_of(asked.model_copy(update={"experiments": {"rates": other}}), asked.search, 13)
