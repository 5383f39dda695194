"""Which protein, and which stretch of it, each sample of an endless stream is: looked up, never drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.errors import DataError, StudyError
from pajamo.training.streams.hashing import Words, below, hashed
from pajamo.training.streams.members import permuted_each

ENDS: Final = 2
"""Tokens that stand for the two ends of a protein: <cls> and <eos>."""
ORDER, MEMBER, STRETCH, MASKING = range(4)
"""What a hashed number is for; no two uses share one."""
AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class Samples:
    """Some samples.

    Attributes
    ----------
    epochs: pass over the data that each belongs to; shape (samples,).
    proteins: number of each one's protein in the corpus.
    begins: token of the protein, <cls> being 0, with which the sample begins.
    lengths: its tokens.
    """

    epochs: NDArray[np.int64]
    proteins: NDArray[np.int64]
    begins: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ProteinSamples:
    """The samples of a corpus, numbered without end: those of the first epoch, of the second, ...

    In each epoch every cluster gives one member chosen at random (every protein gives itself where there are no
    clusters), in an order of the epoch's own. Of a protein that is too long a random stretch is taken; <cls> and
    <eos> show a true end, so that a stretch tells itself from a whole protein (Lin et al. 2023, Science 379, 1123,
    supplement).

    Attributes
    ----------
    corpus: the proteins.
    indices: those that are sampled; all if None.
    clusters: see `Clusters`; only of proteins that are sampled.
    seed: of everything.
    longest: tokens of a sample at most.
    """

    corpus: ProteinCorpus
    indices: NDArray[np.int64] | None
    clusters: Clusters | None
    seed: int
    longest: int

    def __post_init__(self) -> None:
        if not len(self):
            raise DataError(
                "there is no protein to sample",
                where=str(self.corpus.folder.path),
                fix="give more proteins, or keep fewer aside",
            )
        if self.longest <= ENDS:
            raise StudyError(
                f"samples of {self.longest} tokens hold no residue",
                where="[data] longest",
                fix="give at least 3 tokens",
            )

    def __len__(self) -> int:
        """Samples of an epoch."""
        if self.clusters is not None:
            return len(self.clusters)
        return len(self.corpus) if self.indices is None else len(self.indices)

    def at(self, numbers: NDArray[np.int64]) -> Samples:
        """The samples of these numbers; each depends on the seed and its own number alone."""
        epochs, places = np.divmod(numbers, len(self))
        proteins = self._proteins(epochs, places)
        whole = self.corpus.lengths[proteins] + ENDS
        lengths = np.minimum(whole, self.longest)
        begins = below(self.words(epochs, proteins, STRETCH), whole - lengths + 1)
        return Samples(epochs, proteins, begins, lengths)

    def words(self, epochs: NDArray[np.int64], proteins: NDArray[np.int64], purpose: int) -> Words:
        """A hashed word for each sample and purpose."""
        return hashed(self.seed, epochs, proteins, purpose)

    def cropped(self) -> int:
        """Proteins that are too long to be a sample as a whole."""
        number = len(self.corpus) if self.indices is None else len(self.indices)
        longer = 0
        for begin in range(0, number, AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            lengths = self.corpus.lengths[part if self.indices is None else self.indices[part]]
            longer += int(np.count_nonzero(lengths + ENDS > self.longest))
        return longer

    def _proteins(self, epochs: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        items = permuted_each(places, len(self), hashed(self.seed, epochs, ORDER))
        if self.clusters is None:
            return items if self.indices is None else self.indices[items]
        starts = self.clusters.starts
        sizes = starts[items + 1] - starts[items]
        chosen = below(hashed(self.seed, epochs, items, MEMBER), sizes)
        return self.clusters.members[starts[items] + chosen]
