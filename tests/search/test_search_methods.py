"""What is tried next follows from the seed and the record alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pajamo.config.assays import SearchSettings
from pajamo.search.methods import Proposal, propose, survivors
from pajamo.search.record import Evaluation
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate, Space


def settings(method: str, **more: int) -> SearchSettings:
    given = {"cycles": (3,), "method": method, "evaluations": 200, "generation": 20, "steps": 12}
    return SearchSettings.model_validate(given | more)


def played(
    space: Space, asked: SearchSettings, worth: Callable[[Candidate], float], seed: int = 0
) -> tuple[list[Evaluation], list[Proposal]]:
    """A search whose reward is a function of the hypothesis."""
    past: list[Evaluation] = []
    proposals = []
    while len(past) < asked.evaluations:
        proposals.append(propose(space, asked, seed, past))
        past += [
            Evaluation(len(past) + n, one, worth(one), proposals[-1].steps)
            for n, one in enumerate(proposals[-1].candidates)
        ]
    return past, proposals


def first_choice(one: Candidate) -> float:
    return -abs(one.places[0] - 3) - 0.1 * abs(one.places[1] - 4)


@pytest.mark.parametrize("method", ["estimation", "random", "halving"])
def test_the_same_record_gives_the_same_proposal(small: Task, method: str) -> None:
    once, _ = played(small.space, settings(method, evaluations=70), first_choice)
    again, _ = played(small.space, settings(method, evaluations=70), first_choice)
    other, _ = played(small.space, settings(method, evaluations=70), first_choice, seed=1)
    assert once == again
    assert once != other
    assert len(once) == 70


def test_estimation_finds_more_of_what_is_good_than_random_draws(small: Task) -> None:
    means = {}
    for method in ("estimation", "random"):
        past, _ = played(small.space, settings(method), first_choice)
        means[method] = np.mean([one.reward for one in past[-40:]])
    assert means["estimation"] > means["random"] + 0.5


def test_no_hypothesis_is_tried_twice_while_there_are_others(small: Task) -> None:
    for method in ("estimation", "random"):
        past, _ = played(small.space, settings(method), first_choice)
        assert len({one.candidate for one in past}) > 0.95 * len(past)
        assert all(one.candidate == small.space.canonical(one.candidate) for one in past)


def test_halving_trains_the_better_half_twice_as_long(small: Task) -> None:
    past, proposals = played(small.space, settings("halving", evaluations=70), first_choice)
    assert [(len(p.candidates), p.steps) for p in proposals[:4]] == [(20, 3), (10, 6), (5, 12), (20, 3)]
    promoted = {one.candidate for one in past[20:30]}
    left = [one.reward for one in past[:20] if one.candidate not in promoted]
    assert min(one.reward for one in past[20:30]) >= max(left)


def test_hypotheses_that_failed_do_not_survive(small: Task) -> None:
    past, _ = played(small.space, settings("random", evaluations=20), lambda one: -np.inf)
    assert survivors(settings("estimation"), past) == []
    rng = np.random.default_rng(0)
    mixed = [Evaluation(n, small.space.draw(rng), float(n) if n % 2 else -np.inf, 12) for n in range(20)]
    kept = survivors(settings("estimation"), mixed)
    assert kept == [one.candidate for one in mixed if one.reward >= 10.0]
