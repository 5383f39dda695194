"""How many lanes: from few to many, until money or the need for room ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pajamo.campaigns.costs.greedy import Attempt, Frame
from pajamo.campaigns.costs.model import CostModel, Load

TRIED = 4
"""Numbers of lanes that are tried at first, and then again around the best of them."""
MOST = 10_000
"""Lanes beyond which no batch goes."""


class FrameSearch:
    """The numbers of lanes that a number of runs and a budget allow.

    With more lanes than are filled a batch costs more and gains nothing, so the search ends where no lane is full.
    Of more than `TRIED` numbers some are tried first, then those between the neighbours of the best.
    """

    def __init__(self, costs: CostModel, runs: int, budget: float) -> None:
        self.costs, self.runs, self.budget = costs, runs, budget
        self.least = -(-costs.layout.spread // runs)

    def best_of(self, attempt: Callable[[Frame], Attempt | None]) -> Iterator[Attempt]:
        """The attempts of all numbers that are tried, without those in which what must be chosen does not fit."""
        found: dict[int, Attempt] = {}
        numbers = self._numbers()
        if len(numbers) <= TRIED:
            yield from self._rising(numbers, attempt, found)
            return
        coarse = sorted({int(n) for n in np.rint(np.geomspace(numbers[0], numbers[-1], TRIED))})
        yield from self._rising(coarse, attempt, found)
        if found:
            best = max(found, key=lambda lanes: found[lanes].gain)
            yield from self._rising(self._between(coarse, best), attempt, found)

    def _numbers(self) -> list[int]:
        if not np.isfinite(self.costs.capacity):
            return [self.least] if self._affordable(self.least) else []
        most = self.costs.most_lanes or MOST
        return [n for n in range(self.least, most + 1) if self._affordable(n)]

    def _affordable(self, lanes: int) -> bool:
        return bool(self.costs.cents(Load(), self.runs, lanes) <= self.budget * 100)

    def _between(self, tried: list[int], best: int) -> list[int]:
        place = tried.index(best)
        low, high = tried[max(place - 1, 0)], tried[min(place + 1, len(tried) - 1)]
        inside = [n for n in range(low + 1, high) if n not in tried]
        chosen = np.linspace(0, len(inside) - 1, TRIED).astype(int).tolist() if inside else []
        return [inside[k] for k in sorted(set(chosen))]

    def _rising(
        self, numbers: list[int], attempt: Callable[[Frame], Attempt | None], found: dict[int, Attempt]
    ) -> Iterator[Attempt]:
        for lanes in numbers:
            made = attempt(Frame(self.runs, lanes, self.budget))
            if made is None:
                continue
            found[lanes] = made
            yield made
            if not made.full:
                return
