"""The square-root rule and what sharing a control does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.errors import DataError
from pajamo.protocols.errors import (
    Variances,
    allocate_controls,
    control_ratio,
    control_share,
    gain_over_equal_split,
    minibatch_plan,
    shared_control_correlation,
    variance_of_difference,
)


@pytest.mark.parametrize(
    ("number", "ratio"), [(1, 1.0), (4, 1.0), (25, 1.0), (100, 1.0), (25, 2.0), (9, 0.5)]
)
def test_grid_search_finds_the_rule(number: int, ratio: float) -> None:
    tried = np.geomspace(0.05, 100, 4000)
    each = 1 / (number + tried)
    variance = 1 / each + ratio**2 / (tried * each)
    assert tried[variance.argmin()] == pytest.approx(float(control_ratio(number, ratio)), rel=0.01)
    share = float(control_share(number, ratio))
    assert share == pytest.approx(tried[variance.argmin()] * each[variance.argmin()], rel=0.01)


def test_share_and_gain_on_paper() -> None:
    np.testing.assert_allclose(control_share([1, 4, 100]), [1 / 2, 1 / 3, 1 / 11])
    np.testing.assert_allclose(gain_over_equal_split([25, 100]), [36 / 52, 121 / 202])
    equal = variance_of_difference([100.0 / 26], [100.0 / 26], Variances(1.0)).total[0]
    best = variance_of_difference([100.0 / 30], [500.0 / 30], Variances(1.0)).total[0]
    assert best / equal == pytest.approx(float(gain_over_equal_split(25)))


def test_each_batch_has_controls_for_its_own_number_of_perturbations() -> None:
    np.testing.assert_array_equal(allocate_controls([110, 300, 60], [100, 4, 1]), [10, 100, 30])
    np.testing.assert_array_equal(allocate_controls([3], [1000]), [1])
    with pytest.raises(DataError, match="cannot hold"):
        allocate_controls([10, 1], [2, 2])
    with pytest.raises(DataError, match="at least one perturbation"):
        control_ratio(0)


def test_correlation_of_null_differences_is_the_share_of_the_control() -> None:
    random = np.random.default_rng(0)
    genes, here, there = 40_000, 12, 4
    control = random.normal(size=(genes, there)).mean(axis=1)
    first, second = (random.normal(size=(genes, here)).mean(axis=1) - control for _ in range(2))
    expected = float(shared_control_correlation(here, there))
    assert expected == pytest.approx(0.75)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(expected, abs=0.01)
    own = random.normal(size=(genes, there)).mean(axis=1)
    apart = random.normal(size=(genes, here)).mean(axis=1) - own
    assert np.corrcoef(first, apart)[0, 1] == pytest.approx(0.0, abs=0.02)
    with pytest.raises(DataError, match="above zero"):
        shared_control_correlation(5, 0)


def test_correlation_at_the_optimum_depends_only_on_the_number_of_perturbations() -> None:
    for number in (4, 25):
        assert shared_control_correlation(10, 10 * control_ratio(number)) == pytest.approx(
            1 / (1 + np.sqrt(number))
        )


def test_minibatches_hold_controls_of_their_own_batch_by_the_rule() -> None:
    available = pd.DataFrame(
        {
            "batch": ["x"] * 5 + ["y"] * 2,
            "perturbation": ["", "A", "B", "C", "D", "", "A"],
            "cells": [100, 30, 30, 30, 30, 10, 40],
        }
    )
    plan = minibatch_plan(available, 60).set_index("batch")
    assert plan.loc["x", ["perturbations", "cells_of_each", "control_cells"]].tolist() == [4, 10, 20]
    assert plan.loc["y", ["perturbations", "cells_of_each", "control_cells"]].tolist() == [1, 30, 30]
    assert plan.loc["x", "error_correlation"] == pytest.approx(1 / 3)
    assert plan.loc["x", "uses_of_each_control"] == pytest.approx(120 / 40 * 20 / 100)
    few = minibatch_plan(available, 60, perturbations=1).set_index("batch")
    assert few.loc["x", "cells_of_each"] == 30
    with pytest.raises(DataError, match="batch y has no control cells"):
        minibatch_plan(available[available.index != 5], 60)
    with pytest.raises(DataError, match="cannot hold a comparison"):
        minibatch_plan(available, 3)
