"""Draws cells of a simulated screen: conditions, guides, batches, library sizes, counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.config import parse
from pajamo.data.conditions import SEPARATOR
from pajamo.data.h5ad_blocks import write_h5ad_blocks
from pajamo.data.simulate.planted import Truth, plant
from pajamo.data.simulate.settings import SimulationSettings

BLOCK_CELLS = 2048
"""Cells drawn at once. Part of the recipe: another number gives other cells from the same seed."""
SOURCE = "SIMULATED by pajamo.data.simulate; not an experiment"


def simulate_combinations(settings: SimulationSettings | None = None, **changes: object) -> anndata.AnnData:
    """Simulate a combination screen with planted additive, synergistic, suppressive and epistatic pairs.

    The count of gene g in a cell of condition c and batch b is negative binomial with mean
    size * exp(log_mean[c, g] + batch[b, g]) and variance mean + dispersion mean^2, where size is log-normal.

    Arguments
    ---------
    settings: the design; by default 500 genes, 20 singles, 30 pairs, 10 triples, 3,300 cells.
    changes: single settings by name, as in `simulate_combinations(seed=1, doubles=40)`.

    Returns
    -------
    AnnData with counts as CSR integers; obs: perturbation ("A+B", "control"), guide, batch; uns:
    `simulated` is True, `truth` holds the arrays of :class:`Truth`, `source` says what it is.

    Raises
    ------
    StudyError: an unknown setting, or one that is impossible.
    """
    chosen = settings or SimulationSettings()
    if changes:
        chosen = parse(SimulationSettings, {**chosen.model_dump(), **changes}, "simulation")
    truth = plant(chosen)
    obs, condition, random = _design(chosen, truth)
    matrix = sp.vstack(list(_blocks(chosen, truth, obs, condition, random)), format="csr")
    return anndata.AnnData(X=matrix, obs=obs, var=_genes(truth), uns=_labelled(truth))


def write_large_screen(path: Path, cells: int = 200_000, genes: int = 5_000, seed: int = 0) -> None:
    """Write a simulated screen of any size to an h5ad, in blocks, with little memory.

    A tenth of the cells are controls; the others are spread over 100 singles and 100 pairs. Libraries
    are shallow (median 1,000 molecules), so that about a tenth of the values are not zero.

    Raises
    ------
    StudyError: fewer genes or cells than the design needs.
    StorageError: the disk is full; nothing is left behind.
    """
    singles, doubles = 100, 100
    each = (cells - cells // 10) // (singles + doubles)
    settings = parse(
        SimulationSettings,
        {"seed": seed, "genes": genes, "singles": singles, "doubles": doubles, "triples": 0, "cells": each,
         "control_cells": cells - each * (singles + doubles), "batches": 4, "library_size": 1000.0,
         "dispersion": 0.0},
        "simulation",
    )  # fmt: skip
    truth = plant(settings)
    obs, condition, random = _design(settings, truth)
    write_h5ad_blocks(
        path, obs, _genes(truth), _labelled(truth), _blocks(settings, truth, obs, condition, random)
    )


def _design(
    settings: SimulationSettings, truth: Truth
) -> tuple[pd.DataFrame, NDArray[np.intp], np.random.Generator]:
    """Draw what was done to each cell, in random order; also returns each cell's row in `truth.log_mean`."""
    random = np.random.default_rng(np.random.SeedSequence(settings.seed).spawn(2)[1])
    least, most = settings.cells_range
    numbers = random.integers(least, most + 1, len(truth.conditions))
    numbers[0] = settings.control_cells
    condition = random.permutation(np.repeat(np.arange(len(truth.conditions)), numbers))
    batch = random.integers(0, settings.batches, len(condition))
    size = settings.library_size * np.exp(random.normal(0.0, settings.library_spread, len(condition)))
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(truth.conditions[condition]),
            "guide": pd.Categorical(_guides(settings, truth, condition, random)),
            "batch": pd.Categorical([f"simulated{number + 1}" for number in batch]),
            "simulated_size": size,
        },
        index=[f"simulated{number:07d}" for number in range(len(condition))],
    )
    return obs, condition, random


def _guides(
    settings: SimulationSettings, truth: Truth, condition: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.str_]:
    """Draw one guide for each perturbed gene of a cell; a control carries a non-targeting one."""
    number = random.integers(1, settings.guides + 1, (len(condition), 3)).astype(str)
    labels = np.array(["non-targeting" if c == "control" else c for c in truth.conditions])
    names = [
        SEPARATOR.join(f"{gene}_{n}" for gene, n in zip(label.split(SEPARATOR), row, strict=False))
        for label, row in zip(labels[condition], number, strict=True)
    ]
    return np.array(names)


def _blocks(
    settings: SimulationSettings,
    truth: Truth,
    obs: pd.DataFrame,
    condition: NDArray[np.intp],
    random: np.random.Generator,
) -> Iterator[sp.csr_matrix]:
    batch = obs["batch"].str.removeprefix("simulated").astype(int).to_numpy() - 1
    share, factor = np.exp(truth.log_mean), np.exp(truth.batch)
    size = obs["simulated_size"].to_numpy()
    for start in range(0, len(obs), BLOCK_CELLS):
        rows = slice(start, start + BLOCK_CELLS)
        mean = share[condition[rows]] * factor[batch[rows]] * size[rows, None]
        if settings.dispersion > 0:
            mean *= random.gamma(1 / settings.dispersion, settings.dispersion, mean.shape)
        yield sp.csr_matrix(random.poisson(mean).astype(np.int32))


def _genes(truth: Truth) -> pd.DataFrame:
    return pd.DataFrame(index=pd.Index(truth.genes.astype(str), name="gene"))


def _labelled(truth: Truth) -> dict[str, object]:
    return {"simulated": True, "source": SOURCE, "truth": truth.to_uns()}
