"""Coverage of a graph against all batches there are, and lazy greedy against plain greedy."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.graph_coverage import GraphCoverage, covered_by, within_hops
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError


def situation(size, **more):
    return Situation(np.zeros((size, 1)), more.pop("available", np.ones(size, dtype=bool)), **more)


def random_graph(seed, size=30, nodes=40):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((size, nodes)) < 0.2, rng.random((size, nodes)), 0.0), rng.random(nodes)


def value(similarity, weights, rows, covered=None):
    start = np.zeros(similarity.shape[1]) if covered is None else covered
    return np.maximum(similarity[list(rows)].max(axis=0, initial=0.0), start) @ weights - start @ weights


@pytest.mark.parametrize("seed", range(5))
def test_greedy_reaches_the_promised_share_of_the_best_batch(seed):
    similarity, weights = random_graph(seed, size=12)
    found = choose_batch(GraphCoverage(similarity, weights=weights), situation(12), 4)
    best = max(value(similarity, weights, rows) for rows in combinations(range(12), 4))
    assert found.gains.sum() == pytest.approx(value(similarity, weights, found.rows))
    assert (1 - 1 / np.e) * best <= found.gains.sum() <= best + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_lazy_choice_is_plain_greedy_choice(seed):
    similarity, weights = random_graph(seed)
    covered = np.random.default_rng(seed).random(40) * 0.5
    found = choose_batch(GraphCoverage(sparse.csr_array(similarity), covered, weights), situation(30), 10)
    rows = []
    for _ in range(10):
        total = [
            -1.0 if row in rows else value(similarity, weights, [*rows, row], covered) for row in range(30)
        ]
        rows.append(int(np.argmax(total)))
    assert found.rows.tolist() == rows
    assert (np.diff(found.gains) <= 1e-12).all()
    np.testing.assert_allclose(
        found.scores, [value(similarity, weights, [row], covered) for row in range(30)]
    )


def test_a_star_is_covered_by_its_middle_and_pending_ones_cover_already():
    adjacency = np.zeros((7, 7))
    adjacency[0, 1:5] = adjacency[1:5, 0] = 1
    adjacency[5, 6] = adjacency[6, 5] = 1
    graph = GraphCoverage(within_hops(adjacency, 1))
    found = choose_batch(graph, situation(7), 2)
    assert found.rows.tolist() == [0, 5]
    np.testing.assert_array_equal(found.gains, [5, 2])
    available = np.arange(7) != 0
    after = choose_batch(graph, situation(7, available=available, pending=np.array([0])), 1)
    assert after.rows.tolist() == [5]
    assert "2 more nodes" in graph.why(found, 1)


def test_copies_in_the_graph_are_not_chosen_twice():
    similarity = np.repeat(np.eye(4), 3, axis=0)
    rows = choose_batch(GraphCoverage(similarity), situation(12), 4).rows
    assert sorted(rows // 3) == [0, 1, 2, 3]


def test_hops_are_lengths_of_shortest_paths():
    path = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
    steps = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    for hops in (0, 1, 3):
        expected = np.where(steps <= hops, 0.5**steps, 0.0)
        np.testing.assert_allclose(within_hops(path, hops, 0.5).toarray(), expected)


def test_what_is_chosen_covers_its_nodes():
    similarity, _ = random_graph(7)
    found = covered_by(sparse.csr_array(similarity), np.array([2, 9]), np.full(40, 0.1))
    np.testing.assert_allclose(found, np.maximum(similarity[[2, 9]].max(axis=0), 0.1))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"similarity": -np.eye(3)}, "similarity"),
        ({"similarity": np.full((3, 3), np.nan)}, "similarity"),
        ({"similarity": np.eye(3), "covered": np.zeros(2)}, "covered"),
        ({"similarity": np.eye(3), "weights": [-1, 0, 0]}, "weights"),
    ],
)
def test_what_is_no_graph_is_refused(settings, said):
    with pytest.raises(DataError, match=said):
        GraphCoverage(**settings)


def test_a_graph_of_another_pool_is_refused():
    with pytest.raises(DataError, match="3 candidates, the pool has 4"):
        choose_batch(GraphCoverage(np.eye(3)), situation(4), 1)
