"""Main effects of every perturbed gene in every setting, with their errors and documented fallbacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.mechanisms.main_effects import downweight_unmeasured, effect_maps
from pajamo.models.base import Array
from pajamo.models.parts.row_noise import Noise as Noise
from pajamo.models.parts.row_noise import OwnNoise, effect_spread, typical_cells
from pajamo.models.parts.setting_rows import SettingRows


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
    group: group of each measured gene; genes of a group share their maps, shape (genes,).
    noise: noise[s] has r_i of each group and row of setting s, shape (groups, rows).
    maps: maps[s] has, for each group and row of setting s, the row's weight in the level, in m, and in
        each effect, shape (groups, 2 + names, rows).
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
    group: NDArray[np.intp]
    noise: tuple[Array, ...]
    maps: tuple[Array, ...]
    members: tuple[Array, ...]
    variance: tuple[Array, ...]
    spread: Array

    @classmethod
    def fit(
        cls, training: TrainingSet, noise: Noise | OwnNoise, held: Collection[tuple[str, ...]] = frozenset()
    ) -> MainEffects:
        """Estimate all main effects; conditions whose set of genes is in `held` are left out."""
        names = tuple(sorted({gene for c in training.conditions for gene in c.genes}))
        rows = [SettingRows.of(training, setting).without(held) for setting in training.settings]
        genes, typical = noise.groups(training), typical_cells(training)
        noises = tuple(block.noise(noise, genes, typical) for block in rows)
        members = tuple(block.members(names) for block in rows)
        maps = tuple(stacked_maps(*pair) for pair in zip(members, noises, strict=True))
        found = np.stack([_apply(m, genes.group, block.mean) for m, block in zip(maps, rows, strict=True)])
        level, average, effects = found[:, 0], found[:, 1], found[:, 2:]
        seen = np.stack([block.any(axis=0) for block in members])
        alone = np.stack([_alone(block) for block in members])
        bare = ~seen.any(axis=1)
        average[bare] = average[~bare].mean(axis=0) if not bare.all() else 0.0
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
            genes.group,
            noises,
            maps,
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
                weights -= self.maps[setting][:, 0]
                found[row] += self.control_variance[setting]
            for group in range(len(weights)):
                own = self.group == group
                found[row, own] += weights[group] ** 2 @ self.variance[setting][:, own]
            found[row] += open_share[self.group] * self.spread
        return found

    def _weights(self, condition: Condition, setting: int) -> tuple[Array, Array]:
        """Weight of each row in a condition's mean, (groups, rows), and the shares of the spread that stay open."""
        maps, members = self.maps[setting], self.members[setting]
        weights, wanted, elsewhere = maps[:, 0].copy(), np.zeros(len(self.names)), 0
        for gene in condition.genes:
            at = self.index(gene)
            if at < len(self.names) and self.seen[setting, at]:
                weights += maps[:, 2 + at]
                wanted[at] = 1.0
            else:
                weights += maps[:, 1]
                elsewhere += 1
        # Only the incidence of what was seen here counts against the weights.
        return weights, ((wanted - weights @ members) ** 2).sum(axis=1) + elsewhere

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
        maps = tuple(stacked_maps(*pair) for pair in zip(split["members"], split["noise"], strict=True))
        names = tuple(cast("list[str]", facts["perturbed"]))
        return cls(settings=settings, names=names, maps=maps, **whole, **split)


_WHOLE = ("level", "control", "control_variance", "effects", "unseen", "seen", "alone", "group", "spread")
_BY_SETTING = ("noise", "members", "variance")


def stacked_maps(members: Array, noise: Array) -> Array:
    """Linear maps from the rows' means to level, mean effect and effects, (groups, 2 + names, rows)."""
    membership = downweight_unmeasured(members, _alone(members))
    maps = [effect_maps(membership, own) for own in noise]
    return np.stack([np.vstack([m.level, m.mean, m.effects]) for m in maps])


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


def _filled(effects: Array, seen: NDArray[np.bool_], average: Array) -> Array:
    """Put the mean over other settings where a setting has no row of a gene, and m where none has."""
    weight = seen[:, :, None].astype(float)
    count = weight.sum(axis=0)
    elsewhere = (effects * weight).sum(axis=0) / np.maximum(count, 1.0)
    borrowed = np.where(count > 0, elsewhere[None], average[:, None, :])
    return np.asarray(np.where(seen[:, :, None], effects, borrowed))


def _alone(members: Array) -> NDArray[np.bool_]:
    """Whether each gene was measured alone, shape (names,)."""
    return np.asarray(members[members.sum(axis=1) == 1].any(axis=0))


def _apply(maps: Array, group: NDArray[np.intp], means: Array) -> Array:
    """Level, mean effect and effects of every measured gene by its group's map, (2 + names, genes)."""
    found = np.zeros((maps.shape[1], means.shape[1]))
    for number, own in enumerate(maps):
        found[:, group == number] = own @ means[:, group == number]
    return found
