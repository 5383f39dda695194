"""A stream cut into windows, each packed by itself; what fills no pack goes on into the next window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.packing import best_fit
from pajamo.training.streams.permutation import permuted
from pajamo.training.streams.samples import ENDS, ProteinSamples

LEAST_SAMPLES: Final = 2048
LEAST_PACKS: Final = 16
"""A window holds at least so many samples, and about so many packs: enough to leave hardly any room in them."""
SHUFFLE: Final = 4


@dataclass(frozen=True)
class Position:
    """Where a stream stands; all that has to be kept to go on with it.

    Attributes
    ----------
    next: number of the first sample of the window.
    carried: samples of earlier windows that wait for a pack.
    done: packs of the window that were given out.
    """

    next: int = 0
    carried: tuple[int, ...] = ()
    done: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """The position as JSON values."""
        return {"next": self.next, "carried": list(self.carried), "done": self.done}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """What `facts` wrote."""
        return cls(int(facts["next"]), tuple(map(int, facts["carried"])), int(facts["done"]))


@dataclass(frozen=True)
class PackPlan:
    """What goes into a pack.

    Attributes
    ----------
    samples: their numbers in the stream.
    epoch: of the latest of them.
    """

    samples: tuple[int, ...]
    epoch: int


@dataclass(frozen=True)
class Window:
    """Packs of neighbouring samples, in random order, and where the next window begins."""

    plans: tuple[PackPlan, ...]
    after: Position


def window_size(samples: ProteinSamples, tokens: int) -> int:
    """Samples of a window, from the mean length of all proteins."""
    facts = samples.corpus.facts
    mean = min(facts["residues"] / facts["proteins"] + ENDS, samples.longest)
    return max(LEAST_SAMPLES, math.ceil(LEAST_PACKS * tokens / mean))


def packed(samples: ProteinSamples, begin: Position, end: int, tokens: int) -> Window:
    """Pack the carried samples and those from `begin.next` to `end`; the emptiest pack is carried on.

    Which samples share a pack follows from their lengths alone, before any is read, and for all processes alike.
    """
    numbers = np.concatenate((np.array(begin.carried, dtype=np.int64), np.arange(begin.next, end)))
    lengths = samples.at(numbers).lengths
    packs = best_fit(lengths, tokens, first=len(begin.carried))
    sums = [int(lengths[pack].sum()) for pack in packs]
    carried: list[int] = []
    if min(sums, default=tokens) < tokens:
        carried = packs.pop(sums.index(min(sums)))
    order = permuted(np.arange(len(packs)), len(packs), int(hashed(samples.seed, begin.next, SHUFFLE)))
    plans = tuple(planned(samples, numbers[packs[place]].tolist()) for place in order.tolist())
    return Window(plans, Position(end, tuple(numbers[carried].tolist())))


def planned(samples: ProteinSamples, numbers: list[int]) -> PackPlan:
    """A pack of these samples."""
    return PackPlan(tuple(numbers), max(numbers) // len(samples))
