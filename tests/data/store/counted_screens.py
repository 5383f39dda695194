"""Screens of random counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

Make = Callable[..., Path]


def counted(cells: int = 60, genes: int = 17, most: int = 200, seed: int = 0) -> sp.csr_matrix:
    """Counts of which about a third are not zero; some cells have none at all."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, most + 1, (cells, genes)) * (random.random((cells, genes)) < 0.3)
    counts[random.random(cells) < 0.1] = 0
    return sp.csr_matrix(counts.astype(np.float32))


def screened(counts: sp.spmatrix, first: int = 0, genes: list[str] | None = None) -> anndata.AnnData:
    """Counts with names of cells, of genes, and a perturbation of each cell."""
    cells, width = counts.shape
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(np.where(np.arange(cells) % 3, "control", "A")),
            "note": [f"of cell {i}" for i in range(cells)],
            "depth": np.arange(cells) / 4,
        },
        index=[f"cell{first + i}" for i in range(cells)],
    )
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes or [f"g{i}" for i in range(width)]))
