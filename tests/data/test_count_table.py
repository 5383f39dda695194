"""The count table holds the same cells as the training set."""

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
from pajamo.errors import DataError

CONTROL, A, B = Condition(()), Condition(("A",)), Condition(("B",))


@pytest.fixture
def screen() -> Screen:
    counts = sp.csr_matrix(np.random.default_rng(0).poisson(3.0, (30, 4)).astype(float))
    label = np.tile([0, 1, 2], 10)
    obs = pd.DataFrame({"library_size": np.asarray(counts.sum(axis=1)).ravel()})
    return Screen(MemoryMatrix(counts), "counts", pd.Index(list("wxyz")), (B, CONTROL, A), label, obs)


def test_takes_training_cells_and_half_of_the_controls(screen):
    table = CountTable.from_screen(screen, [A], seed=7)
    assert table.conditions == (CONTROL, A)
    np.testing.assert_array_equal(np.bincount(table.condition_of), [5, 10])
    rates = np.log1p(table.counts.toarray() * 1e4 / table.library_size[:, None])
    half = pseudobulk(screen, seed=7).halves[0]
    np.testing.assert_allclose(rates[table.condition_of == 0].mean(axis=0), half.mean[1])


def test_shared_control_takes_all(screen):
    assert np.bincount(CountTable.from_screen(screen, [A], shared_control=True).condition_of)[0] == 10


def test_batches(screen):
    assert CountTable.from_screen(screen, [A]).batches == ("all",)
    named = replace(screen, cells=screen.cells.assign(batch=np.repeat(["two", "one"], 15)))
    table = CountTable.from_screen(named, [A, B])
    assert table.batches == ("one", "two")
    assert set(table.batch_of) == {0, 1}


def test_normalised_values_are_refused(screen):
    with pytest.raises(DataError, match="not counts"):
        CountTable.from_screen(replace(screen, scale="log1p"), [A])


def test_guides(screen):
    assert CountTable.from_screen(screen, [A]).guide_of is None
    names = np.array(["g2", "g1", "g3"])[np.arange(30) % 3]
    named = replace(screen, cells=screen.cells.assign(guide=names))
    table = CountTable.from_screen(named, [A])
    assert table.guides == ("g1", "g3")
    np.testing.assert_array_equal(table.guide_of, table.condition_of)
