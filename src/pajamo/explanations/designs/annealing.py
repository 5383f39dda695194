"""Simulated annealing: many chains of edited sequences that always keep to the rules.

Kirkpatrick, Gelatt and Vecchi 1983, Science 220, 671.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Codes
from pajamo.explanations.designs.constraints import Rules

Values = NDArray[np.float64]
Score = Callable[[Codes], Values]
CHAINS = 48
COLDEST = 1e-3
"""Last temperature, as a share of the first."""
REVERT = 0.25
"""How often a changed letter goes back to the start's, which keeps edits few."""


class Archive:
    """The best different sequences that were seen."""

    def __init__(self, size: int, length: int) -> None:
        self._size = size
        self.codes: Codes = np.zeros((0, length), dtype=np.uint8)
        self.scores: Values = np.zeros(0)

    def add(self, codes: Codes, scores: Values) -> None:
        """Keep those that are among the best."""
        codes, scores = np.concatenate([self.codes, codes]), np.concatenate([self.scores, scores])
        first = np.unique(codes, axis=0, return_index=True)[1]
        kept = first[np.argsort(-scores[first], kind="stable")[: self._size]]
        self.codes, self.scores = codes[kept], scores[kept]

    @property
    def floor(self) -> float:
        """The score that a sequence must beat to be among the best."""
        return float(self.scores[-1]) if len(self.scores) == self._size else -np.inf


def anneal(score: Score, rules: Rules, feasible: Codes, *, steps: int, best: int, seed: int) -> Archive:
    """Look for the best sequences.

    Parameters
    ----------
    score: of sequences, shape (sequences, length) to (sequences,); the larger, the better.
    rules: that every sequence keeps to.
    feasible: a sequence that does, shape (length,).
    steps: proposals of each chain.
    best: how many sequences are kept.
    seed: the same seed gives the same sequences.
    """
    rng = np.random.default_rng(seed)
    codes = np.repeat(feasible[None], CHAINS, axis=0)
    scores = score(codes)
    archive = Archive(best, len(feasible))
    archive.add(codes, scores)
    places = np.flatnonzero(rules.free)
    if not len(places):
        return archive
    warmest = 1.0
    for step in range(steps):
        proposed = _proposed(codes, rules, places, rng)
        allowed = rules.hold(proposed)
        reached = np.full(len(codes), -np.inf)
        if allowed.any():
            reached[allowed] = score(proposed[allowed])
            archive.add(proposed[allowed], reached[allowed])
        temperature = warmest * COLDEST ** (step / steps)
        taken = np.log(rng.random(len(codes))) < (reached - scores) / temperature
        codes, scores = np.where(taken[:, None], proposed, codes), np.where(taken, reached, scores)
    return archive


def _proposed(codes: Codes, rules: Rules, places: NDArray[np.intp], rng: np.random.Generator) -> Codes:
    """One or two positions of each sequence with other letters."""
    proposed = codes.copy()
    row = np.arange(len(codes))
    for change in (np.ones(len(codes), dtype=bool), rng.random(len(codes)) < 0.5):
        at = rng.choice(places, len(codes))
        own = proposed[row, at]
        other = (own + rng.integers(1, rules.letters, len(codes))) % rules.letters
        other = np.where(rng.random(len(codes)) < REVERT, rules.start[at], other)
        proposed[row, at] = np.where(change, other, own)
    _give_back(proposed, rules, rng)
    return proposed


def _give_back(codes: Codes, rules: Rules, rng: np.random.Generator) -> None:
    """Take back edits, at random, of sequences that have too many."""
    if rules.most_edits >= codes.shape[1]:
        return
    changed = codes != rules.start
    rank = np.where(changed, rng.random(codes.shape), -1.0).argsort(axis=1).argsort(axis=1)
    surplus = codes.shape[1] - rank > rules.most_edits
    codes[:] = np.where(surplus, rules.start, codes)
