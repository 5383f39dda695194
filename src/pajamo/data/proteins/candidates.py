"""Pairs of proteins that are worth a look: their number grows with that of residues, not with its square."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.likeness import Diagonals
from pajamo.data.proteins.words import REDUCED, Words, words
from pajamo.errors import SplitError

BITS = 24
MOST: Final = 1 << BITS
"""Proteins that can be told apart in the keys of pairs."""
FARTHEST: Final = 1 << 15
SAMPLED = 1 << 25
"""Words that are looked at, if all proteins have more ..."""
SPARSEST = 1 / 8
"""... but at least this share of them."""
WORDS_AT_ONCE = 1 << 21
HEAPS: Final = 16
"""Keys are sorted a heap at a time, to need less memory at once."""
HITS = 2
"""Words on the same diagonal that make a pair a candidate: one alone is mostly chance."""


def candidates(corpus: ProteinCorpus) -> Diagonals:
    """Pairs that share at least two words of `REDUCED` on a diagonal.

    Of the proteins that share a word, each is paired with the longest and with its neighbour in length alone: enough
    to tie all relatives together, and linear in the number of proteins (after Linclust: Steinegger & Söding 2018,
    Nat. Commun. 9, 2542, which takes the longest).

    Raises
    ------
    SplitError: more proteins than keys of pairs can hold.
    """
    if len(corpus) > MOST:
        raise SplitError(
            f"families of more than {MOST:,} proteins are not found by pajamo itself",
            where="[split] by",
            fix='cluster them with MMseqs2 and give the clusters as a column (by = "column")',
        )
    residues = int(corpus.facts["residues"])
    share = max(SPARSEST, min(1.0, SAMPLED / max(residues, 1)))
    passes = max(1, math.ceil(share * residues / WORDS_AT_ONCE))
    edges = np.linspace(0, share, passes + 1)
    rank = np.empty(len(corpus), dtype=np.int64)
    rank[np.argsort(-corpus.lengths, kind="stable")] = np.arange(len(corpus))
    heaps: list[list[NDArray[np.int64]]] = [[] for _ in range(HEAPS)]
    for part in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        keys = _shared(corpus, rank, part)
        heap = (keys >> 16) % HEAPS
        for number in range(HEAPS):
            heaps[number].append(keys[heap == number])
    return _together([_repeated(np.concatenate(heap)) for heap in heaps])


def _shared(corpus: ProteinCorpus, rank: NDArray[np.int64], part: tuple[float, float]) -> NDArray[np.int64]:
    """Keys of pairs that share a word of a part of all words."""
    pieces = list(words(corpus, REDUCED, part=part))
    spelled = np.concatenate([piece.spelled for piece in pieces])
    proteins = np.concatenate([piece.proteins for piece in pieces])
    places = np.concatenate([piece.places for piece in pieces])
    # Stable, so that a word that stands twice in a protein gives the same pairs on every machine.
    order = np.argsort((spelled.astype(np.int64) << BITS) | rank[proteins], kind="stable")
    return np.concatenate(list(_linked(Words(spelled[order], proteins[order], places[order]))))


def _together(found: list[Diagonals]) -> Diagonals:
    columns = ((pairs.first, pairs.second, pairs.shift) for pairs in found)
    return Diagonals(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def _linked(ordered: Words) -> Iterator[NDArray[np.int64]]:
    """Keys of each protein with the first that has the word, and with the one before it."""
    spelled = ordered.spelled
    if not len(spelled):
        yield np.zeros(0, dtype=np.int64)
        return
    new = np.concatenate(([True], spelled[1:] != spelled[:-1]))
    longest = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    others = np.flatnonzero(~new)
    yield _keys(ordered, longest[others], others)
    third = others[others - 1 > longest[others]]
    yield _keys(ordered, third - 1, third)


def _keys(ordered: Words, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """A pair and its diagonal in one integer, the protein of lower number first."""
    a, b = ordered.proteins[one], ordered.proteins[other]
    shift = ordered.places[one] - ordered.places[other]
    shift = np.where(a > b, -shift, shift)
    a, b = np.minimum(a, b), np.maximum(a, b)
    useful = (a != b) & (np.abs(shift) < FARTHEST)
    keys: NDArray[np.int64] = ((a << (BITS + 16)) | (b << 16) | (shift + FARTHEST))[useful]
    return keys


def _repeated(keys: NDArray[np.int64]) -> Diagonals:
    """Pairs whose key stands at least `HITS` times."""
    keys.sort()
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if keys.size else keys
    times = np.diff(np.concatenate((first, [keys.size])))
    kept = keys[first[times >= HITS]]
    # The upper bits of the first protein may reach the sign.
    a = (kept >> (BITS + 16)) & (MOST - 1)
    return Diagonals(a, (kept >> 16) & (MOST - 1), (kept & (2 * FARTHEST - 1)) - FARTHEST)
