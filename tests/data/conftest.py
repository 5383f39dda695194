"""Small screens as h5ad files, whole or spoiled in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

LABELS = ("control", "A", "B", "A+B", "C")
GENES = ("A", "B", "C", "D/é", "E", "F")


def small_screen(cells_each: int = 4, seed: int = 0) -> anndata.AnnData:
    """Five conditions of a few cells each, six genes, two batches, days and donors; counts of at least one."""
    random = np.random.default_rng(seed)
    n = cells_each * len(LABELS)
    counts = random.poisson(2.0, (n, len(GENES)))
    counts[:, 4] += 1
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(np.repeat(LABELS, cells_each)),
            "batch": pd.Categorical(np.tile(["lane 1", "lane 2"], n // 2)),
            "day": np.tile(np.repeat([2.0, 3.0], 2), n // 4),
            "donor": np.tile(np.repeat(["x", "y"], 2), n // 4),
            "molecules": counts.sum(axis=1) + 5.0,
        },
        index=[f"cell{i}" for i in range(n)],
    )
    var = pd.DataFrame({"ensembl": [f"ENSG{i:011d}" for i in range(len(GENES))]}, index=list(GENES))
    return anndata.AnnData(sp.csr_matrix(counts.astype(np.float32)), obs=obs, var=var)


@pytest.fixture
def screen_file(tmp_path: Path) -> Callable[..., Path]:
    """Write the small screen, changed by a function, to a file."""

    def write(
        change: Callable[[anndata.AnnData], object] = lambda _: None, name: str = "screen.h5ad"
    ) -> Path:
        adata = small_screen()
        changed = change(adata)
        adata = changed if isinstance(changed, anndata.AnnData) else adata
        path = tmp_path / name
        adata.write_h5ad(path)
        return path

    return write


@pytest.fixture(autouse=True)
def _no_trial(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that tests wrote themselves need no process of their own; what that is for has its own tests."""
    if request.path.name != "test_integrity.py":
        monkeypatch.setattr("pajamo.data.reading.h5ad.try_reading", lambda path: None)
