"""Whole numbers of cells over batches, and what other layouts cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pajamo.errors import StudyError
from pajamo.protocols.errors import Variances, variance_of_difference
from pajamo.protocols.planning.allocation import blocked, crossed
from pajamo.protocols.planning.costs import (
    BLOCKED,
    CROSSED,
    FEW_CONTROLS,
    ONE_BATCH,
    compare_layouts,
    cost_of,
    with_ratio,
)


@settings(max_examples=60, deadline=None)
@given(
    perturbations=st.integers(1, 40),
    extra=st.integers(0, 3000),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=7),
)
def test_every_cell_is_dealt_and_nothing_is_far_from_its_proportion(
    perturbations: int, extra: int, sizes: list[int]
) -> None:
    cells = int(3 * (perturbations + np.sqrt(perturbations))) + 2 + extra
    made = crossed(cells, perturbations, tuple(map(float, sizes)))
    weight = np.array(sizes) / sum(sizes)
    assert made.cells == cells
    each = made.perturbed.sum(axis=1)
    assert each.max() - each.min() <= 1
    assert (np.abs(made.perturbed - each[:, None] * weight) <= 1 + 1e-9).all()
    assert (np.abs(made.control - made.control.sum() * weight) <= 1 + 1e-9).all()
    assert made.control.sum() == pytest.approx(cells / (1 + np.sqrt(perturbations)), abs=0.5 + 1e-9)
    assert (np.abs(made.perturbed.sum(axis=0) - each.sum() * weight) <= len(sizes)).all()
    assert (made.table()["cells"].sum(), len(made.summary())) == (cells, len(sizes))


def test_a_table_that_fits_on_paper() -> None:
    made = crossed(60, 4, (1.0, 1.0))  # a third are controls, ten cells of each perturbation
    np.testing.assert_array_equal(made.control, [10, 10])
    np.testing.assert_array_equal(made.perturbed, np.full((4, 2), 5))
    table = made.table()
    assert list(table.columns) == ["batch", "control", "group 1 (4 perturbations), each", "cells"]
    assert table["cells"].tolist() == [30, 30]
    assert made.summary()["each perturbation"].tolist() == ["5", "5"]
    uneven = crossed(11, 2, (1.0, 1.0)).summary()
    assert "1 to 2" in uneven["each perturbation"].tolist()


def test_too_few_cells_are_refused_with_the_fewest_that_do() -> None:
    with pytest.raises(StudyError, match="cannot carry 100 perturbations") as caught:
        crossed(150, 100, (1.0,))
    assert "220 cells" in caught.value.why
    assert crossed(220, 100, (1.0,)).perturbed.min() == 2


def test_blocked_layouts_hold_each_perturbation_in_one_batch_and_all_cells() -> None:
    own = blocked(1000, 12, 4, own_controls=True)
    assert ((own.perturbed > 0).sum(axis=1) == 1).all()
    assert own.perturbed.sum() + own.control.sum() == pytest.approx(1000)
    np.testing.assert_allclose(own.control, own.perturbed.max() * np.sqrt(3))
    assert ((own.reference > 0) == (own.perturbed > 0)).all()
    one = blocked(1000, 12, 4, own_controls=False)
    assert one.perturbed.sum() + one.control.sum() == pytest.approx(1000)
    assert (one.control > 0).tolist() == [True, False, False, False]


def test_layouts_cost_what_the_formula_says() -> None:
    variances = Variances(1.0, batch=0.2, batch_by_perturbation=0.01)
    table = compare_layouts(1200, 25, (1.0,) * 4, variances, 2).set_index("layout")
    assert table["variance"].idxmin() == CROSSED
    each, controls = 40.0, 200.0  # sqrt(25) times as many
    assert table.loc[CROSSED, "variance"] == pytest.approx(1 / each + 1 / controls + 0.01 * 0.5, rel=1e-3)
    assert table.loc[ONE_BATCH, "from_batches"] == pytest.approx(0.2 * (3 / 16 + 9 / 16), rel=1e-3)
    assert table.loc[FEW_CONTROLS, "from_cells"] > table.loc[CROSSED, "from_cells"]
    assert table.loc[BLOCKED, "from_batches"] == 0
    assert table.loc[BLOCKED, "from_batch_by_perturbation"] == pytest.approx(0.02)
    assert CROSSED in compare_layouts(1200, 25, (1.0,), variances, 2)["layout"].tolist()


def test_a_layout_counts_the_better_of_both_analyses() -> None:
    variances = Variances(1.0, batch=5.0)
    perturbed, control = np.array([[10.0, 1.0]]), np.array([[10.0, 30.0]])
    row = cost_of("now", perturbed, control, variances, 1, 40.0)
    pooled = variance_of_difference(perturbed, control, variances).total[0]
    assert row["variance"] < pooled
    assert row["variance"] == pytest.approx(1 / (1 / (1 / 10 + 1 / 10) + 1 / (1 + 1 / 30)))


def test_ratio_is_to_the_smallest() -> None:
    table = compare_layouts(1200, 25, (1.0,) * 4, Variances(1.0, batch=0.2), 2)
    assert with_ratio(table)["times_best"].min() == 1.0
