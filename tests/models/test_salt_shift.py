"""Drawn cells: their mean is Salt's, their spread one single's, and nothing falls below zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import ModelError
from pajamo.models.registry import create

A, B, AB, C = (Condition(tuple(g)) for g in ("A", "B", "AB", "C"))


@pytest.fixture
def model(table):
    rng = np.random.default_rng(0)
    means = {Condition(()): [5.0, 5.0], A: [7.0, 5.0], B: [5.0, 4.0]}
    cells = {}
    for condition, mean in means.items():
        drawn = rng.normal(0, 0.5, (300, 2))
        cells[condition] = (drawn - drawn.mean(axis=0) + mean).astype(np.float32)
    training = table({A: [2.0, 0.0], B: [0.0, -1.0]}, control=5.0, cells=300)
    return create("salt-shift").fit(replace(training, cells=cells))


def test_mean_of_the_cells_is_salts(model):
    drawn = model.draw(AB, 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean(axis=0), model.predict([AB]).level[0], atol=0.02)
    np.testing.assert_allclose(drawn.std(axis=0), 0.5, atol=0.03)


def test_cells_of_a_single_and_of_the_control_are_measured_cells(model):
    for condition in (A, A.control):
        drawn = model.draw(condition, 50, np.random.default_rng(2))
        assert {tuple(cell) for cell in drawn} <= {tuple(cell) for cell in model.cells[condition]}


def test_half_of_the_cells_comes_from_each_single(model):
    drawn = model.draw(AB, 5, np.random.default_rng(3))
    from_a = {tuple(cell) for cell in (model.cells[A] + [0.0, -1.0]).astype(np.float32)}
    assert [tuple(cell) in from_a for cell in drawn] == [True, True, True, False, False]


def test_values_are_clipped_at_zero(model):
    model.measured.delta[:] = -9.0
    assert (model.draw(AB, 10, np.random.default_rng(4)) == 0).all()


def test_no_cells_no_draw(table):
    training = table({A: [2.0], B: [0.0]})
    assert "no cells were kept for A, B" in create("salt-shift").refusal(training, [AB])
    with pytest.raises(ModelError, match="no cells of A, B"):
        create("salt-shift").fit(training).draw(AB, 3, np.random.default_rng(0))
