"""What goes between pajamo and a peer in an environment of its own: two h5ad files and a saved split.

The training file holds only what a predictor may see: cells of the training conditions and the predictor's
half of the controls, as ln(1 + CP10K); a peer cannot look at a held-out cell even by accident. This module needs
numpy, pandas, scipy and anndata alone, so that it runs in every peer's environment.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

CONTROL = "control"


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every peer takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "training", type=Path, help="h5ad: ln(1 + CP10K) of what may be seen, obs.perturbation"
    )
    parser.add_argument("split", type=Path, help="split.json of a pajamo run")
    parser.add_argument("output", type=Path, help="h5ad of predicted means to write, obs.perturbation")
    parser.add_argument("--fold", type=int, default=0, help="number of the fold in the split")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def labels(split: Path, fold: int, side: str) -> list[str]:
    """Conditions of one side of a fold as "A+B"."""
    folds = json.loads(split.read_text(encoding="utf-8"))["folds"]
    return ["+".join(genes) for genes, _, _ in folds[fold][side]]


def read_training(path: Path, held_out: list[str]) -> anndata.AnnData:
    """The training cells; refuses a file that holds a condition which is to be predicted."""
    adata = anndata.read_h5ad(path)
    seen = set(adata.obs["perturbation"].astype(str))
    if seen & set(held_out):
        raise SystemExit(f"{path} holds cells that are to be predicted: {sorted(seen & set(held_out))[:3]}")
    return adata


def write_means(
    path: Path, means: Mapping[str, np.ndarray], genes: pd.Index, facts: Mapping[str, object]
) -> None:
    """Write predicted levels, a row a condition; facts (versions, settings, seconds) go into uns."""
    obs = pd.DataFrame({"perturbation": list(means)}, index=list(means))
    table = anndata.AnnData(
        np.vstack(list(means.values())).astype(float),
        obs=obs,
        var=pd.DataFrame(index=pd.Index(genes).astype(str)),
    )
    table.uns["facts"] = json.dumps(dict(facts))
    table.write_h5ad(path)


class Clock:
    """Seconds of each step, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Name the time since the last lap."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 2)
        self._last = now
