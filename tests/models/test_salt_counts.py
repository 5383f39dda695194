"""Salt on counts: the fit is the optimum, planted log effects come back, batches do not leak into them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet
from pajamo.measurements.counts import sample
from pajamo.models.parts.count_fit import GroupSums, conjugate_gradient, maximum_a_posteriori
from pajamo.models.registry import create

CONTROL, A, B, AB = (Condition(tuple(g)) for g in ("", "A", "B", "AB"))
EFFECT = {"A": np.array([1.0, -1.0, 0.0, 0.5]), "B": np.array([0.5, 0.0, -0.7, 0.0])}
BATCH = np.array([0.4, -0.4, 0.0, 0.0])
DISPERSION = 0.3


def screen(seed: int = 0, cells: int = 600) -> Screen:
    """Counts with planted effects; batch 2 holds most cells of A, few of the control."""
    rng = np.random.default_rng(seed)
    conditions = (CONTROL, A, B, AB)
    label = np.repeat(np.arange(4), cells)
    second = rng.random(4 * cells) < np.array([0.2, 0.8, 0.5, 0.5])[label]
    log_rate = np.log([2e-4, 1e-3, 5e-4, 2e-3]) + np.array(
        [sum((EFFECT[g] for g in c.genes), np.zeros(4)) for c in conditions]
    )
    library = rng.lognormal(9.0, 0.4, 4 * cells)
    mean = library[:, None] * np.exp(log_rate[label] + second[:, None] * BATCH)
    counts = sp.csr_matrix(sample(mean, np.array(DISPERSION), rng).astype(float))
    obs = pd.DataFrame({"library_size": library, "batch": np.where(second, "two", "one")})
    return Screen(
        MemoryMatrix(counts), "counts", pd.Index(list("wxyz")), conditions, label, obs, simulated=True
    )


def training_of(seen: Screen, conditions=(A, B)) -> TrainingSet:
    return TrainingSet.from_pseudobulk(
        pseudobulk(seen), conditions, counts=CountTable.from_screen(seen, conditions)
    )


@pytest.fixture(scope="module")
def fitted():
    return create("salt-counts").fit(training_of(screen()))


def test_log_effects_come_back_in_spite_of_batches(fitted):
    np.testing.assert_allclose(fitted.effects, [EFFECT["A"], EFFECT["B"]], atol=0.12)
    z = (fitted.effects - [EFFECT["A"], EFFECT["B"]]) / np.sqrt(
        fitted.effect_variance + fitted.baseline_variance
    )
    assert np.abs(z).max() < 3.5


def test_dispersion_comes_back(fitted):
    np.testing.assert_allclose(fitted.dispersion, DISPERSION, atol=0.08)


def test_prediction_is_the_mean_of_cells_in_the_average_batch():
    """The truth is a long simulation of the double in a batch half-way between the two."""
    rng = np.random.default_rng(5)
    library = rng.lognormal(9.0, 0.4, 200_000)[:, None]
    half = BATCH * 0.5
    base = np.log([2e-4, 1e-3, 5e-4, 2e-3]) + half

    def mean(log_rate):
        return np.log1p(sample(library * np.exp(log_rate), np.array(DISPERSION), rng) * 1e4 / library).mean(
            axis=0
        )

    expected = mean(base + EFFECT["A"] + EFFECT["B"]) - mean(base)
    predictions = [create("salt-counts").fit(training_of(screen(seed))).predict([AB]) for seed in range(8)]
    errors = np.array([prediction.delta[0] - expected for prediction in predictions])
    np.testing.assert_allclose(errors.mean(axis=0), 0.0, atol=0.09)
    sd = np.array([prediction.sd[0] for prediction in predictions])
    assert 0.5 < np.sqrt(((errors / sd) ** 2).mean()) < 1.4


def test_a_single_that_was_seen_only_in_a_double_is_inferred():
    training = training_of(screen(), (A, AB))
    np.testing.assert_allclose(create("salt-counts").fit(training).effects[1], EFFECT["B"], atol=0.15)


def test_refuses_without_counts_and_for_unseen_genes(table):
    assert "no raw counts" in create("salt-counts").refusal(table({A: [1.0]}), [A])
    assert "Z" in create("salt-counts").refusal(training_of(screen(cells=20)), [Condition(("A", "Z"))])


def test_scatter_is_small_where_the_law_holds_and_large_where_it_does_not():
    honest = create("salt-counts").fit(training_of(screen(), (A, B, AB)))
    seen = screen()
    counts = seen.matrix.values.tolil()
    counts[np.flatnonzero(seen.condition_of == 3)] *= 4
    synergy = create("salt-counts").fit(
        training_of(replace(seen, matrix=MemoryMatrix(counts.tocsr())), (A, B, AB))
    )
    assert np.sqrt(honest.scatter.mean()) < 0.15
    assert np.sqrt(synergy.scatter.mean()) > 0.5


def test_fit_is_a_stationary_point_of_the_posterior():
    rng = np.random.default_rng(0)
    design = sp.csr_matrix(np.column_stack([np.ones(6), rng.integers(0, 2, (6, 2))]))
    sums = GroupSums(
        rng.poisson(30.0, (6, 5)).astype(float), np.full((6, 1), 1e4), np.full((6, 1), 0.1), np.full(5, 0.2)
    )
    offset, precision = np.full((6, 5), np.log(3e-3)), np.full((3, 5), 0.5)
    found = maximum_a_posteriori(sums, design, offset, precision, np.zeros((3, 5)))
    score, _ = sums.score_and_information(offset + design @ found)
    np.testing.assert_allclose(design.T @ score - precision * found, 0.0, atol=1e-4)


def test_conjugate_gradient_equals_a_direct_solve():
    rng = np.random.default_rng(1)
    design = sp.csr_matrix(rng.integers(0, 2, (20, 6)).astype(float))
    information, precision, target = (
        rng.uniform(0.1, 5, (20, 3)),
        np.full((6, 3), 0.3),
        rng.normal(size=(6, 3)),
    )
    found = conjugate_gradient(design, information, precision, target, 1e-12)
    for gene in range(3):
        dense = design.toarray().T @ np.diag(information[:, gene]) @ design.toarray() + np.diag(
            precision[:, gene]
        )
        np.testing.assert_allclose(found[:, gene], np.linalg.solve(dense, target[:, gene]), atol=1e-9)


def test_group_sums_are_the_naive_sums():
    rng = np.random.default_rng(2)
    counts, library, group = rng.poisson(3.0, (50, 4)), rng.uniform(500, 2000, 50), rng.integers(0, 3, 50)
    sums = GroupSums.of(sp.csr_matrix(counts.astype(float)), library, group, 3)
    for g in range(3):
        np.testing.assert_allclose(sums.counts[g], counts[group == g].sum(axis=0))
        own = library[group == g]
        assert sums.share[g, 0] == pytest.approx((own**2).sum() / own.sum() ** 2)
