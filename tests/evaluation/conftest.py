"""Screens whose means are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments, Pseudobulk

MakeBulk = Callable[..., Pseudobulk]


@pytest.fixture
def make_bulk() -> MakeBulk:
    """Draw normal cells around given means and summarise them by halves."""

    def make(
        means: Mapping[Condition, np.ndarray],
        cells: int = 40,
        sd: float = 1.0,
        seed: int = 0,
        controls: int | None = None,
    ) -> Pseudobulk:
        rng = np.random.default_rng(seed)
        halves = ([], [])
        for condition, mean in means.items():
            n = (controls or cells) if condition.is_control else cells
            for side, size in zip(halves, (n - n // 2, n // 2), strict=True):
                side.append(mean + sd * rng.normal(size=(size, len(mean))))
        genes = pd.Index([f"g{i}" for i in range(len(next(iter(means.values()))))])
        return Pseudobulk(genes, tuple(means), (_moments(halves[0]), _moments(halves[1])))

    return make


def _moments(groups: list[np.ndarray]) -> Moments:
    return Moments(
        np.array([len(group) for group in groups]),
        np.array([group.mean(axis=0) for group in groups]),
        np.array([group.var(axis=0, ddof=1) for group in groups]),
    )
