"""Nearest neighbours in one dimension, for information between a number and the bin of a read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from pajamo.evaluation.information.checking import Reads
from pajamo.evaluation.information.estimate import Array, Indices
from pajamo.evaluation.information.order import normal_scores


@dataclass(frozen=True)
class OrderedReads:
    """All reads in the order of their rows' predictions; the reads of one row stand together.

    Attributes
    ----------
    bins: bin of each read, shape (reads,).
    first, last: positions of the first read of the own row, and of the first after it, shape (reads,).
    place: normal score of each read's position, strictly increasing, shape (reads,).
    """

    bins: Indices
    first: Indices
    last: Indices
    place: Array

    @classmethod
    def of(cls, order: Indices, reads: Reads, seed: int) -> OrderedReads:
        """Lay out the reads of rows whose predictions have the ranks `order`, each row's in random order.

        Parameters
        ----------
        order: rank of each row, without ties, shape (rows,).
        reads: shape (rows, bins).
        seed: of the order within a row.
        """
        table = reads[np.argsort(order)]
        row, column = np.nonzero(table)
        times = table[row, column]
        row, column = np.repeat(row, times), np.repeat(column, times)
        column = column[np.lexsort((np.random.default_rng(seed).permutation(len(row)), row))]
        depth = table.sum(axis=1)
        after = np.cumsum(depth)
        return cls(column, (after - depth)[row], after[row], normal_scores(np.arange(len(row))))

    def shares(self, neighbours: int) -> Array:
        """Share of each read in the information, in nats, shape (reads,).

        psi(M + 1) - psi(K + 1) + psi(k) - psi(m), where M reads and K of the same bin belong to other rows, and
        m reads of other rows lie no further than the k-th of the same bin. If the bin does not depend on the
        prediction, m is how many draws without replacement give k hits, and the mean of each share is
        exactly zero. A bin that has fewer than k reads in other rows uses all of them; without any, the
        read says nothing and its share is zero.
        """
        shares = np.zeros(len(self.bins))
        for bin_number in np.unique(self.bins):
            position = np.flatnonzero(self.bins == bin_number)
            below, above = np.searchsorted(position, [self.first[position], self.last[position]])
            others = len(position) - (above - below)
            wanted = np.minimum(neighbours, others)
            for k in np.unique(wanted[wanted > 0]):
                chosen = wanted == k
                reads = position[chosen]
                furthest = _kth(self.place, position, reads, below[chosen], above[chosen], int(k))
                within = self._within(reads, furthest)
                total = len(self.bins) - (self.last - self.first)[reads]
                shares[reads] = (
                    digamma(total + 1) - digamma(others[chosen] + 1) + digamma(k) - digamma(within)
                )
        return shares

    def _within(self, reads: Indices, furthest: Indices) -> Indices:
        """Count reads of other rows as near as the read at `furthest`, that one included."""
        place, first, last = self.place, self.first[reads], self.last[reads]
        distance = np.abs(place[furthest] - place[reads])
        left = np.searchsorted(place, place[reads] - distance, side="right")
        right = np.searchsorted(place, place[reads] + distance, side="left")
        # The side of the k-th neighbour is counted by position, since rounding could lose it.
        left = np.where(furthest < first, furthest, np.minimum(left, first))
        right = np.where(furthest >= last, furthest + 1, np.maximum(right, last))
        return np.asarray((first - left) + (right - last))


def _kth(place: Array, position: Indices, reads: Indices, below: Indices, above: Indices, k: int) -> Indices:
    """Position of the k-th nearest read of the same bin in another row, for each of `reads`.

    Parameters
    ----------
    place: score of every read.
    position: reads of this bin, ascending.
    reads: whose neighbours are sought.
    below, above: where in `position` the own row begins, and where it has ended.
    """
    steps = np.arange(k)
    column = np.concatenate([below[:, None] - 1 - steps, above[:, None] + steps], axis=1)
    exists = (column >= 0) & (column < len(position))
    candidate = position[np.clip(column, 0, len(position) - 1)]
    distance = np.where(exists, np.abs(place[candidate] - place[reads][:, None]), np.inf)
    chosen = np.argpartition(distance, k - 1, axis=1)[:, k - 1]
    return np.asarray(candidate[np.arange(len(reads)), chosen])
