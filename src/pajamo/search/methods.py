"""Which hypotheses are tried next: any, such as resemble the best so far, or the better half of the latest again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.config.assays import SearchSettings
from pajamo.search.distribution import Distribution
from pajamo.search.neighbours import neighbour
from pajamo.search.posterior import best
from pajamo.search.record import Evaluation
from pajamo.search.space import Candidate, Space

TRIES = 50
"""Draws after which a hypothesis that was tried before is tried again: the space may be exhausted."""
RUNGS, SHARE = 3, 2
"""Rungs of successive halving, and by how much each trains longer than the one below."""


NEAR, PARENTS = 0.5, 8
"""Share of a generation that are neighbours of the best so far, and how many of these have neighbours."""


@dataclass(frozen=True)
class Proposal:
    """Candidates, and how many steps each is trained."""

    candidates: tuple[Candidate, ...]
    steps: int


def propose(space: Space, settings: SearchSettings, seed: int, past: Sequence[Evaluation]) -> Proposal:
    """The next generation; it depends on the seed and on what was recorded alone, so that a search can go on.

    estimation: as in Elektrum (Zhang et al. 2023, Nat Comput Sci 3, 1056), candidates of the buffer that reach the
    mean reward of the latest generation are kept, and the distribution over hypotheses is estimated from them. Half
    of the candidates are drawn from it; the others are neighbours of the best so far, as a distribution that has
    found the region of an optimum takes long to find the optimum.
    halving: Jamieson and Talwalkar 2016 (AISTATS), generation by generation.
    """
    rng = np.random.default_rng([seed, len(past)])
    count = min(settings.generation, settings.evaluations - len(past))
    if settings.method == "halving":
        again = _promoted(settings, past)
        if again is not None:
            return Proposal(again.candidates[:count], again.steps)
        steps = max(settings.steps // SHARE ** (RUNGS - 1), 1)
        return Proposal(_new(space, lambda: space.draw(rng), past, count), steps)
    if settings.method == "random" or len(past) < settings.generation:
        return Proposal(_new(space, lambda: space.draw(rng), past, count), settings.steps)
    distribution = Distribution.estimated(space, survivors(settings, past))
    parents = best(past, PARENTS)

    def draw() -> Candidate:
        if not parents or rng.random() >= NEAR:
            return distribution.draw(rng)
        return neighbour(space, parents[int(rng.integers(len(parents)))].candidate, rng)

    return Proposal(_new(space, draw, past, count), settings.steps)


def survivors(settings: SearchSettings, past: Sequence[Evaluation]) -> list[Candidate]:
    """Candidates of the buffer that are at least as good as the latest generation on average."""
    latest = [one.reward for one in past[-settings.generation :] if np.isfinite(one.reward)]
    bar = float(np.mean(latest)) if latest else -np.inf
    return [
        one.candidate for one in past[-settings.buffer :] if np.isfinite(one.reward) and one.reward >= bar
    ]


def _promoted(settings: SearchSettings, past: Sequence[Evaluation]) -> Proposal | None:
    """The better half of the latest generation with more steps, unless it has had them all."""
    if not past:
        return None
    steps = past[-1].steps
    latest = [one for one in past[-settings.generation :] if one.steps == steps]
    if steps >= settings.steps or len(latest) < 2:
        return None
    better = sorted(latest, key=lambda one: -one.reward)[: max(len(latest) // SHARE, 1)]
    return Proposal(tuple(one.candidate for one in better), min(steps * SHARE, settings.steps))


def _new(
    space: Space, draw: Callable[[], Candidate], past: Sequence[Evaluation], count: int
) -> tuple[Candidate, ...]:
    """Different candidates that were not tried before, as far as a number of draws finds them."""
    known = {one.candidate for one in past}
    found: list[Candidate] = []
    for _ in range(count):
        for _ in range(TRIES):
            candidate = space.canonical(draw())
            if candidate not in known:
                break
        known.add(candidate)
        found.append(candidate)
    return tuple(found)
