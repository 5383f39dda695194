"""Drawn cells reach the predicted mean, come from both parents, and their shape is learned where it helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import ModelError
from pajamo.models.pair_correction.distribution import START, _accepted, _energy, _kernel_of, _mixtures
from pajamo.models.parts.drawn_cells import ParentCells, Shape, _apportioned, rescale_to_mean
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

A, B, AB = (Condition(tuple(g)) for g in ("A", "B", "AB"))


def counts(rng, mean, n=60, genes=8):
    return np.log1p(rng.poisson(mean, (n, genes)).astype(float))


def test_rescaling_reaches_any_mean_and_keeps_zeros():
    rng = np.random.default_rng(0)
    cells = counts(rng, 2.0)
    for factor in (0.3, 1.0, 1.8):
        target = cells.mean(axis=0) * factor
        scaled = rescale_to_mean(cells, target)
        np.testing.assert_allclose(scaled.mean(axis=0), target, rtol=1e-6)
        np.testing.assert_array_equal(scaled == 0, cells == 0)


def test_a_gene_that_no_cell_expressed_is_shifted():
    scaled = rescale_to_mean(np.zeros((5, 2)), np.array([0.4, 0.0]))
    np.testing.assert_allclose(scaled, [[0.4, 0.0]] * 5)


@pytest.mark.parametrize("name", ["salt-ls", "peper"])
def test_drawn_cells_have_the_predicted_mean(table, name):
    rng = np.random.default_rng(1)
    cells = {c: counts(rng, 3.0).astype(np.float32) for c in (A, B, Condition(()))}
    changes = {c: (cells[c].mean(axis=0) - 1.0).tolist() for c in (A, B)}
    model = fit_model(create(name), replace(table(changes), cells=cells))
    drawn = model.draw(AB, 20_000, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.mean(axis=0), model.predict([AB]).level[0], atol=0.02)
    control = {tuple(cell) for cell in cells[Condition(())]}
    assert {tuple(cell) for cell in model.draw(Condition(()), 30, rng)} <= control


def test_without_cells_nothing_is_drawn(table):
    model = fit_model(create("salt-ls"), table({A: [1.0], B: [0.5]}))
    with pytest.raises(ModelError, match="no cells were kept to draw A\\+B"):
        model.draw(AB, 3, np.random.default_rng(0))


def test_a_missing_parent_leaves_the_other_and_then_the_control():
    cells = {Condition(()): np.ones((3, 1), np.float32), A: np.ones((2, 1), np.float32)}
    assert list(ParentCells(cells).pools(AB)) == ["A"]
    assert list(ParentCells(cells).pools(Condition(("X", "Y")))) == [""]


def test_shares_follow_the_balance_symmetrically():
    norms = np.log([1.0, 4.0])
    np.testing.assert_allclose(Shape(0.0).shares(norms), 0.5)
    np.testing.assert_allclose(Shape(0.5).shares(norms), [1 / 3, 2 / 3])
    np.testing.assert_allclose(Shape(0.5).shares(norms[::-1]), [2 / 3, 1 / 3])
    assert _apportioned(np.array([0.5, 0.5]), 7).tolist() == [4, 3]


@pytest.mark.parametrize("measure", [_energy, _kernel_of(1.5)])
def test_mixtures_equal_the_distance_of_pooled_cells(measure):
    rng = np.random.default_rng(3)
    a, b, truth = (rng.normal(m, 1, (400, 2)) for m in (0.0, 1.0, 0.5))
    half, skewed = _mixtures(measure, [a, b], truth, [np.array([0.5, 0.5]), np.array([0.9, 0.1])])
    pooled = np.concatenate([a, b])

    def itself(x):
        n = len(x)
        return (measure(x, x) * n - measure(x[:1], x[:1])) / (n - 1)

    naive = 2 * measure(pooled, truth) - itself(pooled) - itself(truth)
    assert half == pytest.approx(naive, abs=2e-3)
    assert skewed > half


def test_a_shape_is_accepted_only_if_it_helps_where_it_was_not_chosen():
    rng = np.random.default_rng(4)
    shapes = [START, Shape(0.5), Shape(-0.5)]
    fold = np.arange(20) % 5
    noise = rng.normal(1.0, 0.3, (20, 3))
    assert _accepted(noise, fold, shapes) == START
    assert _accepted(noise - [[0.0, 0.8, 0.0]], fold, shapes) == shapes[1]


@pytest.mark.parametrize("distance", ["energy", "mmd"])
def test_the_balance_between_parents_is_learned(planted, distance):
    """Every double holds only cells like those of its stronger parent: a planted balance."""
    training, _, _ = planted(0, perturbed=8, genes=20, cells=40)
    rng = np.random.default_rng(5)
    direction = rng.normal(size=20)
    strength = {f"P{i}": 0.3 * 1.6**i for i in range(8)}
    side = {f"P{i}": (1.0 if i % 2 else -1.0) for i in range(8)}
    cells, means = {Condition(()): np.full((40, 20), 3.0, np.float32)}, []
    for c in training.conditions:
        leader = max(c.genes, key=strength.__getitem__)
        spread = rng.choice([-1, 1], 40) * (2.0 if side[leader] > 0 else 0.4)
        centre = 6.0 + sum(strength[g] for g in c.genes) * 0.02
        cells[c] = (centre + 0.3 * spread[:, None] * direction + rng.normal(0, 0.1, (40, 20))).astype(
            np.float32
        )
        means.append(cells[c].mean(axis=0))
    changed = np.array(means) + np.array([[strength[max(c.genes, key=strength.__getitem__)] * 0.05]
                                          for c in training.conditions])  # fmt: skip
    training = replace(training, cells=cells, moments=replace(training.moments, mean=changed))
    model = fit_model(create("peper", {"steps": 15, "distribution": distance}), training)
    assert model.shape.balance > 0
