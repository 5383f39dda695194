"""Does a split leak? For each protein kept aside, the training protein that shares most of its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.words import EXACT, words

KEPT_AT_ONCE = 500
MOST_KEPT = 20_000
"""Kept proteins that are looked at; of more, a random choice."""
THRESHOLDS = (0.05, 0.1, 0.25, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class LeakReport:
    """What training gives away of the proteins kept aside.

    Attributes
    ----------
    kept: proteins kept aside that were looked at; shape (kept,).
    nearest: the training protein that shares most words with each, -1 where none shares any.
    containment: share of the kept protein's words of six residues that the nearest one has; shape (kept,).
    """

    kept: NDArray[np.int64]
    nearest: NDArray[np.int64]
    containment: NDArray[np.float64]

    @property
    def identity(self) -> NDArray[np.float64]:
        """Share of residues that agree, estimated: containment^(1/6), if substitutions hit residues independently.

        Unrelated proteins share a word by chance, so that below one half the estimate says little. Source: Hera,
        Pierce-Ward & Koslicki 2023, Genome Res. 33, 1061.
        """
        return np.asarray(self.containment ** (1 / EXACT.length))

    def shares(self, thresholds: tuple[float, ...] = THRESHOLDS) -> dict[float, float]:
        """Share of kept proteins whose nearest training protein has at least this part of their words."""
        number = max(len(self.kept), 1)
        return {limit: float(np.count_nonzero(self.containment >= limit) / number) for limit in thresholds}

    @property
    def facts(self) -> dict[str, Any]:
        """Figures for a run's record; JSON values."""
        return {
            "kept": len(self.kept),
            "median_containment": float(np.median(self.containment)) if len(self.kept) else 0.0,
            "largest_containment": float(self.containment.max(initial=0)),
            "shares": {f"{limit:g}": share for limit, share in self.shares().items()},
        }

    @property
    def sentence(self) -> str:
        """What to know, in words."""
        quarter = self.shares((0.25,))[0.25]
        return (
            f"Of {len(self.kept):,} proteins kept aside, {quarter:.1%} share a quarter or more of their words of six "
            f"residues with one training protein (largest share: {self.containment.max(initial=0):.0%})."
        )


def leaks(
    corpus: ProteinCorpus, kept: NDArray[np.int64], training: NDArray[np.int64], seed: int = 0
) -> LeakReport:
    """Look for the nearest training protein of each protein kept aside, by all words that both have.

    Parameters
    ----------
    corpus: the proteins.
    kept, training: their numbers, ascending.
    seed: of the choice among more than `MOST_KEPT`.
    """
    if len(kept) > MOST_KEPT:
        kept = np.sort(np.random.default_rng(seed).choice(kept, MOST_KEPT, replace=False))
    held, place = _matrix(corpus, kept)
    theirs = _postings(corpus, training, place, held.shape[1])
    nearest = np.full(len(kept), -1, dtype=np.int64)
    most = np.zeros(len(kept))
    for begin in range(0, len(kept), KEPT_AT_ONCE):
        shared = (held[begin : begin + KEPT_AT_ONCE] @ theirs).tocsr()
        rows = slice(begin, begin + shared.shape[0])
        most[rows] = shared.max(axis=1).toarray()[:, 0]
        best = np.asarray(shared.argmax(axis=1)).reshape(-1)
        nearest[rows] = np.where(most[rows] > 0, training[best] if len(training) else -1, -1)
    own = np.maximum(np.asarray(held.sum(axis=1)).reshape(-1), 1)
    return LeakReport(kept, nearest, most / own)


def _matrix(corpus: ProteinCorpus, kept: NDArray[np.int64]) -> tuple[csr_matrix, NDArray[np.int32]]:
    """Which words each kept protein has, and the column of every word there can be, plus one."""
    spelled = [np.zeros(0, dtype=np.uint32)]
    proteins = [np.zeros(0, dtype=np.int64)]
    for piece in words(corpus, EXACT, kept):
        spelled.append(piece.spelled)
        proteins.append(piece.proteins)
    known = np.unique(np.concatenate(spelled))
    # Zeros that nobody has written take no memory, of which all words would need much.
    place = np.zeros(EXACT.number, dtype=np.int32)
    place[known] = np.arange(1, len(known) + 1)
    rows = np.searchsorted(kept, np.concatenate(proteins))
    return _presence(rows, place[np.concatenate(spelled)] - 1, (len(kept), len(known))), place


def _postings(
    corpus: ProteinCorpus, training: NDArray[np.int64], place: NDArray[np.int32], known: int
) -> csr_matrix:
    """Which training proteins have each of the kept proteins' words; shape (words, training)."""
    rows, columns = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
    for piece in words(corpus, EXACT, training):
        found = place[piece.spelled] - 1
        shared = found >= 0
        rows.append(found[shared])
        columns.append(np.searchsorted(training, piece.proteins[shared]).astype(np.int32))
    return _presence(np.concatenate(rows), np.concatenate(columns), (known, len(training)))


def _presence(
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    shape: tuple[int, int],
) -> csr_matrix:
    """One where a row has a column, however often it is named."""
    found = csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found
