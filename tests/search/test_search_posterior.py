"""What the leading hypotheses share, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.search.cycles import cycle
from pajamo.search.posterior import FEWEST, best, leading, options, schemes, windows
from pajamo.search.record import Evaluation
from pajamo.search.space import Candidate, Choice, Space

STEP = "unbound->loop 0"
SPACE = Space(
    {"cycle-3": cycle(3, 13, 3), "cycle-4": cycle(4, 13, 3)},
    {"cycle-3": (Choice(STEP, "start", (3, 4)), Choice(STEP, "length", (2, 3))), "cycle-4": ()},
    13,
)


def evaluations() -> list[Evaluation]:
    """Four leading hypotheses of the first scheme, one of the second, one that failed, one that was trained less."""
    places = [(0, 0), (0, 0), (1, 0), (1, 1)]
    found = [Evaluation(n, Candidate("cycle-3", p), 1.0 - 0.1 * n, 8) for n, p in enumerate(places)]
    found.append(Evaluation(4, Candidate("cycle-4", ()), 0.2, 8))
    found.append(Evaluation(5, Candidate("cycle-3", (0, 1)), -np.inf, 8))
    found.append(Evaluation(6, Candidate("cycle-3", (0, 1)), 5.0, 2))
    return found


def test_best_are_different_ones_with_the_most_training() -> None:
    found = best(evaluations(), 10)
    assert [one.number for one in found] == [0, 2, 3, 4]
    assert [one.number for one in best(evaluations(), 2)] == [0, 2]
    assert best([], 3) == []


def test_windows_count_how_many_read_each_position() -> None:
    table = windows(SPACE, evaluations())
    own = table[(table["mechanism"] == "cycle-3") & (table["transition"] == STEP)]
    # Of three: 3-4, 4-5 and 4-6.
    assert own["probability"].to_numpy()[3:7] == pytest.approx([1 / 3, 1, 2 / 3, 1 / 3])
    assert own["probability"].sum() == pytest.approx(7 / 3)
    fixed = table[table["mechanism"] == "cycle-4"]
    assert set(fixed["probability"]) == {0.0, 1.0}


def test_schemes_say_how_often_each_leads() -> None:
    table = schemes(SPACE, evaluations()).set_index("mechanism")
    assert table["tried"].to_dict() == {"cycle-3": 6, "cycle-4": 1}
    assert table["share_of_leading"].to_dict() == pytest.approx({"cycle-3": 0.75, "cycle-4": 0.25})
    assert table.loc["cycle-3", "best_reward"] == pytest.approx(1.0)
    assert table.loc["cycle-3", "mean_of_best_5"] == pytest.approx((1.0 + 0.8 + 0.7) / 3)
    assert table.loc["cycle-4", "states"] == 4


def test_options_of_a_choice_add_up_to_one() -> None:
    table = options(SPACE, evaluations())
    sums = table.groupby(["mechanism", "transition", "choice"])["probability"].sum()
    assert sums.to_numpy() == pytest.approx(np.ones(2))
    starts = table[table["choice"] == "start"].set_index("option")["probability"]
    assert starts["4"] == pytest.approx(2 / 3)


def test_at_least_a_few_lead_however_short_the_search() -> None:
    many = [Evaluation(n, Candidate("cycle-4", ()), float(n), 8) for n in range(30)]
    assert len(leading(many)) == 1
    different = [Evaluation(n, Candidate("x", (n,)), float(n), 8) for n in range(1000)]
    assert len(leading(different)) == 50
    assert len(leading(different[:100])) == FEWEST
