"""No model is told what it must predict, and where there is nothing to learn none is said to have learned it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import pajamo
from pajamo.config import parse_study
from pajamo.data.conditions import Condition
from pajamo.data.run_folder import RunFolder
from pajamo.data.simulate import simulate_combinations
from pajamo.data.splits import Fold, Split, check_leaks, make_split
from pajamo.errors import IntegrityError, SplitError
from pajamo.evaluation.truth import Truth
from pajamo.models.registry import models
from pajamo.pipeline.findings import Findings
from pajamo.pipeline.ladder import FoldWork, climb_folds_of
from pajamo.pipeline.loading import Loaded, load

SEEDS = range(6)
LADDER = ["mixed-effects", "salt-counts", "peper"]
PEPER = {"members": 2, "steps": 20, "hidden": 8, "distribution": "means"}


def simulated(seed: int, folder: Path, shuffle: bool = False) -> Path:
    """Many doubles, most of which interact strongly; the cells' labels at random if asked for."""
    screen = simulate_combinations(
        seed=seed, genes=50, singles=8, doubles=24, triples=0, cells=25, control_cells=100, batches=1,
        additive=0.0, synergistic=0.0, epistatic=0.0, suppressive=1.0, library_size=4000.0,
    )  # fmt: skip
    if shuffle:
        labels = np.random.default_rng(seed).permutation(screen.obs["perturbation"].to_numpy(dtype=object))
        screen.obs["perturbation"] = labels
    path = folder / f"{'shuffled' if shuffle else 'screen'}{seed}.h5ad"
    screen.write_h5ad(path)
    return path
