"""The file of the benchmark of stores: SIMULATED cells whose genes are seen in unequal shares of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

CELLS, GENES, FILLED, BLOCK = 100_000, 2_000, 0.05, 5_000
PERTURBATIONS, BATCHES, CONTEXTS, CONTROLS = 200, 8, 2, 0.1


def shares(genes: int, rng: np.random.Generator) -> np.ndarray:
    """Share of cells in which each gene is seen: from a beta distribution, scaled to a mean of `FILLED`."""
    drawn = rng.beta(0.6, 11.4, genes)
    return np.clip(drawn * FILLED / drawn.mean(), 0, 0.98)


def blocks(cells: int, genes: int, seed: int = 0) -> Iterator[sp.csr_matrix]:
    """Counts, block by block; a count is a geometric number, larger where a gene is seen often."""
    seen = shares(genes, np.random.default_rng(seed))
    for number, start in enumerate(range(0, cells, BLOCK)):
        rng = np.random.default_rng([seed, number])
        rows = min(BLOCK, cells - start)
        there = sp.csr_matrix(rng.random((rows, genes), dtype=np.float32) < seen)
        mean = 0.3 + 4 * seen[there.indices]
        counts = rng.geometric(1 / (1 + mean))
        data = np.minimum(counts, 255).astype(np.float32)
        yield sp.csr_matrix((data, there.indices.astype(np.int32), there.indptr), shape=(rows, genes))


def drawn_again(cells: int, genes: int, seed: int = 0) -> Iterator[sp.csr_matrix]:
    """Counts of more cells than are quickly simulated: each block is drawn from the `CELLS` cells of the file."""
    known = sp.vstack(list(blocks(min(CELLS, cells), genes, seed)), format="csr")
    for number, start in enumerate(range(0, cells, BLOCK)):
        rng = np.random.default_rng([seed, number, 1])
        yield known[rng.integers(known.shape[0], size=min(BLOCK, cells - start))]


def tables(cells: int, genes: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was done to each cell, in which batch and context; and the genes."""
    rng = np.random.default_rng([seed, 1 << 20])
    names = np.array(["control", *(f"P{number:03d}" for number in range(PERTURBATIONS))])
    weight = rng.dirichlet(np.full(PERTURBATIONS, 2.0)) * (1 - CONTROLS)
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical.from_codes(
                rng.choice(len(names), cells, p=[CONTROLS, *weight]), list(names)
            ),
            "batch": pd.Categorical.from_codes(
                rng.integers(BATCHES, size=cells), [f"batch{number}" for number in range(BATCHES)]
            ),
            "context": pd.Categorical.from_codes(rng.integers(CONTEXTS, size=cells), ["K562", "RPE1"]),
        },
        index=np.char.add("cell", np.arange(cells).astype(str)),
    )
    return obs, pd.DataFrame(index=[f"gene{number:05d}" for number in range(genes)])


def written(folder: Path, cells: int = CELLS, genes: int = GENES) -> Path:
    """The file as AnnData writes it: 32-bit values and indices, not compressed. Made if it is not there."""
    path = folder / f"cells-{cells}x{genes}.h5ad"
    if not path.exists():
        obs, var = tables(cells, genes)
        anndata.AnnData(sp.vstack(list(blocks(cells, genes)), format="csr"), obs, var).write_h5ad(path)
    return path
