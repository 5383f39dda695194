"""Tests gene by gene agree with the textbook, and false discoveries are bounded."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.data.pseudobulk import Moments
from pajamo.evaluation.differential import benjamini_hochberg, rank_sum, welch


def moments(groups: list[np.ndarray]) -> Moments:
    return Moments(
        np.array([len(g) for g in groups]),
        np.array([g.mean(axis=0) for g in groups]),
        np.array([g.var(axis=0, ddof=1) for g in groups]),
    )


def test_welch_equals_scipy_and_says_nothing_without_variation() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(12, 5)) + 0.5, 2 * rng.normal(size=(30, 5))
    one[:, 4] = two[:, 4] = 3.0
    t, p = welch(moments([one]), moments([two]))
    expected = stats.ttest_ind(one[:, :4], two[:, :4], equal_var=False)
    np.testing.assert_allclose(t[0, :4], expected.statistic)
    np.testing.assert_allclose(p[0, :4], expected.pvalue)
    assert (t[0, 4], p[0, 4]) == (0.0, 1.0)


def test_welch_of_a_single_cell_is_no_evidence() -> None:
    single = Moments(np.array([1]), np.ones((1, 3)), np.full((1, 3), np.nan))
    t, p = welch(single, moments([np.random.default_rng(0).normal(size=(9, 3))]))
    assert not t.any()
    assert (p == 1).all()


def test_benjamini_hochberg_equals_scipy_over_the_genes_that_count() -> None:
    rng = np.random.default_rng(1)
    p = rng.random((4, 30)) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p, axis=1))
    counted = rng.random(p.shape) < 0.6
    adjusted = benjamini_hochberg(p, counted)
    for row in range(4):
        expected = stats.false_discovery_control(p[row, counted[row]])
        np.testing.assert_allclose(adjusted[row, counted[row]], expected)
    assert (adjusted[~counted] == 1).all()


def test_rank_sum_finds_the_shifted_gene_and_ignores_constant_ones() -> None:
    rng = np.random.default_rng(2)
    cells, controls = rng.normal(size=(25, 3)), rng.normal(size=(25, 3))
    cells[:, 0] += 10.0
    cells[:, 2] = controls[:, 2] = 0.0
    effect, p = rank_sum(cells, controls)
    assert effect[0] == pytest.approx(0.5)
    assert p[0] < 1e-6
    assert p[2] == 1.0
