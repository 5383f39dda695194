"""A store of a few hundred cells whose values say which cell they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class FakeStore:
    """Cells whose recorded values are (row, batch, context)."""

    obs: pd.DataFrame

    def dense(self, index: np.ndarray, out: np.ndarray | None = None) -> np.ndarray[Any, Any]:
        codes = [self.obs[name].astype("category").cat.codes for name in ("batch", "context")]
        table = np.stack([np.arange(len(self.obs)), *codes], axis=1).astype(np.float32)
        if out is None:
            return table[index]
        out[:] = table[index]
        return out


def fake_store(cells: int = 600, seed: int = 0, batches: int = 4) -> FakeStore:
    """Perturbations of unequal frequency, a quarter controls, in every batch and both contexts."""
    rng = np.random.default_rng(seed)
    labels = ["ctrl", "A", "B", "C", "A+B", "B+A", "C+D"]
    obs = pd.DataFrame(
        {
            "perturbation": rng.choice(labels, cells, p=[0.25, 0.4, 0.15, 0.05, 0.05, 0.05, 0.05]),
            "batch": rng.choice([f"b{number}" for number in range(batches)], cells),
            "context": rng.choice(["K562", "RPE1"], cells),
        },
        index=[f"cell{number}" for number in range(cells)],
    )
    return FakeStore(obs)
