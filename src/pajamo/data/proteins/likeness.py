"""How alike two proteins are along a diagonal: residue i of one facing residue i - d of the other, without gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.corpus import ProteinCorpus

PAIRS_AT_ONCE = 2000
SAME, OTHER = 2, -1
"""A stretch gains while more than a third of its residues are the same."""
LEAST: Final = 24
"""Score that chance does not reach: unrelated residues agree in one of 17, so that a stretch scores s or more with
odds of e^(-1.25 s) at each place (Karlin & Altschul 1990, PNAS 87, 2264); 1e-13 here."""
SHARE: Final = 0.2
"""Score per residue of the shorter protein: half of the residues of two fifths of it, or all of those of a tenth."""


@dataclass(frozen=True)
class Diagonals:
    """Pairs of proteins laid side by side.

    Attributes
    ----------
    first, second: proteins; shape (pairs,).
    shift: residue of `first` less the residue of `second` that it faces; shape (pairs,).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shift: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    def piece(self, begin: int, end: int) -> Diagonals:
        """Some of the pairs."""
        return Diagonals(self.first[begin:end], self.second[begin:end], self.shift[begin:end])


def related(corpus: ProteinCorpus, pairs: Diagonals) -> NDArray[np.bool_]:
    """Whether each pair's best stretch scores at least `LEAST`, and `SHARE` per residue of the shorter protein."""
    shorter = np.minimum(corpus.lengths[pairs.first], corpus.lengths[pairs.second])
    return np.asarray(best_stretches(corpus, pairs) >= np.maximum(LEAST, SHARE * shorter))


def best_stretches(corpus: ProteinCorpus, pairs: Diagonals) -> NDArray[np.int64]:
    """Score of the best stretch of each pair: `SAME` for each residue that agrees, `OTHER` for each that does not."""
    scores = [
        _best(corpus, pairs.piece(begin, begin + PAIRS_AT_ONCE))
        for begin in range(0, len(pairs), PAIRS_AT_ONCE)
    ]
    return np.concatenate([*scores, np.zeros(0, dtype=np.int64)])


def _best(corpus: ProteinCorpus, pairs: Diagonals) -> NDArray[np.int64]:
    begin = np.maximum(0, pairs.shift)
    end = np.minimum(corpus.lengths[pairs.first], corpus.lengths[pairs.second] + pairs.shift)
    facing = np.maximum(end - begin, 0)
    one, _ = corpus.gather(pairs.first, begin, facing)
    other, _ = corpus.gather(pairs.second, begin - pairs.shift, facing)
    gains = np.where(one == other, SAME, OTHER)
    # A row of its own after each pair, so low that no stretch crosses it.
    ends = np.cumsum(facing + 1) - 1
    walls = np.zeros(len(one) + len(pairs), dtype=bool)
    walls[ends] = True
    steps = np.empty(len(walls), dtype=np.int64)
    steps[~walls] = gains
    steps[walls] = -SAME * (int(facing.max(initial=0)) + 1)
    return _climbs(steps, np.concatenate(([0], ends[:-1] + 1)))


def _climbs(steps: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Largest sum of neighbouring steps in each range; none is worth 0. Kadane's algorithm as running minima."""
    height = np.cumsum(steps)
    lowest = np.minimum.accumulate(np.concatenate(([0], height[:-1])))
    return np.asarray(np.maximum(np.maximum.reduceat(height - lowest, starts), 0))
