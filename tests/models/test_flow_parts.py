"""Parts of dynamics: words with a delay, where cells begin, levels of media, controls, how far edits have come."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.models.flow_screens import DIFFERENTIATE_FIRST, PERTURB_FIRST, course, protocol, screen

from pajamo.data.conditions import Condition
from pajamo.data.history import REST, Edit, History, Segment, Word
from pajamo.models.flow_parts.acting import come_to, measured_shares
from pajamo.models.flow_parts.controls import steadied
from pajamo.models.flow_parts.feedback import kept_aside
from pajamo.models.flow_parts.levels import control_shares, fit_levels
from pajamo.models.flow_parts.recorded import Recorded, exposure_of
from pajamo.models.flow_parts.words import BEGIN, Histories, delayed
from pajamo.protocols.protocol import Protocol

EDITED, PLAIN = frozenset({Edit("g0")}), frozenset()


def word(*parts):
    return Word(tuple(Segment(edits, "m", time) for edits, time in parts))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (word((EDITED, 3.0)), word((PLAIN, 1.0), (EDITED, 2.0))),
        (word((PLAIN, 2.0), (EDITED, 3.0)), word((PLAIN, 3.0), (EDITED, 2.0))),
        (word((EDITED, 0.4)), word((PLAIN, 0.4))),
        (word((EDITED, REST)), word((EDITED, REST))),
        (word((PLAIN, 2.0)), word((PLAIN, 2.0))),
    ],
)
def test_first_edits_take_effect_later_by_the_onset(before, after):
    assert delayed(before, 1.0) == after
    assert delayed(before, 1.0).duration == before.duration


def test_delay_reaches_into_the_next_medium():
    two = Word((Segment(EDITED, "m", 0.5), Segment(EDITED, "n", 2.0)))
    assert delayed(two, 1.0) == Word(
        (Segment(PLAIN, "m", 0.5), Segment(PLAIN, "n", 0.5), Segment(EDITED, "n", 1.5))
    )


@pytest.mark.parametrize(
    ("steps", "begin"),
    [
        ('{ do = "culture", medium = "stem" }', "stem"),
        ('{ do = "differentiate", medium = "neural" }', BEGIN + "neural"),
        ('{ do = "culture", medium = "stem", duration = 2 }, { do = "differentiate", medium = "neural" }', "stem"),
        (
            '{ do = "differentiate", medium = "neural", duration = 2 }, { do = "differentiate", medium = "glia" }',
            BEGIN + "neural",
        ),
    ],
)  # fmt: skip
def test_cells_begin_at_rest_unless_their_first_medium_changes_them(steps, begin):
    dose = '{ do = "perturb", kind = "knockout", onset = 0 }'
    made = protocol(f'time_unit = "day"\nclock = "start"\nsteps = [{dose}, {steps}, {{ do = "measure" }}]')
    assert Histories(made).begin(Condition(("g0",), "", 3.0)) == begin
    assert Histories(made).begin(Condition((), "", 0.0)) == begin


def test_controls_at_time_zero_are_those_of_their_own_context():
    histories = Histories(Protocol.plain("day"))
    conditions = [Condition((), context, time) for context in "ab" for time in (0.0, 2.0)]
    assert [histories.begin(condition) for condition in conditions] == ["a", "a", "b", "b"]
    assert histories.media(conditions) == ("a", "b")


def test_levels_of_a_medium_that_differentiates():
    histories = Histories(protocol(PERTURB_FIRST))
    stem, neural = np.array([2.0, 5.0, 1.0]), np.array([4.0, 1.0, 1.0])
    decay, times = 0.5, (1.0, 2.0, 3.0, 4.0, 6.0)
    level = {("", t): neural + (stem - neural) * math.exp(-decay * max(t - 2.0, 0.0)) for t in times}
    means = {Condition(("g0",), "", t): level["", t] for t in times if t > 2.0}
    training = screen(means, level, noise=0.0, cells=100_000)
    assert histories.media(training.conditions) == ("neural", "stem")
    found = fit_levels(training, histories, ("neural", "stem"), decay)
    np.testing.assert_allclose(found, [neural, stem], atol=1e-3)


def test_shares_of_levels_sum_to_one():
    made = Word((Segment(PLAIN, "a", 1.0), Segment(PLAIN, "b", 2.0)))
    share = control_shares("a", made, ("a", "b"), 0.7)
    assert share == pytest.approx([math.exp(-1.4), 1 - math.exp(-1.4)])
    rested = Word((Segment(PLAIN, "a", 1.0), Segment(PLAIN, "b", REST)))
    assert control_shares("a", rested, ("a", "b"), 0.7).tolist() == [0.0, 1.0]


def test_controls_are_steadied_as_far_as_they_are_noise():
    rng = np.random.default_rng(0)
    noise = np.full(4, 0.04)
    still = 3.0 + rng.normal(0.0, 0.2, (4, 2000))
    found = steadied(still, noise)
    assert np.mean((found - 3.0) ** 2) < 0.5 * np.mean((still - 3.0) ** 2)
    moving = still + np.array([0.0, 2.0, 4.0, 6.0])[:, None]
    np.testing.assert_allclose(steadied(moving, noise), moving, atol=0.2)
    np.testing.assert_array_equal(steadied(still[:1], noise[:1]), still[:1])


def test_an_edit_comes_to_its_end_and_wears_off():
    assert come_to(History.of(word((EDITED, REST))), "g0", 0.5) == 1.0
    assert come_to(History.of(word((EDITED, 2.0))), "g0", 0.5) == pytest.approx(1 - math.exp(-1.0))
    washed = History.of(word((EDITED, 2.0), (PLAIN, 4.0)))
    assert come_to(washed, "g0", 0.5) == pytest.approx((1 - math.exp(-1.0)) * math.exp(-2.0))
    some = History(((0.3, word((EDITED, REST))), (0.7, word((PLAIN, REST)))))
    assert come_to(some, "g0", 0.5) == pytest.approx(0.3)
    assert come_to(some, "g1", 0.5) == 0.0
    assert exposure_of(some) == REST


def test_shares_say_what_a_fitted_column_holds():
    conditions = [Condition(("a",), "", 1.0), Condition(("a",), "", 2.0), Condition(("b",), "", 1.0)]
    weights = np.array([[0.2, 0.0, 0.0], [0.4, 0.0, 0.0], [0.0, 0.5, 0.0]])
    shares = measured_shares(conditions, weights, np.array([0.5, 1.0, 0.5]), {"a": 0, "b": 1, "c": 2})
    assert shares == pytest.approx({"a": 0.4, "b": 1.0, "c": 1.0})


def test_exposure_is_that_of_edited_cells_whatever_the_order_of_conditions():
    made = course(perturbed=3, times=(1.0, 2.0), noise=0.0)
    histories = Histories(protocol(DIFFERENTIATE_FIRST))
    condition = Condition(("g0",), "", 5.0)
    assert exposure_of(histories.history(condition)) == pytest.approx(1.0)
    words = {c: Histories.of(made.training).history(c) for c in made.training.conditions}
    recorded = Recorded.of(made.training, words)
    np.testing.assert_allclose(recorded.exposure, [[1.0, 2.0]])
    assert recorded.value.shape == (3, 2, 30)
    assert recorded.positions([Condition(("g1",)), Condition(("g1",), "b")]).tolist() == [1, -1]


def test_the_last_time_or_the_combinations_are_kept_aside():
    made = course(perturbed=3).training
    seen, aside = kept_aside(made)
    assert {c.time for c in aside} == {4.0}
    assert {c.time for c in seen.conditions} == {1.0, 2.0}
    early, nothing = kept_aside(course(perturbed=3, times=(1.0, 2.0)).training)
    assert nothing == []
    assert len(early.conditions) == 6
