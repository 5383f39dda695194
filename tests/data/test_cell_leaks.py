"""A held-out cell that stands in training under another label is found by its values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.config import SplitSettings
from pajamo.data.conditions import Condition
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.screen import Screen
from pajamo.data.splits import Fold, Split, check_cells
from pajamo.data.splits.cell_leaks import cell_hashes
from pajamo.errors import SplitError

CONDITIONS = (Condition(()), *(Condition((name,)) for name in "ABC"))
SPLIT = Split("unseen-perturbation", 0, SplitSettings(kind="unseen-perturbation"), (
    Fold("first", CONDITIONS[1:3], CONDITIONS[3:]),
))  # fmt: skip


def screen(copies: dict[int, int], genes: int = 60, mean: float = 2.0) -> Screen:
    """Ten cells a condition; each key's cell is a copy of its value's."""
    counts = np.random.default_rng(0).poisson(mean, size=(40, genes)).astype(float)
    for copy, of in copies.items():
        counts[copy] = counts[of]
    sizes = pd.DataFrame({"library_size": counts.sum(axis=1)})
    names = pd.Index([f"g{i}" for i in range(genes)])
    return Screen(
        MemoryMatrix(sp.csr_matrix(counts)), "counts", names, CONDITIONS, np.repeat(range(4), 10), sizes
    )


def test_clean_screens_pass() -> None:
    check_cells(SPLIT, screen({}))
    # Copies within one condition, or among training conditions, give nothing away.
    check_cells(SPLIT, screen({35: 36, 12: 25}))


@pytest.mark.parametrize(("of", "named"), [(14, "A"), (3, "control")])
def test_a_copy_across_the_split_is_named(of: int, named: str) -> None:
    with pytest.raises(SplitError, match="fold first leaks: 1 held-out cells") as caught:
        check_cells(SPLIT, screen({33: of}))
    assert "held out as C" in caught.value.where
    assert f"in training as {named}" in caught.value.where


def test_hashes_depend_on_values_and_genes_and_not_on_how_they_are_stored() -> None:
    of = screen({7: 8})
    hashes = cell_hashes(of)
    assert hashes[7] == hashes[8]
    assert len(np.unique(hashes)) == 39
    values = of.matrix.rows(np.arange(40)).tocoo()
    order = np.random.default_rng(1).permutation(values.nnz)
    shuffled = sp.coo_matrix((values.data[order], (values.row[order], values.col[order])), shape=values.shape)
    stored = sp.csr_matrix(shuffled)
    np.testing.assert_array_equal(cell_hashes(replace(of, matrix=MemoryMatrix(stored))), hashes)
    turned = of.matrix.rows(np.arange(40))[:, ::-1]
    assert not (cell_hashes(replace(of, matrix=MemoryMatrix(sp.csr_matrix(turned)))) == hashes).any()


def test_cells_of_few_genes_are_not_compared() -> None:
    check_cells(SPLIT, screen({33: 14}, genes=10))
    assert (cell_hashes(screen({}, genes=10)) == 0).all()
