"""Batches of perturbed cells beside matched controls: the same whoever asks, shared out among however many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.training.streams.cell_screens import FakeStore, fake_store

from pajamo.errors import DataError, StudyError
from pajamo.training.streams.cells import CellStream

MATCH = ("batch", "context")


def stream(store: FakeStore | None = None, **settings: Any) -> CellStream:
    chosen = {"perturbation": "perturbation", "control": "ctrl", "match": MATCH, "batch_size": 32, "seed": 7}
    return CellStream(store or fake_store(), **{**chosen, **settings})


def names_of(found: CellStream, steps: int) -> list[str]:
    return [found.names[code] for step in range(steps) for code in found.plan(step).perturbation]


@pytest.mark.parametrize("balanced", [True, False, "sqrt"])
def test_a_batch_is_a_function_of_seed_and_step_alone(balanced: Any) -> None:
    forwards = [stream(balanced=balanced).batch(step) for step in range(6)]
    one = stream(balanced=balanced)
    for step in (5, 0, 3, 3, 1000, 4):
        again = one.batch(step)
        if step < 6:
            np.testing.assert_array_equal(again.rows, forwards[step].rows)
            np.testing.assert_array_equal(again.controls, forwards[step].controls)
    assert not np.array_equal(stream(balanced=balanced, seed=8).plan(0).rows, forwards[0].rows)


def test_each_control_shares_batch_and_context_with_the_cell_beside_it() -> None:
    store = fake_store()
    for step in range(30):
        batch = stream(store).batch(step)
        assert batch.values is not None
        assert batch.controls is not None
        np.testing.assert_array_equal(batch.values[:, 1:], batch.controls[:, 1:])
        np.testing.assert_array_equal(batch.values[:, 0], batch.rows)
        np.testing.assert_array_equal(batch.controls[:, 0], batch.control_rows)
        assert (store.obs["perturbation"].iloc[batch.control_rows] == "ctrl").all()


def test_controls_of_a_group_are_drawn_evenly() -> None:
    store = fake_store(cells=120, batches=1)
    found = stream(store, match=("context",), batch_size=4096)
    drawn = np.concatenate([found.plan(step).control_rows for step in range(4)])
    rows = np.concatenate([found.plan(step).rows for step in range(4)])
    inside = drawn[store.obs["context"].iloc[rows].to_numpy() == "K562"]
    counts = np.unique(inside, return_counts=True)[1]
    controls = (store.obs["perturbation"] == "ctrl") & (store.obs["context"] == "K562")
    assert len(counts) == controls.sum()
    assert stats.chisquare(counts).pvalue > 1e-3


def test_labels_say_what_was_done_to_the_cell_in_any_order_of_genes() -> None:
    store = fake_store()
    found = stream(store)
    assert found.names == ("A", "A+B", "B", "C", "C+D")
    batch = found.batch(0)
    for row, code in zip(batch.rows, batch.perturbation, strict=True):
        assert set(store.obs["perturbation"].iloc[row].split("+")) == set(found.perturbations[code])


@pytest.mark.parametrize("batch_size", [5, 32, 1])
def test_balanced_shows_each_perturbation_once_in_each_pass(batch_size: int) -> None:
    found = stream(balanced=True, batch_size=batch_size)
    shown = names_of(found, 40)
    passes = [shown[start : start + 5] for start in range(0, len(shown) - 4, 5)]
    assert all(sorted(one) == sorted(found.names) for one in passes)
    assert len({tuple(one) for one in passes}) > 1 or len(passes) < 3


def test_unbalanced_shows_each_cell_once_in_each_pass() -> None:
    store = fake_store()
    found = stream(store, balanced=False, batch_size=1)
    perturbed = np.flatnonzero(store.obs["perturbation"] != "ctrl")
    per_pass = int(found.steps_per_pass)
    assert per_pass == len(perturbed)
    orders = [
        np.array([found.plan(start + step).rows[0] for step in range(per_pass)]) for start in (0, per_pass)
    ]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), perturbed)
    assert not np.array_equal(*orders)


def test_square_root_lies_between() -> None:
    store = fake_store()
    counts = store.obs["perturbation"].replace("B+A", "A+B").value_counts().drop("ctrl")
    found = stream(store, balanced="sqrt", batch_size=1)
    shown = pd.Series(names_of(found, int(found.steps_per_pass))).value_counts()
    assert (shown == np.ceil(np.sqrt(counts[shown.index])).to_numpy()).all()


@pytest.mark.parametrize("balanced", [True, "sqrt"])
@pytest.mark.parametrize("passes", [1, 9, 40])
def test_at_the_end_of_a_pass_cells_of_a_perturbation_were_shown_equally_often(
    balanced: Any, passes: int
) -> None:
    store = fake_store()
    one = stream(store, balanced=balanced, batch_size=1)
    rows = [one.plan(step).rows[0] for step in range(passes * int(one.steps_per_pass))]
    labels = store.obs["perturbation"].replace("B+A", "A+B")
    shown = np.bincount(rows, minlength=len(labels))
    for name in one.names:
        assert np.ptp(shown[labels == name]) <= 1


@pytest.mark.parametrize("world", [2, 3, 4, 40])
def test_sharing_out_gives_the_same_global_batches(world: int) -> None:
    found = stream()
    whole = found.batch(11)
    rows = np.zeros_like(whole.rows)
    controls = np.zeros_like(whole.controls)
    for rank in range(world):
        part = found.share(rank, world).batch(11)
        rows[rank::world], controls[rank::world] = part.rows, part.controls
    np.testing.assert_array_equal(rows, whole.rows)
    np.testing.assert_array_equal(controls, whole.controls)


def test_held_out_perturbations_are_never_shown_but_their_controls_are() -> None:
    names = set(names_of(stream(held_out=["A"]), 50))
    assert names == {"B", "C", "C+D"}
    assert set(names_of(stream(held_out=["A"], members="keep"), 50)) == {"A+B", "B", "C", "C+D"}
    assert set(names_of(stream(held_out=["B+A"]), 50)) == {"A", "B", "C", "C+D"}
    assert set(names_of(stream(held_out=["D"]), 50)) == {"A", "A+B", "B", "C"}


def test_only_some_cells_are_shown_controls_included() -> None:
    store = fake_store()
    allowed = np.arange(300)
    found = stream(store, only=allowed)
    for step in range(20):
        batch = found.plan(step)
        assert batch.rows.max() < 300
        assert batch.control_rows.max() < 300


def unmatched_store() -> FakeStore:
    """Cells of C in batch b9, in which no control was measured."""
    obs = fake_store().obs
    obs.loc[obs["perturbation"] == "C", "batch"] = "b9"
    return FakeStore(obs)


def test_perturbations_without_matched_controls_are_named() -> None:
    with pytest.raises(DataError, match="1 perturbations have no control to be matched with: C\n") as caught:
        stream(unmatched_store())
    assert "widen" in caught.value.fix


def test_unmatched_cells_are_dropped_or_matched_by_fewer_columns() -> None:
    store = unmatched_store()
    assert "C" not in names_of(stream(store, unmatched="drop"), 50)
    found = stream(store, unmatched="widen", match=("context", "batch"))
    assert "C" in names_of(found, 50)
    for step in range(20):
        batch = found.batch(step)
        np.testing.assert_array_equal(batch.values[:, 2], batch.controls[:, 2])
        matched = store.obs["batch"].iloc[batch.rows].to_numpy() != "b9"
        np.testing.assert_array_equal(batch.values[matched, 1], batch.controls[matched, 1])
    anywhere = stream(store, unmatched="widen", match=("batch", "context"))
    drawn = [anywhere.batch(step) for step in range(20)]
    alone = [store.obs["batch"].iloc[one.rows].to_numpy() == "b9" for one in drawn]
    contexts = [one.controls[lonely, 2] for one, lonely in zip(drawn, alone, strict=True)]
    assert set(np.concatenate(contexts)) == {0, 1}


def test_without_controls_cells_need_no_match() -> None:
    batch = stream(unmatched_store(), with_controls=False).batch(0)
    assert batch.control_rows is None
    assert batch.controls is None
    assert batch.values is not None


def test_values_go_where_they_are_told() -> None:
    out = np.zeros((64, 3), dtype=np.float32)
    batch = stream().batch(2, out=out)
    assert batch.values is not None
    assert batch.values.base is out
    np.testing.assert_array_equal(out[:32, 0], batch.rows)


def test_facts_tell_other_cells_and_other_seeds_apart() -> None:
    facts = stream().facts()
    assert facts == stream().facts()
    assert facts != stream(seed=8).facts()
    assert facts["cells"] != stream(fake_store(seed=1)).facts()["cells"]
    assert facts["cells"] != stream(held_out=["C"]).facts()["cells"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"perturbation": "pertubation"}, "no column 'pertubation'"),
        ({"match": ("batc",)}, "no column 'batc'"),
        ({"held_out": ["Aa"]}, "no cell has the held-out perturbation 'Aa'"),
        ({"held_out": ["A", "B", "C"]}, "no perturbed cell is left"),
    ],
)
def test_what_is_not_there_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        stream(**change)


def test_a_control_that_no_cell_has_is_said() -> None:
    obs = fake_store().obs.replace("ctrl", "mock")
    with pytest.raises(DataError, match="none is labelled 'mok'") as caught:
        stream(FakeStore(obs), control="mok")
    assert "mock" in caught.value.fix


def test_empty_labels_are_said_with_their_first_cell() -> None:
    obs = fake_store().obs
    obs.loc["cell17", "batch"] = None
    with pytest.raises(DataError, match="1 cells have no value in column 'batch'") as caught:
        stream(FakeStore(obs))
    assert "cell17" in caught.value.where


def test_impossible_batches_and_ranks_are_refused() -> None:
    with pytest.raises(StudyError, match="0 cells"):
        stream(batch_size=0)
    with pytest.raises(StudyError, match="no rank 2 among 2"):
        stream().share(2, 2)
    with pytest.raises(IndexError):
        stream().plan(-1)


def test_batches_go_on_from_a_step() -> None:
    found = stream()
    steps = [batch.step for batch in found.batches(first=5, steps=3)]
    assert steps == [5, 6, 7]


def test_without_columns_to_match_any_control_will_do() -> None:
    store = fake_store()
    found = stream(store, match=(), batch_size=2048)
    drawn = np.concatenate([found.plan(step).control_rows for step in range(4)])
    assert set(drawn) == set(np.flatnonzero(store.obs["perturbation"] == "ctrl"))
