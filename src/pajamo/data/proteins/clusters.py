"""Which proteins belong together: a cluster of each, and the members of each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Clusters:
    """A division of proteins.

    Attributes
    ----------
    of: cluster of each protein, -1 where it is in none; shape (proteins,).
    starts: where the members of each cluster begin, and where the last ones end; shape (clusters + 1,).
    members: proteins, cluster after cluster, ascending in each; shape (proteins in a cluster,).
    """

    of: NDArray[np.int64]
    starts: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def numbered(cls, of: NDArray[np.int64]) -> Clusters:
        """Clusters by the number of each protein's own, from 0 without gaps; -1 for none."""
        outside = int(np.count_nonzero(of < 0))
        members = np.argsort(of, kind="stable")[outside:].astype(np.int64)
        sizes = np.bincount(of[members]) if members.size else np.zeros(0, dtype=np.int64)
        return cls(of, np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), members)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def sizes(self) -> NDArray[np.int64]:
        """Members of each cluster; shape (clusters,)."""
        return np.diff(self.starts)

    def within(self, indices: NDArray[np.int64]) -> Clusters:
        """The clusters of some proteins alone; those of which none is there are left out, and numbers close up."""
        own = self.of[indices]
        there = np.zeros(len(self), dtype=bool)
        there[own[own >= 0]] = True
        numbers = np.append(np.cumsum(there) - 1, -1)  # the last one is that of no cluster
        of = np.full(len(self.of), -1, dtype=np.int64)
        of[indices] = numbers[own]
        return Clusters.numbered(of)
