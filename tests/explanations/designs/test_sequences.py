"""Designed sequences: none is better among all, and every one keeps to its constraints."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explanations.designs.planted_promoters import promoter

from pajamo.data.assays.alphabet import alphabet_of
from pajamo.errors import DataError, ModelError
from pajamo.explanations.designs.constraints import Constraints, Rules
from pajamo.explanations.designs.goals import Goal, aims_of, total_score
from pajamo.explanations.designs.sequences import design_sequences

START = "ACGTTGC"
EVERY = np.array(list(product(range(4), repeat=7)), dtype=np.uint8)
SOME = Constraints(gc=(0.3, 0.6), forbidden=("GT", "CAA"), most_edits=4, fixed=(6,), longest_run=2)


@pytest.mark.parametrize("method", ["enumeration", "branch and bound", "annealing"])
@pytest.mark.parametrize("want", ["max", "min", 0.05])
def test_nothing_is_better_among_all_sequences(method: str, want: float | str) -> None:
    goal, rules = Goal(want=want), Rules.of(SOME, _codes(START), alphabet_of("dna"))
    allowed = EVERY[rules.hold(EVERY)]
    best = np.sort(total_score(aims_of(promoter(), goal), allowed))[::-1][:5]
    found = design_sequences(promoter(), goal, START, constraints=SOME, n=5, method=method, steps=150)
    assert found.table["score"][0] == pytest.approx(best[0], abs=1e-3)
    assert found.constraints["hold"].all()
    assert found.exact == (method != "annealing")
    if found.exact:
        assert (found.table["score"] >= best - 1e-3).all()


@pytest.mark.parametrize("strand", ["+", "-"])
def test_branch_and_bound_agrees_with_brute_force_on_either_strand(strand: str) -> None:
    model = promoter(strand=strand)
    best = total_score(aims_of(model, Goal(want="max")), EVERY).max()
    found = design_sequences(model, Goal(want="max"), START, method="branch and bound", steps=2, n=1)
    assert found.exact
    assert found.table["score"][0] == pytest.approx(best, abs=1e-3)


def test_high_with_the_activator_and_low_without() -> None:
    model = promoter(crp=True)
    goals = [Goal(want="max", inputs={"crp": 1.0}), Goal(want="min", inputs={"crp": 0.0}, weight=0.5)]
    found = design_sequences(
        model, goals, START, constraints=Constraints(most_edits=7), n=3, method="branch and bound"
    )
    best = np.sort(total_score(aims_of(model, goals), EVERY))[::-1][0]
    assert found.exact
    assert found.table["score"][0] == pytest.approx(best, abs=1e-3)
    shown = found.table[["activity in plate (crp = 1)", "activity in plate (crp = 0)"]].iloc[0]
    assert shown.iloc[0] > 3 * shown.iloc[1]


def test_a_reading_can_be_the_goal() -> None:
    goal = Goal(want=0.4, of="expected")
    found = design_sequences(promoter(), goal, START, n=1, constraints=Constraints(most_edits=3))
    assert found.method == "enumeration"
    assert found.table["expected in plate"][0] == pytest.approx(0.4, abs=0.05)


def test_the_table_names_the_edits() -> None:
    found = design_sequences(promoter(), Goal(want="max"), START, constraints=Constraints(most_edits=2), n=4)
    for row in found.table.itertuples():
        changed = list(START)
        for edit in str(row.edits).split():
            assert changed[int(edit[:-3])] == edit[-3]
            changed[int(edit[:-3])] = edit[-1]
        assert "".join(changed) == row.sequence
    assert (found.constraints["edits"] <= 2).all()


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    start=st.text("ACGT", min_size=7, max_size=7),
    low=st.sampled_from([0.0, 0.25, 0.4]),
    motif=st.text("ACGTN", min_size=2, max_size=4),
    edits=st.integers(1, 6),
    run=st.integers(1, 3),
)
def test_constraints_always_hold(start: str, low: float, motif: str, edits: int, run: int) -> None:
    wanted = Constraints(gc=(low, 0.7), forbidden=(motif,), most_edits=edits, longest_run=run)
    rules = Rules.of(wanted, _codes(start), alphabet_of("dna"))
    possible = bool(rules.hold(EVERY).any())
    for method in ("branch and bound", "annealing"):
        if not possible:
            with pytest.raises(DataError, match="no sequence fulfils"):
                design_sequences(
                    promoter(), Goal(want="max"), start, constraints=wanted, method=method, steps=5
                )
            continue
        found = design_sequences(
            promoter(), Goal(want="max"), start, constraints=wanted, method=method, steps=20, n=3
        )
        assert found.constraints["hold"].all()
        assert all(_holds(sequence, start, motif, low, edits, run) for sequence in found.table["sequence"])


def _holds(sequence: str, start: str, motif: str, low: float, edits: int, run: int) -> bool:
    """The same rules, letter by letter."""
    other = sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))
    clean = not any(
        all(m in ("N", s) for m, s in zip(motif, strand[first:], strict=False))
        for strand in (sequence, other)
        for first in range(len(sequence) - len(motif) + 1)
    )
    share = sum(letter in "GC" for letter in sequence) / len(sequence)
    changed = sum(a != b for a, b in zip(sequence, start, strict=True))
    return (
        clean
        and low <= share <= 0.7
        and changed <= edits
        and not any(c * (run + 1) in sequence for c in "ACGT")
    )


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (Constraints(forbidden=("N",)), r"no sequence fulfils forbidden = \('N',\)$"),
        (
            Constraints(gc=(0.9, 1.0), most_edits=2, longest_run=3),
            r"gc = \(0.9, 1.0\), most_edits = 2 at once",
        ),
        (
            Constraints(forbidden=("ACG",), fixed=(0, 1, 2), most_edits=3),
            r"forbidden = .*, fixed = .* at once",
        ),
        (Constraints(gc=(0.49, 0.5)), r"no sequence fulfils gc"),
    ],
)
def test_constraints_that_contradict_each_other_are_named(constraints: Constraints, words: str) -> None:
    with pytest.raises(DataError) as caught:
        design_sequences(promoter(), Goal(want="max"), START, constraints=constraints)
    assert re.search(words, caught.value.what)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match="position 9 is outside"):
        design_sequences(promoter(), Goal(want="max"), START, constraints=Constraints(fixed=(9,)))
    with pytest.raises(DataError, match="'Z' of 'GZ' is no letter"):
        design_sequences(promoter(), Goal(want="max"), START, constraints=Constraints(forbidden=("GZ",)))
    with pytest.raises(DataError, match="the start has 3 letters"):
        design_sequences(promoter(), Goal(want="max"), "ACG")
    with pytest.raises(ModelError, match="an activity of -1 cannot"):
        design_sequences(promoter(), Goal(want=-1.0), START)
    with pytest.raises(ModelError, match="no experiment 'well'"):
        design_sequences(promoter(), Goal(want="max", experiment="well"), START)
    with pytest.raises(ModelError, match="input 'crp' = 2 cannot be set"):
        design_sequences(promoter(), Goal(want="max", inputs={"crp": 2.0}), START)


def _codes(sequence: str) -> np.ndarray:
    return np.asarray(alphabet_of("dna").encode([sequence])[0])
