"""Training doubles as entries (double, gene), with features that no double has informed itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.pair import EntryFeatures, Profiles, encode_pairs
from pajamo.encoders.programmes import wiener_filter
from pajamo.models.base import Array
from pajamo.models.pair_correction.balance import balanced_weights, strongest_entries
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.main_effects import MainEffects
from pajamo.models.parts.row_noise import Noise, typical_cells
from pajamo.models.parts.scatter import proportional_excess

MOST_GENES = 2000
"""Genes, beside the strong ones, on which the correction is learned; more would only cost time."""
VARIANCE_FLOOR = 0.02
"""No gene's variance between cells is trusted below this share of the mean over genes."""


@dataclass(frozen=True)
class CellScale:
    """Standard deviation between cells, and standard error of a typical single's mean; (genes,)."""

    scale: Array
    error: Array

    @classmethod
    def of(cls, training: TrainingSet) -> CellScale:
        """Pooled over conditions; a gene that was hardly seen takes part of the average."""
        variance = training.pooled_variance
        # Means given without a spread (a table) still need a scale: a small share of their changes.
        least = 1e-6 * float((training.delta**2).mean()) + 1e-12
        floored = variance + VARIANCE_FLOOR * variance.mean() + least
        return cls(np.sqrt(floored), np.sqrt(floored / typical_cells(training)))


def profiles_of(
    training: TrainingSet,
    effects: MainEffects,
    cells: CellScale,
    held: Collection[tuple[str, ...]] = frozenset(),
) -> tuple[Profiles, ...]:
    """Profiles of the single perturbations in every setting, as seen without the held-out conditions."""
    # Dividing by the square root of the scale lets strong genes keep part of their weight.
    half_scale = np.sqrt(cells.scale)
    number = 1.0 / float((cells.error**2 / half_scale**2).mean())
    doubles = _double_rows(training)
    found = []
    for s, setting in enumerate(training.settings):
        own = [
            row for row in doubles
            if training.conditions[row].setting == setting and training.conditions[row].genes not in held
        ]  # fmt: skip
        table = effects.effects[s]
        filtered = wiener_filter(table, training.moments.mean[own], half_scale, number)
        control = training.controls.mean[s]
        found.append(Profiles(table, filtered, effects.level[s], control, cells.scale, cells.error))
    return tuple(found)


def pair_rows(effects: MainEffects, conditions: Sequence[Condition]) -> NDArray[np.intp]:
    """Rows of the two perturbed genes of each double, shape (doubles, 2)."""
    return np.array([[effects.index(g) for g in c.genes] for c in conditions], dtype=np.intp).reshape(-1, 2)


def encode(
    profiles: Sequence[Profiles],
    effects: MainEffects,
    conditions: Sequence[Condition],
    strengths: tuple[float, float],
    genes: NDArray[np.intp] | slice = slice(None),
) -> EntryFeatures:
    """Features of doubles in any settings, in the order given."""
    rows, pairs = effects.rows(conditions), pair_rows(effects, conditions)
    parts = [(np.flatnonzero(rows == s), s) for s in np.unique(rows)]
    encoded = [encode_pairs(profiles[s], pairs[at], strengths, genes) for at, s in parts]
    back = np.argsort(np.concatenate([at for at, _ in parts]))
    return EntryFeatures(
        *(
            np.concatenate([getattr(block, name) for block in encoded])[back]
            for name in ("linear", "context", "basis")
        )
    )


def strength_range(
    profiles: Sequence[Profiles], effects: MainEffects, conditions: Sequence[Condition]
) -> tuple[float, float]:
    """Smallest and largest log strength of the stronger single among doubles."""
    rows, pairs = effects.rows(conditions), pair_rows(effects, conditions)
    strengths = [profile.strength() for profile in profiles]
    stronger = [float(strengths[s][pair].max()) for s, pair in zip(rows, pairs, strict=True)]
    return min(stronger), max(stronger)


@dataclass(frozen=True)
class TrainingEntries:
    """Training doubles with features from fits that left their fold out.

    Attributes
    ----------
    conditions: training doubles, sorted.
    fold: fold of each, shape (doubles,).
    genes: measured genes that are used, shape (used,).
    features: shape (doubles, used, ...).
    level: c0 of the fit without the double, shape (doubles, used).
    target: measured mean less that level, shape (doubles, used).
    noise: variance of the target's error around the sum of effects, from cells and shrinkage, same shape.
    strong: the genes that change most, same shape.
    weight: balanced weights, same shape.
    random_genes: positions within `genes` that were not chosen for their change.
    """

    conditions: tuple[Condition, ...]
    fold: NDArray[np.intp]
    genes: NDArray[np.intp]
    features: EntryFeatures
    level: Array
    target: Array
    noise: Array
    strong: NDArray[np.bool_]
    weight: Array
    random_genes: NDArray[np.intp]

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    @property
    def additive(self) -> Array:
        """Sum of the two effects, shape (doubles, used)."""
        return self.features.linear[..., 0]

    @classmethod
    def of(
        cls,
        training: TrainingSet,
        noise: Noise,
        cells: CellScale,
        strengths: tuple[float, float],
        folds: int,
        seed: int,
    ) -> TrainingEntries:
        """Encode every training double by a fit that left out its fold."""
        rows = _double_rows(training)
        conditions = tuple(training.conditions[row] for row in rows)
        strong = strongest_entries(training, rows)
        genes, random_genes = _chosen_genes(training, strong, seed)
        fold = fold_of(conditions, folds, seed)
        parts = [
            _Fold.of(training, noise, cells, strengths, genes, np.flatnonzero(fold == k), conditions)
            for k in range(int(fold.max()) + 1)
        ]
        back = np.argsort(np.concatenate([part.at for part in parts]))
        features = EntryFeatures(
            *(
                np.concatenate([getattr(part.features, name) for part in parts])[back]
                for name in ("linear", "context", "basis")
            )
        )
        level = np.concatenate([part.level for part in parts])[back]
        target = training.moments.mean[rows][:, genes] - level
        error = training.variance_of_mean[rows][:, genes]
        error += np.concatenate([part.variance for part in parts])[back]
        strong = strong[:, genes]
        weight = balanced_weights((target - features.linear[..., 0]) ** 2, strong)
        return cls(conditions, fold, genes, features, level, target, error, strong, weight, random_genes)


@dataclass(frozen=True)
class _Fold:
    at: NDArray[np.intp]
    features: EntryFeatures
    level: Array
    variance: Array

    @classmethod
    def of(
        cls,
        training: TrainingSet,
        noise: Noise,
        cells: CellScale,
        strengths: tuple[float, float],
        genes: NDArray[np.intp],
        at: NDArray[np.intp],
        conditions: Sequence[Condition],
    ) -> _Fold:
        held = [conditions[i] for i in at]
        names = {condition.genes for condition in held}
        effects = MainEffects.fit(training, noise, names)
        profiles = profiles_of(training, effects, cells, names)
        features = encode(profiles, effects, held, strengths, genes)
        level = effects.level[effects.rows(held)][:, genes]
        return cls(at, features, level, effects.variances(held, of_change=False)[:, genes])


def _double_rows(training: TrainingSet) -> list[int]:
    """Rows of the training doubles, sorted by condition."""
    return sorted(training.of_order(2).tolist(), key=training.conditions.__getitem__)


def doubles_of(training: TrainingSet) -> tuple[Condition, ...]:
    """Training doubles, sorted."""
    return tuple(training.conditions[row] for row in _double_rows(training))


def _chosen_genes(
    training: TrainingSet, strong: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Genes to learn on: all if few, else the strong ones and others at random, drawn by name."""
    total = training.n_genes
    by_name = np.argsort(training.genes.astype(str).to_numpy(), kind="stable")
    if total <= MOST_GENES:
        return by_name, np.arange(total)
    drawn = by_name[np.random.default_rng([seed, 2]).permutation(total)[:MOST_GENES]]
    used = np.zeros(total, dtype=bool)
    used[drawn] = True
    used |= strong.any(axis=0)
    genes = by_name[used[by_name]]
    return genes, np.flatnonzero(np.isin(genes, drawn))


def entry_scatter(entries: TrainingEntries, correction: Array, n_genes: int) -> tuple[float, Array]:
    """Variance of training doubles around a prediction out of fold, beyond noise, as `proportional_excess`.

    Genes that were not learned on take the mean over genes that were drawn at random; shape (genes,).
    """
    residual = entries.target - entries.additive - correction
    share, own = proportional_excess(residual, entries.noise, entries.additive)
    scatter = np.full(n_genes, own[entries.random_genes].mean())
    scatter[entries.genes] = own
    return share, scatter
