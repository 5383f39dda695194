"""Block order: each cell once a pass, few blocks open at a time, batches that depend on their step alone."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from pajamo.errors import StudyError
from pajamo.training.streams.blocks import BlockOrder, BlockStream


@dataclass(frozen=True)
class FakeBlocks:
    """A compressed store whose values are row numbers."""

    n_cells: int = 1003
    block_cells: int = 16

    def dense(self, index: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        found = index[:, None].astype(np.float32)
        if out is not None:
            out[:] = found
        return found


@pytest.mark.parametrize(
    ("cells", "block", "at_once"), [(1003, 16, 4), (64, 16, 3), (5, 16, 1), (100, 1, 100)]
)
def test_each_pass_shows_each_cell_once_in_an_order_of_its_own(cells: int, block: int, at_once: int) -> None:
    order = BlockOrder(cells, block, at_once=at_once, seed=3)
    passes = [order.rows(np.arange(number * cells, (number + 1) * cells)) for number in (2, 0, 1)]
    for one in passes:
        np.testing.assert_array_equal(np.sort(one), np.arange(cells))
    assert len({tuple(one) for one in passes}) == 3


def test_few_blocks_are_open_at_a_time_and_their_cells_are_mixed() -> None:
    order = BlockOrder(16 * 40, 16, at_once=4, seed=1)
    rows = order.rows(np.arange(16 * 40))
    for first in range(0, len(rows), 64):
        group = rows[first : first + 64]
        assert len(np.unique(group // 16)) == 4
        assert len(np.unique(group[:16] // 16)) > 1
    assert np.any(np.diff(rows[:64]) < 0)


def test_with_all_blocks_at_once_the_order_is_a_random_one() -> None:
    rows = BlockOrder(20_000, 100, at_once=200, seed=5).rows(np.arange(20_000))
    assert abs(stats.spearmanr(np.arange(20_000), rows).statistic) < 0.03
    assert stats.kstest(rows[:2000] / 20_000, "uniform").pvalue > 1e-3


def test_places_may_be_asked_for_in_any_order() -> None:
    order = BlockOrder(1003, 16, at_once=4)
    places = np.random.default_rng(0).integers(5000, size=200)
    each = [order.rows(places[i : i + 1])[0] for i in range(200)]
    np.testing.assert_array_equal(order.rows(places), each)


def test_a_batch_is_a_function_of_its_step() -> None:
    stream = BlockStream(FakeBlocks(), batch_size=7, at_once=4, seed=9)
    forwards = [stream.batch(step)[0] for step in range(300)]
    again = pickle.loads(pickle.dumps(stream))  # noqa: S301
    for step in (250, 3, 3, 299):
        rows, values = again.batch(step)
        np.testing.assert_array_equal(rows, forwards[step])
        np.testing.assert_array_equal(values[:, 0], rows)
    out = np.zeros((7, 1), dtype=np.float32)
    stream.batch(5, out)
    np.testing.assert_array_equal(out[:, 0], forwards[5])


def test_no_blocks_no_cells_and_negative_steps_are_refused() -> None:
    with pytest.raises(StudyError, match="0 blocks"):
        BlockOrder(10, 2, at_once=0)
    with pytest.raises(StudyError, match="0 cells"):
        BlockStream(FakeBlocks(), batch_size=0, at_once=1)
    with pytest.raises(IndexError):
        BlockStream(FakeBlocks(), batch_size=2, at_once=1).batch(-1)
