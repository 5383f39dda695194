"""Small stores of planted cells."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pajamo.data.store import CellStore
from pajamo.data.store.building import build_store


def cells(n_cells: int = 300, genes: int = 40, seed: int = 0, largest: int = 0) -> anndata.AnnData:
    """Counts with some empty cells; `largest` is planted in one cell."""
    rng = np.random.default_rng(seed)
    table = rng.poisson(0.5, (n_cells, genes)).astype(np.float32)
    table[rng.choice(n_cells, n_cells // 10, replace=False)] = 0
    table[n_cells // 2, genes // 2] = largest
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(rng.choice(["ctrl", "A", "B"], n_cells)),
            "batch": pd.Categorical(rng.choice(["x", "y"], n_cells)),
            "score": rng.normal(size=n_cells),
        },
        index=[f"cell{number}" for number in range(n_cells)],
    )
    var = pd.DataFrame({"length": rng.integers(100, 999, genes)}, index=[f"g{n}" for n in range(genes)])
    return anndata.AnnData(sp.csr_matrix(table), obs, var)


def store_of(folder: Path, adata: anndata.AnnData, name: str = "cells") -> CellStore:
    """A store of these cells."""
    adata.write_h5ad(folder / f"{name}.h5ad")
    return build_store([folder / f"{name}.h5ad"], folder / f"{name}.pstore")
