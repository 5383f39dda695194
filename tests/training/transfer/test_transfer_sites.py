"""Sites to learn from: each pair once, without far and unlisted ones, in fair draws."""

from __future__ import annotations

import numpy as np
import pytest
from tests.models.transfer.planted_transfer import assay, codes, guides, sites, study

from pajamo.config.assays import TransferSettings
from pajamo.errors import DataError, ModelError
from pajamo.training.transfer.drawing import drawn_counts, epoch_order
from pajamo.training.transfer.sites import (
    Sites,
    changes_of,
    cut_experiments,
    guide_numbers,
    training_sites,
)

GUIDE = guides(1)[0]


def changed(count: int) -> str:
    """The guide's target with its first bases changed."""
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    return "".join(other[base] for base in GUIDE[:count]) + GUIDE[count:]


def test_changes_are_counted_outside_of_the_pam() -> None:
    pairs = [(GUIDE, changed(count)) for count in (0, 1, 5)]
    pairs += [(GUIDE, GUIDE[:-1] + "A")]
    assert changes_of(codes(pairs), 3).tolist() == [0, 1, 5, 0]
    assert changes_of(codes(pairs), 0).tolist() == [0, 1, 5, 1]


def test_far_and_unlisted_rows_are_left_out_and_said() -> None:
    own = codes([(GUIDE, changed(count)) for count in (0, 0, 1, 2, 5, 5)])
    label = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    tables = assay({"near": (own, label, np.zeros(6))}, {})
    found = training_sites(tables, TransferSettings(most_changes=4))
    assert sorted(changes_of(found.codes, 3).tolist()) == [0, 1, 2]
    assert found.notes == (
        "near: 2 rows with more than 4 changes are left out, 1 of them found",
        "near: 1 rows whose target matches the guide, labelled 0, are left out",
    )
    kept = training_sites(tables, TransferSettings(most_changes=8, drop_matched=False))
    assert not kept.notes
    assert len(kept.label) == 4


def test_a_pair_is_there_once_a_table_and_found_if_any_row_is() -> None:
    rng = np.random.default_rng(0)
    own = np.concatenate([sites(3, 60)[0], sites(3, 60)[0]])
    label = (rng.random(len(own)) < 0.3).astype(float)
    tables = assay(
        {"near": (own, label, np.zeros(len(own))), "far": (own, 1 - label, np.zeros(len(own)))}, {}
    )
    found = training_sites(tables, TransferSettings(drop_matched=False))
    wanted = {
        (table, row.tobytes()): max(lab for other, lab in zip(own, held, strict=True) if (other == row).all())
        for table, held in enumerate((label, 1 - label))
        for row in own
    }
    said = {
        (int(table), row.tobytes()): lab
        for row, table, lab in zip(found.codes, found.table, found.label, strict=True)
    }
    assert said == wanted
    assert len(found.label) == len(wanted)


def test_one_guide_has_one_number_in_all_tables() -> None:
    own, of = sites(5, 20)
    tables = assay({"near": (own, of, of), "far": (own[::-1], of, of)}, {})
    near, far = guide_numbers(tables)
    np.testing.assert_array_equal(near, far[::-1])
    assert len(np.unique(near)) == 5


def test_nothing_to_learn_from_is_refused() -> None:
    own, of = sites(2, 10)
    with pytest.raises(DataError, match="nothing to learn from"):
        training_sites(assay({"near": (own, np.zeros(len(own)), of)}, {}), TransferSettings())
    asked = study()
    with pytest.raises(ModelError, match="nothing to transfer to"):
        cut_experiments(asked.model_copy(update={"experiments": {}}))


def listed(found: int, others: int, table: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1.0, 0.0], [found, others]), np.full(found + others, table)


def test_an_epoch_takes_all_that_were_found_and_fair_samples_of_the_others() -> None:
    label, table = (np.concatenate(both) for both in zip(listed(5, 100, 0), listed(8, 12, 1), strict=True))
    none = np.zeros(len(label), dtype=np.intp)
    held = Sites(np.zeros((len(label), 4), dtype=np.uint8), label, table, none, ())
    taken, log_shares = drawn_counts(held, 3, 2)
    assert taken.tolist() == [15, 12]
    np.testing.assert_allclose(log_shares, [np.log(0.15), 0.0])
    rng = np.random.default_rng(0)
    times = np.zeros(len(label))
    for _ in range(2000):
        order = epoch_order(held, taken, rng)
        assert len(np.unique(order)) == len(order) == 40
        times[order] += 1
    assert (times[label > 0] == 2000).all()
    assert (times[(label == 0) & (table == 1)] == 2000).all()
    np.testing.assert_allclose(times[(label == 0) & (table == 0)] / 2000, 0.15, atol=0.04)
