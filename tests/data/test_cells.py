"""Cells are sampled in one pass, in the halves of the means, and only as many as may be held."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.cells import sample_halves, seen_cells
from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.screen import Screen

CONDITIONS = (Condition(()), Condition(("A",)), Condition(("A", "B")))


@pytest.fixture
def screen() -> Screen:
    rng = np.random.default_rng(5)
    counts = sp.csr_matrix(rng.poisson(2.0, size=(60, 7)).astype(np.float32))
    cells = pd.DataFrame(
        {"library_size": np.asarray(counts.sum(axis=1)).ravel()}, index=[f"c{i}" for i in range(60)]
    )
    genes = pd.Index([f"g{i}" for i in range(7)])
    return Screen(MemoryMatrix(counts), "counts", genes, CONDITIONS, rng.integers(0, 3, 60), cells)


def test_halves_are_those_of_the_means(screen: Screen) -> None:
    bulk, halves = pseudobulk(screen, seed=3), sample_halves(screen, seed=3)
    for row, condition in enumerate(CONDITIONS):
        for half in (0, 1):
            assert len(halves[condition][half]) == bulk.halves[half].n_cells[row]
            np.testing.assert_allclose(
                halves[condition][half].mean(axis=0), bulk.halves[half].mean[row], rtol=1e-5
            )


def test_at_most_so_many_and_nothing_beyond_the_limit(screen: Screen) -> None:
    few = sample_halves(screen, seed=3, most=2)
    assert {half.shape for pair in few.values() for half in pair} == {(2, 7)}
    assert sample_halves(screen, seed=3, most=2, most_values=12 * 7 - 1) == {}
    again = sample_halves(screen, seed=3, most=2)
    assert all(np.array_equal(few[c][k], again[c][k]) for c in CONDITIONS for k in (0, 1))


@pytest.mark.parametrize("shared", [False, True])
def test_predictor_sees_one_half_of_the_controls(screen: Screen, shared: bool) -> None:
    halves = sample_halves(screen, seed=3)
    seen = seen_cells(halves, shared_control=shared)
    total = [len(halves[c][0]) + len(halves[c][1]) for c in CONDITIONS]
    expected = [total[0] if shared else len(halves[CONDITIONS[0]][0]), *total[1:]]
    assert [len(seen[c]) for c in CONDITIONS] == expected
