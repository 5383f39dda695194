"""The distribution over hypotheses: what was planted among the best comes back in what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.config.assays import KineticSettings
from pajamo.search.cycles import cycle
from pajamo.search.distribution import FEWEST, Distribution, tree_of
from pajamo.search.space import Candidate, Choice, Space


def space() -> Space:
    templates: dict[str, KineticSettings] = {f"cycle-{n}": cycle(n, 23, 3) for n in (3, 4)}
    options = (Choice("unbound->loop 0", "start", (0, 1, 2)), Choice("unbound->loop 0", "length", (3, 4)))
    return Space(templates, dict.fromkeys(templates, options), 23)


def test_probabilities_sum_to_one_for_any_survivors() -> None:
    rng = np.random.default_rng(0)
    for count in (0, 1, FEWEST, 100):
        places = rng.integers(0, 3, size=(count, 4))
        tree = tree_of(places, (3, 3, 4, 5))
        assert sorted(tree.order) == [0, 1, 2, 3]
        for table in tree.tables:
            assert np.allclose(table.sum(axis=1), 1.0)
            assert (table > 0).all()


def test_without_survivors_every_hypothesis_is_alike() -> None:
    uniform = Distribution.estimated(space(), [])
    assert np.allclose(uniform.probabilities, 0.5)
    assert all(np.allclose(t, t[0, 0]) for tree in uniform.trees.values() for t in tree.tables)


def test_a_choice_that_follows_another_is_learned_as_such() -> None:
    """The third choice is the first one plus 1 (mod 4), the second is noise."""
    rng = np.random.default_rng(1)
    first, noise = rng.integers(0, 4, 300), rng.integers(0, 4, 300)
    tree = tree_of(np.stack([first, noise, (first + 1) % 4], axis=1), (4, 4, 4))
    assert tree.parent[2] == 0
    drawn = np.array([tree.draw(rng) for _ in range(400)])
    assert np.mean(drawn[:, 2] == (drawn[:, 0] + 1) % 4) > 0.95
    assert abs(np.mean(drawn[:, 1] == drawn[:, 0]) - 0.25) < 0.1


def test_independent_choices_stay_independent() -> None:
    rng = np.random.default_rng(2)
    tree = tree_of(rng.integers(0, 5, size=(400, 3)), (5, 5, 5))
    kept = [shown for shown in tree.parent if shown >= 0]
    # What chance alone shares is taken off; at most a weak link is left.
    assert len(kept) <= 2
    for table in tree.tables:
        assert np.abs(table - 0.2).max() < 0.2


def test_few_survivors_say_nothing_of_dependence() -> None:
    places = np.tile(np.arange(3), (2, 1)).T.repeat(3, axis=0)
    assert tree_of(places, (3, 3)).parent == (-1, -1)


def test_mechanisms_are_drawn_as_often_as_they_survive() -> None:
    best = [Candidate("cycle-4", (0, 0))] * 90 + [Candidate("cycle-3", (1, 1))] * 10
    found = Distribution.estimated(space(), best)
    assert found.probabilities == pytest.approx([0.104, 0.896], abs=0.002)
    rng = np.random.default_rng(3)
    drawn = [found.draw(rng) for _ in range(500)]
    assert np.mean([one.mechanism == "cycle-4" for one in drawn]) == pytest.approx(0.9, abs=0.05)
    assert np.mean([one.places == (0, 0) for one in drawn if one.mechanism == "cycle-4"]) > 0.9
