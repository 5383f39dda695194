"""Coverage of a graph of perturbations: a whole campaign's choice in one go, before anything is measured."""

from __future__ import annotations

import heapq
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.graph_paths import along_paths
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError

Similarity = sparse.csr_array
"""How well each candidate stands for each node of the graph, shape (N, M), none negative."""


class GraphCoverage(Acquisition):
    """The batch whose members, together, stand best for all nodes of a graph (genes of a network, say).

    A node counts as much as the chosen candidate that stands for it best. That is submodular: greedy choice reaches
    at least 1 - 1/e = 63 % of what any batch of this size could (Nemhauser, Wolsey and Fisher 1978), and gains that
    were computed earlier are upper bounds: only the candidate on top is looked at again (lazy greedy, Minoux 1978).
    No labels and no model are needed.

    Parameters
    ----------
    similarity: how well each candidate stands for each node, shape (N, M), sparse or dense; see `within_hops`.
    covered: how well each node is stood for by what was measured earlier, shape (M,); zeros if not given.
    weights: what each node counts, shape (M,); ones if not given.

    Raises
    ------
    DataError: similarities, covers or weights that are negative or not finite, or of the wrong shape.
    """

    name: ClassVar[str] = "graph-coverage"
    source: ClassVar[str] = (
        "one-shot submodular coverage: arXiv 2503.14571; facility location: Nemhauser et al. 1978"
    )
    unit: ClassVar[str] = "nodes"

    def __init__(
        self,
        similarity: ArrayLike | sparse.sparray | sparse.spmatrix,
        covered: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> None:
        self.similarity = _checked_similarity(similarity)
        nodes = self.similarity.shape[1]
        self.covered = _checked(np.zeros(nodes) if covered is None else covered, nodes, "covered")
        self.weights = _checked(np.ones(nodes) if weights is None else weights, nodes, "weights")

    def choose(self, situation: Situation, number: int) -> Selection:
        """The candidate that adds most to what is stood for, `number` times."""
        if self.similarity.shape[0] != situation.size:
            raise DataError(
                f"the graph is of {self.similarity.shape[0]:,} candidates, the pool has {situation.size:,}",
                where="acquisition graph-coverage",
                fix="give one row of the graph for each candidate, in the pool's order",
            )
        best = covered_by(self.similarity, situation.pending, self.covered)
        first = self._gains(best)
        rows, gains = self._greedy(best, first, situation.candidates, number)
        return Selection(rows, gains, open_scores(situation, first))

    def why(self, selection: Selection, place: int) -> str:
        """What it adds."""
        return f"stands for {selection.gains[place]:.3g} more {self.unit} of the graph than those chosen before it"

    def _greedy(self, best: Array, first: Array, candidates: Rows, number: int) -> tuple[Rows, Array]:
        """Lazy greedy from a heap of upper bounds; ties go to the earlier row."""
        heap = [(-float(first[row]), int(row), 0) for row in candidates]
        heapq.heapify(heap)
        rows: list[int] = []
        gains: list[float] = []
        while len(rows) < number:
            bound, row, known = heapq.heappop(heap)
            if known < len(rows):
                heapq.heappush(heap, (-self._gain(row, best), row, len(rows)))
                continue
            rows.append(row)
            gains.append(-bound)
            nodes, values = self._row(row)
            best[nodes] = np.maximum(best[nodes], values)
        return np.array(rows, dtype=np.intp), np.array(gains)

    def _gains(self, best: Array) -> Array:
        """What each candidate would add, shape (N,)."""
        graph = self.similarity
        more = np.maximum(graph.data - best[graph.indices], 0.0) * self.weights[graph.indices]
        candidate = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
        return np.asarray(np.bincount(candidate, more, minlength=graph.shape[0]))

    def _gain(self, row: int, best: Array) -> float:
        nodes, values = self._row(row)
        return float(np.maximum(values - best[nodes], 0.0) @ self.weights[nodes])

    def _row(self, row: int) -> tuple[Rows, Array]:
        part = slice(self.similarity.indptr[row], self.similarity.indptr[row + 1])
        return self.similarity.indices[part].astype(np.intp), np.asarray(self.similarity.data[part])


def covered_by(similarity: Similarity, rows: Rows, covered: Array) -> Array:
    """How well each node is stood for once these candidates are chosen, shape (M,)."""
    best = covered.copy()
    for row in rows:
        part = slice(similarity.indptr[row], similarity.indptr[row + 1])
        nodes = similarity.indices[part]
        best[nodes] = np.maximum(best[nodes], similarity.data[part])
    return best


def within_hops(
    adjacency: ArrayLike | sparse.sparray | sparse.spmatrix, hops: int, decay: float = 1.0
) -> Similarity:
    """Similarity by steps on a graph: 1 for a node itself, `decay` to the power of the steps up to `hops`, then 0.

    Parameters
    ----------
    adjacency: shape (N, N); not zero where two perturbations are neighbours. Direction is kept.
    hops: most steps.
    decay: what one step is worth; 1 counts all nodes within reach alike.
    """
    step = _as_sparse(adjacency)
    step.data = (step.data != 0) * float(decay)
    return along_paths(step, hops)


def _as_sparse(given: ArrayLike | sparse.sparray | sparse.spmatrix) -> Similarity:
    held: Any = given if sparse.issparse(given) else np.asarray(given, dtype=float)
    found = sparse.csr_array(held, dtype=float)
    found.sum_duplicates()
    return found


def _checked_similarity(similarity: ArrayLike | sparse.sparray | sparse.spmatrix) -> Similarity:
    found = _as_sparse(similarity)
    if found.ndim != 2 or not np.isfinite(found.data).all() or (found.data < 0).any():
        raise _refused("similarity", "one row a candidate and one column a node")
    return found


def _checked(values: ArrayLike, nodes: int, what: str) -> Array:
    found = np.asarray(values, dtype=float)
    if found.shape != (nodes,) or not np.isfinite(found).all() or (found < 0).any():
        raise _refused(what, f"one number for each of the {nodes:,} nodes")
    return found


def _refused(what: str, needed: str) -> DataError:
    return DataError(
        f"{what} is not what a graph needs",
        where="acquisition graph-coverage",
        fix=f"give {needed}, none negative",
    )
