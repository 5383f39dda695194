"""An endless stream of packs of masked proteins, the same for any number of processes, from any position on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.alphabet import CLS, EOS, TOKENS
from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.pack import Pack
from pajamo.errors import StudyError
from pajamo.training.streams.masking import masked
from pajamo.training.streams.samples import ENDS, MASKING, ProteinSamples, Samples
from pajamo.training.streams.windows import PackPlan, Position, Window, packed, planned, window_size

__all__ = ["PackPlan", "PackStream", "Position"]


class PackStream:
    """Global batches of packs.

    What a pack holds, crops and masks included, is a pure function of its plan; a plan is a pure function of the
    position; a position is a few integers. Processes only share out the plans. Memory does not grow with the corpus,
    but for `indices` and for clusters that `indices` cut down.

    Parameters
    ----------
    corpus: the proteins.
    indices: those that are sampled, ascending; all if None.
    seed: of order, members, stretches and masks.
    tokens: of a pack at most.
    packs: in a global batch.
    longest: tokens of a sample at most; of longer proteins a random stretch is taken.
    masking: what is hidden.
    sampled_by: clusters of which an epoch takes one member each; every protein if None.

    Raises
    ------
    DataError: no protein to sample.
    StudyError: a sample may be longer than a pack.
    """

    def __init__(
        self,
        corpus: ProteinCorpus,
        indices: NDArray[np.int64] | None,
        *,
        seed: int,
        tokens: int,
        packs: int,
        longest: int,
        masking: MaskingSettings,
        sampled_by: Clusters | None = None,
    ) -> None:
        if longest > tokens:
            raise StudyError(
                f"a protein of {longest} tokens does not fit a pack of {tokens}",
                where="[data] longest, [training] tokens",
                fix="give packs at least as many tokens as the longest sample",
            )
        clusters = sampled_by if sampled_by is None or indices is None else sampled_by.within(indices)
        self.samples = ProteinSamples(corpus, indices, clusters, seed, longest)
        self.tokens, self.packs, self.masking = tokens, packs, masking
        self._size = window_size(self.samples, tokens)
        self._latest: tuple[Position, Window] | None = None

    def first(self) -> Position:
        """Where the stream begins."""
        return Position()

    def plan(self, position: Position) -> tuple[list[PackPlan], Position]:
        """The packs of one global batch, exactly `packs`, and the position behind them."""
        plans: list[PackPlan] = []
        while len(plans) < self.packs:
            window = self._window(Position(position.next, position.carried))
            taken = window.plans[position.done : position.done + self.packs - len(plans)]
            plans += taken
            done = position.done + len(taken)
            position = (
                Position(position.next, position.carried, done) if done < len(window.plans) else window.after
            )
        return plans, position

    def once(self, epoch: int = 0) -> Iterator[PackPlan]:
        """Packs of one epoch alone, each of its samples once, the last pack as empty as it comes; for validation."""
        here = Position(epoch * len(self.samples))
        last = here.next + len(self.samples)
        while here.next < last:
            window = packed(self.samples, here, min(here.next + self._size, last), self.tokens)
            yield from window.plans
            here = window.after
        if here.carried:
            yield planned(self.samples, list(here.carried))

    def pack(self, plan: PackPlan) -> Pack:
        """Read, crop and mask the samples of a plan."""
        samples = self.samples.at(np.array(plan.samples, dtype=np.int64))
        tokens, places = self._read(samples)
        keys = self.samples.words(samples.epochs, samples.proteins, MASKING)
        shown, asked, targets = masked(tokens, samples.lengths, places, keys, self.masking)
        return Pack(shown, samples.lengths, asked, targets, samples.proteins)

    def cropped(self) -> int:
        """Proteins of which only a stretch at a time is seen."""
        return self.samples.cropped()

    def fingerprint(self) -> dict[str, Any]:
        """What a stream must share with another to give the same packs; JSON values."""
        samples = self.samples
        return {
            "corpus": samples.corpus.digest,
            "proteins": _digest(samples.indices),
            "clusters": None if samples.clusters is None else _digest(samples.clusters.of),
            "seed": samples.seed,
            "longest": samples.longest,
            "tokens": self.tokens,
            "packs": self.packs,
            "masking": self.masking.model_dump(mode="json"),
            "vocabulary": hashlib.sha256(" ".join(TOKENS).encode()).hexdigest()[:16],
        }

    def _window(self, begin: Position) -> Window:
        """The window that begins here; the latest is kept, since several batches are taken from one."""
        latest = self._latest
        if latest is None or latest[0] != begin:
            latest = (begin, packed(self.samples, begin, begin.next + self._size, self.tokens))
            self._latest = latest
        return latest[1]

    def _read(self, samples: Samples) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Tokens of samples end to end, and the place of each in its protein (<cls> being 0)."""
        corpus, ends = self.samples.corpus, np.cumsum(samples.lengths)
        stops = samples.begins + samples.lengths
        whole = corpus.lengths[samples.proteins] + ENDS
        first = np.maximum(samples.begins - 1, 0)
        residues, _ = corpus.gather(samples.proteins, first, np.minimum(stops - 1, whole - ENDS) - first)
        tokens = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
        holds = np.ones(len(tokens), dtype=bool)
        begin, end = (ends - samples.lengths)[samples.begins == 0], ends[stops == whole] - 1
        holds[begin] = holds[end] = False
        tokens[holds], tokens[begin], tokens[end] = residues, CLS, EOS
        shifts = samples.begins - (ends - samples.lengths)
        return tokens, np.arange(len(tokens)) + np.repeat(shifts, samples.lengths)


def _digest(numbers: NDArray[np.int64] | None) -> str | None:
    if numbers is None:
        return None
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype="<i8").data).hexdigest()[:16]
