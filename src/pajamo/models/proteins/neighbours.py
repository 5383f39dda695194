"""What residues are like without any model of proteins: their frequencies, alone and given two others nearby.

A language model that does not beat these has learned nothing about proteins that a table does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import CLS, EOS, TOKENS, UNKNOWN
from pajamo.data.proteins.pack import Pack

SIZE: Final = len(TOKENS)
PRIOR: Final = 20.0
"""Weight, in residues, that overall frequencies have in each context."""
CONTEXTS: Final = {"unigram": (), "3-gram": (-2, -1), "3-gram between neighbours": (-1, 1)}
"""Places, relative to the residue in question, of the residues that are known."""


@dataclass(frozen=True)
class NeighbourTable:
    """Frequencies of residues in each context of up to two other residues.

    Attributes
    ----------
    offsets: where the residues of the context stand relative to the one in question.
    log_probability: ln p of each token in each context; shape (contexts, tokens).
    """

    offsets: tuple[int, ...]
    log_probability: NDArray[np.float64]

    @classmethod
    def of(cls, packs: Iterable[Pack], offsets: tuple[int, ...]) -> Self:
        """Count the residues of packs in which nothing is masked; frequencies are drawn to the overall ones."""
        counts = np.zeros((SIZE ** len(offsets), SIZE))
        for pack in packs:
            places = np.flatnonzero((pack.tokens != CLS) & (pack.tokens != EOS))
            code = _contexts(pack.tokens, pack.lengths, places, offsets) * SIZE + pack.tokens[places]
            counts += np.bincount(code, minlength=counts.size).reshape(counts.shape)
        # One residue each, so that no token is impossible.
        overall = counts.sum(axis=0) + 1.0
        overall /= overall.sum()
        smoothed = counts + PRIOR * overall
        return cls(offsets, np.log(smoothed / smoothed.sum(axis=1, keepdims=True)))

    def nats(self, pack: Pack) -> NDArray[np.float64]:
        """-ln p of the true residue at each place that is asked for, its neighbours being known; shape (asked,).

        More than a language model is told, which does not see the neighbours that are masked as well.
        """
        known = pack.tokens.copy()
        known[pack.places] = pack.targets
        return -self.log_probability[_contexts(known, pack.lengths, pack.places, self.offsets), pack.targets]


def _contexts(
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    places: NDArray[np.int64],
    offsets: tuple[int, ...],
) -> NDArray[np.int64]:
    """Number of each place's context.

    Beyond either end of a protein stands its <cls> or <eos>; beyond a stretch that was cut out of one, <unk>.
    """
    ends = np.cumsum(lengths)
    of = np.searchsorted(ends, places, side="right")
    first, last = (ends - lengths)[of], ends[of] - 1
    code = np.zeros(len(places), dtype=np.int64)
    for offset in offsets:
        at = places + offset
        inside = np.clip(at, first, last)
        ended = np.isin(tokens[inside], (CLS, EOS))
        code = code * SIZE + np.where((at == inside) | ended, tokens[inside], UNKNOWN)
    return code
