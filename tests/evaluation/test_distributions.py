"""Distances between distributions equal their definition, are unbiased, and grow with the shift."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import DataError
from pajamo.evaluation.cell_space import CellSpace
from pajamo.evaluation.distributions import WIDTHS, energy_distance, squared_mmd


def test_energy_distance_equals_the_loop() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1

    def mean_distance(a: np.ndarray, b: np.ndarray, same: bool) -> float:
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return float(np.mean([np.linalg.norm(a[i] - b[j]) for i, j in pairs]))

    expected = 2 * mean_distance(x, y, False) - mean_distance(x, x, True) - mean_distance(y, y, True)
    assert energy_distance(x, y) == pytest.approx(expected)


def test_mmd_equals_the_loop() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(6, 2)) + 1

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.exp(-((a - b) ** 2).sum() / (2 * (w * 1.7) ** 2)) for w in WIDTHS]))

    within = [
        np.mean([kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]) for s in (x, y)
    ]
    between = np.mean([kernel(a, b) for a in x for b in y])
    assert squared_mmd(x, y, 1.7) == pytest.approx(sum(within) - 2 * between)


def test_points_on_paper() -> None:
    x, y = np.array([[0.0], [2.0]]), np.array([[5.0], [9.0]])
    # between: (5 + 9 + 3 + 7) / 4 = 6; within: 2 and 4
    assert energy_distance(x, y) == pytest.approx(2 * 6 - 2 - 4)


@pytest.mark.parametrize("distance", [energy_distance, lambda x, y: squared_mmd(x, y, 1.0)])
def test_same_distribution_is_zero_on_average_and_a_shift_is_not(distance) -> None:
    rng = np.random.default_rng(2)
    null = [distance(rng.normal(size=(20, 2)), rng.normal(size=(15, 2))) for _ in range(400)]
    standard_error = np.std(null) / np.sqrt(len(null))
    assert abs(np.mean(null)) < 4 * standard_error
    near, far = (
        np.mean([distance(rng.normal(size=(20, 2)), rng.normal(size=(15, 2)) + d) for _ in range(50)])
        for d in (1, 2)
    )
    assert 0 < near < far


def test_space_is_fitted_to_training_cells_and_keeps_their_distances() -> None:
    rng = np.random.default_rng(3)
    plane = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 9)) + rng.normal(size=9)
    space = CellSpace.fit({Condition(("A",)): plane[:30], Condition(("B",)): plane[30:]}, dimensions=2)
    flat = space.project(plane)
    assert flat.shape == (60, 2)
    np.testing.assert_allclose(np.linalg.norm(flat[0] - flat[1]), np.linalg.norm(plane[0] - plane[1]))
    np.testing.assert_allclose(space.axes @ space.axes.T, np.eye(2), atol=1e-12)
    assert space.width > 0


def test_space_needs_cells() -> None:
    with pytest.raises(DataError, match="0 training cells"):
        CellSpace.fit({})
    with pytest.raises(DataError, match="2 training cells"):
        CellSpace.fit({Condition(("A",)): np.ones((2, 4))})
