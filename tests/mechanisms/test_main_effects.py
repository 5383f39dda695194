"""The mixed model of main effects against a dense, naive solution, and in its limits."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.mechanisms.main_effects import UNMEASURED_SHARE, downweight_unmeasured, effect_maps, row_noise


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    membership = np.vstack([np.zeros(4), np.eye(4), [1, 1, 0, 0], [0, 1, 0, 1]])
    return membership, rng.uniform(0.05, 0.5, 7), rng.normal(size=(7, 3))


def test_equals_the_mixed_model_equations(rows):
    membership, noise, means = rows
    # Henderson's equations for y = c0 + m X1 + X d + e, d ~ N(0, 1), var e = noise.
    design = np.hstack([np.ones((7, 1)), membership.sum(axis=1, keepdims=True), membership])
    weighted = design.T / noise
    left = weighted @ design + np.diag([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    solution = np.linalg.solve(left, weighted @ means)
    maps = effect_maps(membership, noise)
    np.testing.assert_allclose(maps.level @ means, solution[0])
    np.testing.assert_allclose(maps.mean @ means, solution[1])
    np.testing.assert_allclose(maps.effects @ means, solution[1] + solution[2:])


def test_without_noise_additive_means_are_recovered(rows):
    membership, _, means = rows
    truth = means[:4]
    additive = 2.0 + membership @ truth
    maps = effect_maps(membership, np.full(7, 1e-9))
    np.testing.assert_allclose(maps.effects @ additive, truth, atol=1e-6)
    np.testing.assert_allclose(maps.level @ additive, 2.0, atol=1e-6)


def test_a_constant_moves_only_the_level(rows):
    membership, noise, _ = rows
    maps = effect_maps(membership, noise)
    np.testing.assert_allclose(maps.level.sum(), 1.0)
    np.testing.assert_allclose(maps.effects.sum(axis=1), 0.0, atol=1e-12)


def test_a_gene_without_a_row_takes_the_mean_effect(rows):
    membership, noise, _ = rows
    wider = np.hstack([membership, np.zeros((7, 1))])
    maps = effect_maps(wider, noise)
    np.testing.assert_allclose(maps.effects[4], maps.mean)


def test_a_control_alone_is_its_own_level():
    maps = effect_maps(np.zeros((1, 2)), np.array([0.3]))
    np.testing.assert_allclose(maps.level, [1.0])
    np.testing.assert_allclose(maps.effects, 0.0, atol=1e-12)


def test_noise_falls_with_cells_and_is_larger_for_combinations():
    noise = row_noise(np.array([40.0, 80.0, 40.0]), np.array([False, False, True]), 40.0, 0.1, 3.0)
    np.testing.assert_allclose(noise, [0.1, 0.05, 0.3])


def test_only_combinations_that_bridge_a_missing_single_count_less():
    membership = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    shrunken = downweight_unmeasured(membership, np.array([True, True, False]))
    np.testing.assert_allclose(shrunken, membership * [[1.0], [1.0], [UNMEASURED_SHARE]])
