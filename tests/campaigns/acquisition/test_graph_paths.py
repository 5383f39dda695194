"""Best paths on a graph against all paths written out, one after the other."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy import sparse

import pajamo.campaigns.acquisition.graph_paths as graph_paths
from pajamo.campaigns.acquisition.graph_paths import along_paths, best_products


def random_worth(seed, rows, columns):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((rows, columns)) < 0.3, rng.uniform(0.1, 1.0, (rows, columns)), 0.0)


@pytest.mark.parametrize("held", [1, 7, 2**22])
def test_the_largest_term_stands_in_place_of_the_sum(monkeypatch, held):
    monkeypatch.setattr(graph_paths, "HELD", held)
    left, right = random_worth(0, 9, 6), random_worth(1, 6, 11)
    left[3] = 0.0
    found = best_products(sparse.csr_array(left), sparse.csr_array(right))
    np.testing.assert_allclose(found.toarray(), (left[:, :, None] * right).max(axis=1))
    assert (found.data > 0).all()


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_paths_are_worth_the_product_of_their_steps(hops):
    worth = random_worth(2, 6, 6)
    np.fill_diagonal(worth, 0.0)
    expected = np.eye(6)
    for length in range(1, hops + 1):
        for path in product(range(6), repeat=length + 1):
            steps = [worth[a, b] for a, b in pairwise(path)]
            expected[path[0], path[-1]] = max(expected[path[0], path[-1]], float(np.prod(steps)))
    np.testing.assert_allclose(along_paths(sparse.csr_array(worth), hops).toarray(), expected)


def test_a_graph_without_edges_leaves_each_node_to_itself():
    nothing = sparse.csr_array((4, 4))
    np.testing.assert_array_equal(along_paths(nothing, 2).toarray(), np.eye(4))
