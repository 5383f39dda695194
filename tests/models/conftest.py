"""Training sets whose answer fits on paper, and a simulator of means with planted truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet


def table(
    changes: Mapping[Condition, list[float]],
    control: float = 1.0,
    variance: float = 0.0,
    cells: int = 100,
    **more,
) -> TrainingSet:
    """A training set with these changes against controls that all equal `control`."""
    conditions = tuple(changes)
    settings = tuple(sorted({c.setting for c in conditions} | more.pop("settings", set())))
    delta = np.array([changes[c] for c in conditions], dtype=float)
    spread = np.full_like(delta, variance)
    controls = np.full((len(settings), delta.shape[1]), control)
    genes = more.pop("genes", [f"g{i}" for i in range(delta.shape[1])])
    counted = np.full(len(conditions), cells)
    return TrainingSet(
        pd.Index(genes), conditions, Moments(counted, control + delta, spread), settings,
        Moments(np.full(len(settings), cells), controls, np.full_like(controls, variance)), **more,
    )  # fmt: skip


def planted(
    seed: int,
    *,
    alpha: float = 1.0,
    tau: float = 0.0,
    cells: int = 25,
    genes: int = 60,
    perturbed: int = 10,
) -> tuple[TrainingSet, tuple[Condition, ...], np.ndarray]:
    """Means around alpha * (a + b) + N(0, tau^2): a training set, held doubles, and their true change."""
    rng = np.random.default_rng(seed)
    names = [f"P{i}" for i in range(perturbed)]
    effect = dict(zip(names, rng.normal(0.0, 0.6, (perturbed, genes)), strict=True))
    doubles = [Condition((a, b)) for i, a in enumerate(names) for b in names[:i]]
    truth = {Condition((name,)): effect[name] for name in names}
    for double in doubles:
        total = effect[double.genes[0]] + effect[double.genes[1]]
        truth[double] = alpha * total + rng.normal(0.0, tau, genes)
    held = tuple(doubles[i] for i in rng.permutation(len(doubles))[:8])
    conditions = tuple(c for c in truth if c not in held)
    sd = rng.uniform(0.5, 1.0, genes)
    control = 2.0 + rng.normal(0.0, sd / np.sqrt(cells))
    mean = np.array([2.0 + truth[c] + rng.normal(0.0, sd / np.sqrt(cells)) for c in conditions])
    variance = sd**2 * rng.chisquare(cells - 1, (len(conditions) + 1, genes)) / (cells - 1)
    counted = np.full(len(conditions), cells)
    training = TrainingSet(
        pd.Index([f"g{i}" for i in range(genes)]), conditions, Moments(counted, mean, variance[1:]),
        (("", 0.0),), Moments(counted[:1], control[None], variance[:1]),
    )  # fmt: skip
    return training, held, np.array([truth[c] for c in held])


@pytest.fixture(name="table")
def table_fixture():
    return table


@pytest.fixture(name="planted")
def planted_fixture():
    return planted
