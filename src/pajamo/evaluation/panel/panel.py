"""The held-out conditions of a fold on counts: what was measured, and how a prediction is set beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError
from pajamo.evaluation.panel.emission import Emitter
from pajamo.evaluation.panel.group import Group, joined
from pajamo.evaluation.panel.measures import squared_effect
from pajamo.evaluation.panel.sample import Halves
from pajamo.evaluation.panel.side import Controls, Mask, Side


@dataclass(frozen=True)
class Panel:
    """Conditions that are scored on counts.

    Attributes
    ----------
    genes, conditions: labels of the arrays' axes.
    own: genes that the condition perturbs itself, (conditions, genes); they are left out.
    measured: the measured side. Its controls are those of the truth, for predictions as well.
    sizes: measured cells of each condition; as many are drawn of a prediction, so that both have one power.
    controls, emitters: by condition: the truth's controls, and the predictor's in the emitter.
    seed: of the draws, which are the same for every model.
    gate: the side that chooses the genes of the error of log fold changes; `measured` if None.
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    own: Mask
    measured: Side
    sizes: NDArray[np.intp]
    controls: tuple[Controls, ...] = ()
    emitters: tuple[Emitter, ...] = ()
    seed: int = 0
    gate: Side | None = None

    @classmethod
    def of(
        cls, halves: Halves, genes: pd.Index, *, shared_control: bool = False, seed: int = 0
    ) -> tuple[Panel, Replicate]:
        """Summarise the cells of a fold, as a whole and by halves.

        Parameters
        ----------
        halves: see `sample_counts`.
        shared_control: measure against all control cells, as the predictor does.

        Returns
        -------
        The panel, and the split-half replicate, of which each half has its own controls in any case.
        """
        conditions = tuple(condition for condition in sorted(halves) if not condition.is_control)
        settings = [condition.control for condition in conditions]
        both = {c: joined(pair) if shared_control else pair[1] for c, pair in halves.items() if c.is_control}
        seen = {c: joined(pair) if shared_control else pair[0] for c, pair in halves.items() if c.is_control}
        controls = {condition: Controls(cells) for condition, cells in both.items()}
        emitters = {condition: Emitter(cells) for condition, cells in seen.items()}
        whole = {condition: joined(halves[condition]) for condition in conditions}
        panel = cls(
            genes=genes,
            conditions=conditions,
            own=np.array([genes.isin(condition.genes) for condition in conditions]),
            measured=Side.of((whole[c], controls[c.control]) for c in conditions),
            sizes=np.array([len(whole[c]) for c in conditions], dtype=np.intp),
            controls=tuple(controls[setting] for setting in settings),
            emitters=tuple(emitters[setting] for setting in settings),
            seed=seed,
        )
        return panel, Replicate.of(panel, halves)

    def predicted(self, made: Prediction, cells: Mapping[Condition, NDArray[np.float32]]) -> Side:
        """The predicted side, from the cells of `emitted`."""
        return Side.of(zip(self.emitted(made, cells), self.controls, strict=True))

    def emitted(self, made: Prediction, cells: Mapping[Condition, NDArray[np.float32]]) -> Iterator[Group]:
        """Counted cells of each condition: cells that the model drew where it drew some, else around its mean.

        Parameters
        ----------
        made: for all conditions of the panel and exactly its genes, in its order.
        cells: drawn cells of some conditions, ln(1 + CP10K).
        """
        level = made.of(self.conditions).level
        for row, (condition, emitter) in enumerate(zip(self.conditions, self.emitters, strict=True)):
            rng = np.random.default_rng([self.seed, row])
            n, drawn = int(self.sizes[row]), cells.get(condition)
            yield emitter.of_mean(level[row], n, rng) if drawn is None else emitter.of_cells(drawn, n, rng)

    def position(self, conditions: Sequence[Condition]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Of the given conditions those on the panel: their places among the given, and on the panel."""
        place = {condition: i for i, condition in enumerate(self.conditions)}
        given = [i for i, condition in enumerate(conditions) if condition in place]
        return np.array(given, dtype=np.intp), np.array([place[conditions[i]] for i in given], dtype=np.intp)

    @cached_property
    def effect(self) -> Array:
        """Squared measured change without what noise adds, shape (conditions,); may be negative."""
        return squared_effect(self.measured, self.own)

    @property
    def underpowered(self) -> bool:
        """Whether the measured changes do not stand out of their own noise, over all conditions together."""
        return not self.effect.sum() > 0

    def require_power(self) -> None:
        """Refuse a panel whose error cannot be expressed as a share of its effect.

        Raises
        ------
        DataError: the unbiased squared effects add up to zero or less.
        """
        if self.underpowered:
            raise DataError(
                f"the {len(self.conditions)} held-out conditions change no more than noise does",
                why=f"their squared changes without noise add up to {self.effect.sum():.3g}, "
                "and an error cannot be given as a share of an effect that is not there",
                fix="hold out conditions with more cells or stronger effects, or judge on another metric",
            )


@dataclass(frozen=True)
class Replicate:
    """One half of the cells beside the other, each against its own half of the controls.

    Attributes
    ----------
    panel: the second half as measured.
    side: the first half as predicted.
    """

    panel: Panel
    side: Side

    @classmethod
    def of(cls, panel: Panel, halves: Halves) -> Replicate:
        """Summarise both halves; genes for log fold changes are chosen by all cells."""
        controls = [
            {c: Controls(pair[side]) for c, pair in halves.items() if c.is_control} for side in (0, 1)
        ]
        first, second = (
            Side.of((halves[c][side], controls[side][c.control]) for c in panel.conditions) for side in (0, 1)
        )
        half = replace(panel, measured=second, controls=(), emitters=(), gate=panel.measured)
        return cls(half, first)
