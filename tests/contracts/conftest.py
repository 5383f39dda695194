"""Tiny screens with doubles and over time, a growth map, and each model on the first that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.matrix import MemoryMatrix
from pajamo.data.pseudobulk import Moments, pseudobulk
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Model
from pajamo.models.registry import create, models
from pajamo.training.fit import fit_model

GENES = tuple(f"G{i}" for i in range(12))
FAST = {"steps": 20, "n_steps": 20, "members": 2, "ensemble": 2}
"""Settings that keep learned models short, where they have them."""


@dataclass(frozen=True)
class World:
    """A training set and the conditions that are asked for."""

    training: TrainingSet
    asked: tuple[Condition, ...]


def simulate(conditions: Sequence[Condition], cells: int, seed: int = 0) -> Screen:
    """Negative binomial counts with additive log effects that grow with time, in two batches."""
    rng = np.random.default_rng(seed)
    effects = {gene: rng.normal(0.0, 0.6, len(GENES)) for gene in GENES}
    label = np.repeat(
        np.arange(len(conditions)), [cells if c.order else max(2 * cells, 6) for c in conditions]
    )
    log_rate = np.array(
        [sum((effects[g] for g in c.genes), np.zeros(len(GENES))) * (1 + 0.1 * c.time) for c in conditions]
    )
    mean = np.exp(1.5 + log_rate[label])
    counts = rng.poisson(mean * rng.gamma(5.0, 0.2, mean.shape))
    number = np.arange(len(label))
    table = pd.DataFrame(
        {
            "library_size": counts.sum(axis=1) + 200.0,
            "batch": np.where(number % 2, "b", "a"),
            "guide": [f"{conditions[i]} {n // 2 % 2}" for i, n in zip(label, number, strict=True)],
        }
    )
    matrix = MemoryMatrix(sp.csr_matrix(counts, dtype=float))
    return Screen(matrix, "counts", pd.Index(GENES), tuple(conditions), label, table, simulated=True)


def training_set(screen: Screen, conditions: Sequence[Condition]) -> TrainingSet:
    """What a fold hands to a model, cells and counts included."""
    kept = [c for c in screen.conditions if c.is_control or c in set(conditions)]
    cells = {c: screen.log_normalised_rows(screen.cells_of(c)).toarray().astype(np.float32) for c in kept}
    counts = CountTable.from_screen(screen, conditions)
    return TrainingSet.from_pseudobulk(pseudobulk(screen), conditions, cells=cells, counts=counts)


def doubles_world(cells: int = 8) -> World:
    singles = [Condition((gene,)) for gene in GENES[:6]]
    pairs = [(0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5), (0, 5)]
    doubles = [Condition((GENES[a], GENES[b])) for a, b in pairs]
    screen = simulate([Condition(()), *singles, *doubles], cells)
    return World(training_set(screen, [*singles, *doubles[:5]]), tuple(doubles[5:]))


def time_world(cells: int = 8) -> World:
    conditions = [Condition((gene,), time=t) for gene in GENES[:4] for t in (1.0, 2.0, 3.0)]
    controls = [Condition((), time=t) for t in (1.0, 2.0, 3.0)]
    screen = simulate([*controls, *conditions], cells)
    asked = tuple(c for c in conditions if c.time == 3.0)
    return World(training_set(screen, [c for c in conditions if c.time < 3.0]), asked)


def growth_world(cells: int = 8) -> World:
    """One phenotype a condition, as in a growth map: planted curve and gene effects."""
    rng = np.random.default_rng(0)
    single, shift = rng.normal(-0.3, 0.3, len(GENES)), rng.normal(0.0, 0.1, len(GENES))
    phenotype = {Condition((gene,)): float(f) for gene, f in zip(GENES, single, strict=True)}
    for a in range(len(GENES)):
        for b in range(a):
            total = single[a] + single[b]
            phenotype[Condition((GENES[a], GENES[b]))] = float(total + 0.2 * total**2 + shift[a] + shift[b])
    doubles = [condition for condition in phenotype if condition.order == 2]
    seen = {c: y for c, y in phenotype.items() if c not in doubles[:4]}
    return World(TrainingSet.from_table(seen, standard_error=0.1 / cells), tuple(sorted(doubles[:4])))


WORLDS: dict[str, Callable[..., World]] = {
    "doubles": doubles_world,
    "time": time_world,
    "growth": growth_world,
}


def make(name: str) -> Model:
    fields = models()[name].Settings.model_fields
    return create(name, {key: value for key, value in FAST.items() if key in fields}, seed=3)


def fit(name: str, training: TrainingSet) -> Model:
    return fit_model(make(name), training)


def reordered(training: TrainingSet, conditions: Sequence[int], genes: Sequence[int]) -> TrainingSet:
    """The same training set with its conditions and genes in another order."""

    def columns(moments: Moments) -> Moments:
        return Moments(moments.n_cells, moments.mean[:, genes], moments.variance[:, genes])

    counts = training.counts
    return replace(
        training,
        genes=training.genes[list(genes)],
        conditions=tuple(training.conditions[i] for i in conditions),
        moments=columns(training.moments[list(conditions)]),
        controls=columns(training.controls),
        cells={c: x[:, genes] for c, x in reversed(training.cells.items())},
        counts=None if counts is None else replace(counts, counts=counts.counts[:, list(genes)]),
    )


def without(training: TrainingSet, dropped: Condition) -> TrainingSet:
    """The training set without one condition, its cells and its counts."""
    rows = [i for i, c in enumerate(training.conditions) if c != dropped]
    assert training.counts is not None
    table = training.counts
    seen = np.array([table.conditions[i] != dropped for i in table.condition_of])
    counts = replace(
        table,
        counts=table.counts[seen],
        library_size=table.library_size[seen],
        condition_of=table.condition_of[seen],
        batch_of=table.batch_of[seen],
        guide_of=None if table.guide_of is None else table.guide_of[seen],
    )
    return replace(
        training,
        conditions=tuple(training.conditions[i] for i in rows),
        moments=training.moments[rows],
        cells={c: x for c, x in training.cells.items() if c != dropped},
        counts=counts,
    )


class Cases:
    """Each model with the first world that it accepts, fitted once."""

    fit = staticmethod(fit)
    make = staticmethod(make)
    reordered = staticmethod(reordered)
    without = staticmethod(without)
    worlds = WORLDS

    def __init__(self) -> None:
        self._worlds = {name: build() for name, build in WORLDS.items()}
        self._fitted: dict[str, Model] = {}

    def world_name(self, name: str) -> str:
        """The first world that the model does not refuse."""
        refusals = {key: make(name).refusal(w.training, w.asked) for key, w in self._worlds.items()}
        accepted = [key for key, reason in refusals.items() if reason is None]
        assert accepted, f"{name} refuses every world of the contract suite: {refusals}"
        return accepted[0]

    def world(self, name: str) -> World:
        return self._worlds[self.world_name(name)]

    def fitted(self, name: str) -> Model:
        if name not in self._fitted:
            self._fitted[name] = fit(name, self.world(name).training)
        return self._fitted[name]


@pytest.fixture(scope="session")
def cases() -> Cases:
    return Cases()
