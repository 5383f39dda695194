"""Main effects of every perturbed gene in every setting, with their errors and documented fallbacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.mechanisms.main_effects import EffectMaps, downweight_unmeasured, effect_maps, row_noise
from pajamo.models.base import Array
from pajamo.models.parts.scatter import excess_by_noise


@dataclass(frozen=True)
class Noise:
    """How noisy the rows are taken to be.

    Attributes
    ----------
    ratio: variance of a typical single's mean, in units of the variance of main effects.
    combinations: how many times noisier a combination is than a single, interactions included.
    """

    ratio: float
    combinations: float


@dataclass(frozen=True)
class SettingRows:
    """What was measured in one setting, the control first.

    Attributes
    ----------
    conditions: sorted, so that their order in training cannot matter.
    mean, variance: means and their squared standard errors, shape (rows, genes).
    cells: shape (rows,).
    """

    conditions: tuple[Condition, ...]
    mean: Array
    variance: Array
    cells: Array

    @classmethod
    def of(cls, training: TrainingSet, setting: Setting) -> SettingRows:
        """The rows of a training set in one setting."""
        control = training.settings.index(setting)
        found = [row for row, c in enumerate(training.conditions) if c.setting == setting]
        rows = sorted(found, key=training.conditions.__getitem__)
        unperturbed = Condition((), *setting)
        return cls(
            (unperturbed, *(training.conditions[row] for row in rows)),
            np.vstack([training.controls.mean[control], training.moments.mean[rows]]),
            np.vstack([training.control_variance_of_mean([unperturbed]), training.variance_of_mean[rows]]),
            np.concatenate([training.controls.n_cells[[control]], training.moments.n_cells[rows]]).astype(
                float
            ),
        )

    def without(self, held: Collection[tuple[str, ...]]) -> SettingRows:
        """The rows whose set of genes is not held out."""
        kept = [row for row, c in enumerate(self.conditions) if c.genes not in held]
        conditions = tuple(self.conditions[row] for row in kept)
        return SettingRows(conditions, self.mean[kept], self.variance[kept], self.cells[kept])

    def maps(self, names: Sequence[str], noise: Noise, typical: float) -> EffectMaps:
        """Linear maps from the rows' means to level and effects."""
        orders = np.array([c.order for c in self.conditions])
        membership = incidence(self.conditions, names)
        alone = membership[orders == 1].any(axis=0)
        rows = row_noise(self.cells, orders > 1, typical, noise.ratio, noise.combinations)
        return effect_maps(downweight_unmeasured(membership, alone), rows)


@dataclass(frozen=True)
class MainEffects:
    """Main effects in every setting.

    A gene without a training row in a setting takes the mean of its effects in the other settings; a
    gene without any training row takes `unseen`, by default the setting's mean effect m.

    Attributes
    ----------
    settings: context and time, the order of the first axis of all arrays.
    names: perturbed genes of the training conditions, sorted.
    level: c0, shape (settings, genes).
    control: the control as estimated (see `estimated_control`), shape (settings, genes).
    control_variance: variance of that estimate that comes on top of c0's, shape (settings, genes).
    effects: shape (settings, names, genes), fallbacks filled in.
    unseen: effect of a gene that was never perturbed, shape (settings, genes).
    seen: whether a training row of the setting holds the gene, shape (settings, names).
    alone: whether the gene was measured alone in the setting, shape (settings, names).
    maps: maps[s] has, for each row of setting s, its weight in the level, in m, and in each effect;
        shape (2 + names, rows).
    members: incidence of the same rows, shape (rows, names).
    variance: squared standard errors of the same rows' means, shape (rows, genes).
    spread: variance of effects over perturbed genes, beyond noise, shape (genes,).
    """

    settings: tuple[Setting, ...]
    names: tuple[str, ...]
    level: Array
    control: Array
    control_variance: Array
    effects: Array
    unseen: Array
    seen: NDArray[np.bool_]
    alone: NDArray[np.bool_]
    maps: tuple[Array, ...]
    members: tuple[Array, ...]
    variance: tuple[Array, ...]
    spread: Array

    @classmethod
    def fit(
        cls, training: TrainingSet, noise: Noise, held: Collection[tuple[str, ...]] = frozenset()
    ) -> MainEffects:
        """Estimate all main effects; conditions whose set of genes is in `held` are left out."""
        names = tuple(sorted({gene for c in training.conditions for gene in c.genes}))
        rows = [SettingRows.of(training, setting).without(held) for setting in training.settings]
        typical = typical_cells(training)
        maps = [block.maps(names, noise, typical) for block in rows]
        members = tuple(incidence(block.conditions, names) for block in rows)
        effects = np.stack([m.effects @ block.mean for m, block in zip(maps, rows, strict=True)])
        seen = np.stack([block.any(axis=0) for block in members])
        alone = np.stack([block[block.sum(axis=1) == 1].any(axis=0) for block in members])
        average = np.stack([m.mean @ block.mean for m, block in zip(maps, rows, strict=True)])
        bare = ~seen.any(axis=1)
        average[bare] = average[~bare].mean(axis=0) if not bare.all() else 0.0
        level = np.stack([m.level @ block.mean for m, block in zip(maps, rows, strict=True)])
        controls = [
            estimated_control(block.mean[0], block.variance[0], own)
            for block, own in zip(rows, level, strict=True)
        ]
        return cls(
            training.settings,
            names,
            level,
            np.stack([estimate for estimate, _ in controls]),
            np.stack([variance for _, variance in controls]),
            _filled(effects, seen, average),
            average,
            seen,
            alone,
            tuple(np.vstack([m.level, m.mean, m.effects]) for m in maps),
            members,
            tuple(block.variance for block in rows),
            effect_spread(training),
        )

    def table(self, setting: int) -> Array:
        """Effects with the unseen one as last row, shape (names + 1, genes)."""
        return np.vstack([self.effects[setting], self.unseen[setting]])

    def index(self, gene: str) -> int:
        """Row of a gene in `table`; the last for one that was never perturbed."""
        return self._position.get(gene, len(self.names))

    def rows(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Setting of each condition."""
        return np.array([self.settings.index(c.setting) for c in conditions], dtype=np.intp)

    def means(self, conditions: Sequence[Condition]) -> Array:
        """c0 + sum of effects, shape (conditions, genes)."""
        found = np.zeros((len(conditions), self.level.shape[1]))
        for row, (condition, setting) in enumerate(zip(conditions, self.rows(conditions), strict=True)):
            found[row] = self.level[setting]
            for gene in condition.genes:
                at = self.index(gene)
                known = at < len(self.names)
                found[row] += self.effects[setting, at] if known else self.unseen[setting]
        return found

    def variances(self, conditions: Sequence[Condition], *, of_change: bool = True) -> Array:
        """Variance of the error of `means` (less the control, with `of_change`), (conditions, genes).

        With weights K of the rows and their incidence X, a condition with incidence x has an error of
        sum_i K_i^2 var_i from the cells (delta method), and of tau^2 |x - X^T K|^2 from shrinkage and
        from what no row tells (tau^2, the spread of effects).
        """
        found = np.zeros((len(conditions), self.level.shape[1]))
        for row, (condition, setting) in enumerate(zip(conditions, self.rows(conditions), strict=True)):
            weights, open_share = self._weights(condition, int(setting))
            if of_change:
                weights -= self.maps[setting][0]
            found[row] = weights**2 @ self.variance[setting] + open_share * self.spread
            if of_change:
                found[row] += self.control_variance[setting]
        return found

    def _weights(self, condition: Condition, setting: int) -> tuple[Array, float]:
        """Weight of each row in a condition's mean, and the share of the spread that stays open."""
        maps, members = self.maps[setting], self.members[setting]
        weights, wanted, elsewhere = maps[0].copy(), np.zeros(len(self.names)), 0
        for gene in condition.genes:
            at = self.index(gene)
            if at < len(self.names) and self.seen[setting, at]:
                weights += maps[2 + at]
                wanted[at] = 1.0
            else:
                weights += maps[1]
                elsewhere += 1
        # Only the incidence of what was seen here counts against the weights.
        open_share = float(((wanted - members.T @ weights) ** 2).sum()) + elsewhere
        return weights, open_share

    @property
    def _position(self) -> Mapping[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        whole = {name: getattr(self, name) for name in _WHOLE}
        split = {f"{name}.{s}": block for name in _BY_SETTING for s, block in enumerate(getattr(self, name))}
        return {f"effects.{name}": array for name, array in (whole | split).items()}

    def facts(self) -> dict[str, object]:
        """Names to save."""
        return {"perturbed": list(self.names), "settings": [list(setting) for setting in self.settings]}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, object]) -> MainEffects:
        """Read what `state` and `facts` gave."""
        listed = cast("list[list[object]]", facts["settings"])
        settings = tuple((str(context), float(str(time))) for context, time in listed)
        whole = {name: state[f"effects.{name}"] for name in _WHOLE}
        split = {
            name: tuple(state[f"effects.{name}.{s}"] for s in range(len(settings))) for name in _BY_SETTING
        }
        return cls(settings=settings, names=tuple(cast("list[str]", facts["perturbed"])), **whole, **split)


_WHOLE = ("level", "control", "control_variance", "effects", "unseen", "seen", "alone", "spread")
_BY_SETTING = ("maps", "members", "variance")


def estimated_control(measured: Array, variance: Array, level: Array) -> tuple[Array, Array]:
    """Combine the measured control with c0, which all conditions inform.

    c0 has little noise, but a bias where combinations fall short of the sum; the measured control has
    no bias, but the noise of its cells. Positive-part James-Stein (1961) over genes decides:
    c0 + w (measured - c0), w = max(0, 1 - sum variance / sum (measured - c0)^2).

    Returns the estimate and w times the measured control's variance, its variance given c0; (genes,).
    """
    gap = measured - level
    apart = float((gap**2).sum())
    share = max(0.0, 1.0 - float(variance.sum()) / apart) if apart > 0 else 0.0
    return level + share * gap, share * variance


def typical_cells(training: TrainingSet) -> float:
    """Median number of cells of the singles, or of all conditions where there are no singles."""
    singles = training.of_order(1)
    cells = training.moments.n_cells[singles] if len(singles) else training.moments.n_cells
    return float(np.median(cells))


def effect_spread(training: TrainingSet) -> Array:
    """tau^2: variance of the singles' effects around their mean beyond sampling, per gene; (genes,)."""
    singles = training.of_order(1)
    rows = singles if len(singles) > 1 else np.arange(len(training.conditions))
    rows = np.array(sorted(rows, key=training.conditions.__getitem__), dtype=np.intp)
    delta = training.delta[rows]
    centred = (delta - delta.mean(axis=0)) * np.sqrt(len(rows) / max(len(rows) - 1, 1))
    return excess_by_noise(centred, training.variance_of_mean[rows])


def _filled(effects: Array, seen: NDArray[np.bool_], average: Array) -> Array:
    """Put the mean over other settings where a setting has no row of a gene, and m where none has."""
    weight = seen[:, :, None].astype(float)
    count = weight.sum(axis=0)
    elsewhere = (effects * weight).sum(axis=0) / np.maximum(count, 1.0)
    borrowed = np.where(count > 0, elsewhere[None], average[:, None, :])
    return np.asarray(np.where(seen[:, :, None], effects, borrowed))
