"""The dip is that of its definition, found by linear programming over all unimodal functions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog

from pajamo.protocols.diagnostics.dip import dip, dip_p_value


def naive(sample: np.ndarray) -> float:
    """Least largest distance to a function that is convex up to one of the points and concave from there on."""
    x = np.sort(sample)
    return min(_with_mode(x, mode) for mode in range(len(x)))


def _with_mode(x: np.ndarray, mode: int) -> float:
    # Unknowns: the function at each point (at the mode from the left), at the mode from the right, the distance.
    n = len(x)
    rows, bounds = [], []

    def require(weights: dict[int, float], most: float) -> None:
        row = np.zeros(n + 2)
        for place, weight in weights.items():
            row[place] += weight
        rows.append(row)
        bounds.append(most)

    for i in range(n):
        require({n if i == mode else i: -1, n + 1: -1}, -(i + 1) / n)
        require({i: 1, n + 1: -1}, i / n)
    require({mode: 1, n: -1}, 0)
    left, right = list(range(mode + 1)), [n, *range(mode + 1, n)]
    for places, at, sign in ((left, x[: mode + 1], 1), (right, x[mode:], -1)):
        for a, b in pairwise(places):
            require({a: 1, b: -1}, 0)
        for k in range(len(places) - 2):
            first, second = sign / (at[k + 1] - at[k]), sign / (at[k + 2] - at[k + 1])
            require({places[k]: -first, places[k + 1]: first + second, places[k + 2]: -second}, 0)
    return float(linprog([0] * (n + 1) + [1], np.array(rows), bounds, bounds=[(0, 1)] * (n + 2)).fun)


@pytest.mark.parametrize("n", [2, 3, 5, 8, 12])
@pytest.mark.parametrize("apart", [0.0, 6.0])
def test_the_dip_is_that_of_its_definition(n: int, apart: float) -> None:
    rng = np.random.default_rng(n)
    for _ in range(3):
        sample = rng.normal(size=n) + apart * (np.arange(n) < n // 2)
        assert dip(sample) == pytest.approx(naive(sample), abs=1e-7)


def test_limits() -> None:
    assert dip(np.arange(10.0)) == pytest.approx(1 / 20)
    assert dip(np.ones(10)) == pytest.approx(1 / 20)
    two = np.concatenate([np.zeros(50), np.ones(50)])
    assert dip(two) == pytest.approx(0.25)
    assert dip(two + np.random.default_rng(0).normal(0, 1e-6, 100)) == pytest.approx(0.25, abs=0.01)


def test_the_dip_knows_neither_unit_nor_direction() -> None:
    sample = np.random.default_rng(1).exponential(size=40)
    assert dip(3 * sample - 7) == pytest.approx(dip(sample))
    assert dip(-sample) == pytest.approx(dip(sample))


def test_uniform_samples_are_called_several_as_rarely_as_said() -> None:
    rng = np.random.default_rng(2)
    p = np.array([dip_p_value(rng.random(90)) for _ in range(300)])
    # 300 draws at 5 %: 3 standard errors are 3.8 %.
    assert (p < 0.05).mean() < 0.088
    assert (p < 0.5).mean() > 0.35


def test_two_far_modes_are_seen() -> None:
    rng = np.random.default_rng(3)
    p = [dip_p_value(np.concatenate([rng.normal(size=40), rng.normal(5, 1, 40)])) for _ in range(40)]
    assert np.mean(np.array(p) < 0.05) > 0.95
