from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from pajamo.models.parts import count_fit
from pajamo.models.parts.count_fit import GroupSums


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_group_sums_do_not_depend_on_the_block_and_equal_a_loop_over_cells(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_fit, "BLOCK_CELLS", block)
    rng = np.random.default_rng(0)
    counts, library = rng.poisson(2.0, (50, 4)), rng.uniform(500.0, 2000.0, 50)
    group = np.concatenate([np.arange(6), rng.integers(0, 5, 44)])
    sums = GroupSums.of(sp.csr_matrix(counts.astype(np.int32)), library, group, 6)

    excess, weight = np.zeros(4), np.zeros(4)
    for k in range(6):
        own, size = counts[group == k], library[group == k]
        rate = own.sum(axis=0) / size.sum()
        np.testing.assert_allclose(sums.counts[k], own.sum(axis=0))
        np.testing.assert_allclose(sums.library[k], size.sum())
        np.testing.assert_allclose(sums.share[k], (size**2).sum() / size.sum() ** 2)
        if len(own) > 1:
            mean = size[:, None] * rate
            excess += ((own - mean) ** 2).sum(axis=0) * len(own) / (len(own) - 1) - mean.sum(axis=0)
            weight += (mean**2).sum(axis=0)
    prior = 0.1 * np.median(weight)
    pooled = max(excess.sum(), 0.0) / weight.sum()
    expected = np.maximum((excess + prior * pooled) / (weight + prior), 0.0)
    np.testing.assert_allclose(sums.dispersion, expected, rtol=1e-9, atol=1e-12)
