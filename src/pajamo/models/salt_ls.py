"""Salt-LS: main effects estimated from singles and combinations together, then added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.composition import pairs
from pajamo.models.base import Array, Card, Model
from pajamo.models.parts.drawn_cells import ParentCells, Shape
from pajamo.models.parts.effect_prior import EffectPrior
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.main_effects import MainEffects
from pajamo.models.parts.main_effects_table import main_effect_table
from pajamo.models.parts.row_noise import Noise, OwnNoise, noise_of
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.shrinkage import chosen_noise
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT, scatter_table
from pajamo.models.registry import register
from pajamo.units import LOG_NORMALISED


class SaltLsSettings(Config):
    """Settings of Salt-LS."""

    shrinkage: Literal["cross-validation", "fixed"] = "cross-validation"
    """`cross-validation` shrinks each measured gene by its own ratio of noise to signal, times a factor that
    held-out training combinations choose; `fixed` shrinks all genes alike, by the two numbers below. On
    held-out doubles of Norman 2019 (`benchmarks/doubles.py`) `fixed` is as good on the 20 strongest genes and
    worse over all."""
    noise: float = Field(default=0.1, gt=0)
    """If fixed: variance of a typical single's mean, in units of the variance of main effects."""
    combination_noise: float = Field(default=3.0, ge=1)
    """If fixed: how many times noisier a combination is taken to be than a single; interactions are noise."""
    folds: int = Field(default=5, ge=2)
    """Folds of training combinations, to choose the shrinkage and to measure the scatter."""

    @model_validator(mode="after")
    def _used(self) -> Self:
        fields = type(self).model_fields
        changed = [n for n in ("noise", "combination_noise") if getattr(self, n) != fields[n].default]
        if changed and self.shrinkage != "fixed":
            raise ValueError(f"{' and '.join(changed)} would not be used: add shrinkage = 'fixed'")
        return self


class SumOfEffects(Model):
    """Base of models that rest on jointly estimated main effects; a prediction may draw cells."""

    takes_embedding = True
    effects: MainEffects
    prior: EffectPrior
    parents: ParentCells
    shape: Shape
    scatter: Array
    share_squared: float

    def estimate_effects(self, training: TrainingSet, noise: Noise | OwnNoise) -> None:
        """Main effects, the prior for genes that were never perturbed, and the cells of parents."""
        self.effects = MainEffects.fit(training, noise)
        self.prior = EffectPrior.fit(training, self.effects)
        self.parents, self.shape = ParentCells.of(training), Shape()

    def sums(self, conditions: Sequence[Condition]) -> Array:
        """Level plus the sum of effects, shape (conditions, genes)."""
        return self.effects.means(conditions) + self.prior.shifts(conditions, self.effects)

    def control(self, conditions: Sequence[Condition]) -> Array:
        """The control as estimated from all conditions, not from its own few cells alone."""
        assert self.reference is not None
        estimate = self.effects.control[self.reference.rows(conditions)]
        return np.maximum(estimate, 0.0) if self.reference.unit == LOG_NORMALISED else estimate

    def change(self, conditions: Sequence[Condition], level: Array) -> Array:
        """Predicted level less the control; a mean of ln(1 + CP10K) is never below zero."""
        assert self.reference is not None
        bounded = np.maximum(level, 0.0) if self.reference.unit == LOG_NORMALISED else level
        return np.asarray(bounded - self.control(conditions))

    def variance_of_sums(self, conditions: Sequence[Condition]) -> Array:
        """Variance of the error of the sums, and the scatter of each pair's interaction."""
        n_pairs = np.array([len(pairs(condition)) for condition in conditions], dtype=float)[:, None]
        known = self.effects.variances(conditions) + self.prior.variance_change(conditions, self.effects)
        size = self.sums(conditions) - self.effects.level[self.effects.rows(conditions)]
        return np.asarray(known + n_pairs * (self.scatter + self.share_squared * size**2))

    def draw(self, condition: Condition, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n cells in ln(1 + CP10K): cells of the parents, rescaled to the predicted mean.

        Of a single that was measured, its own cells so rescaled; where no parent has cells, the control's.

        Raises
        ------
        ModelError: the model is not fitted, or no cells were kept.
        """
        mean = self.predict([condition]).level[0]
        shape = self.shape if condition.order > 1 else Shape()
        return self.parents.draw(condition, mean, self.log_norms(condition), shape, n, rng)

    def log_norms(self, condition: Condition) -> dict[str, float]:
        """Logarithm of the norm of each of a condition's main effects."""
        table = self.effects.table(int(self.effects.rows([condition])[0]))
        rows = {gene: table[self.effects.index(gene)] for gene in condition.genes}
        return {gene: float(np.log(np.linalg.norm(row) + 1e-9)) for gene, row in rows.items()}

    def weights(self) -> pd.DataFrame:
        """Main effects with their errors, and the standard deviation of interactions."""
        assert self.reference is not None
        tables = [
            main_effect_table(self.effects, self.reference),
            scatter_table(self.scatter, self.reference),
        ]
        return pd.concat(tables, ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Effects, prior, scatter and cells."""
        own = {"scatter": self.scatter}
        return self.effects.state() | self.prior.state() | self.parents.state() | own

    def facts(self) -> dict[str, object]:
        """Names, and the shape of distributions."""
        return {
            **self.effects.facts(),
            "prior": self.prior.facts(),
            "cells": self.parents.facts(),
            "shape": [self.shape.balance, self.shape.spread],
            "interaction_share_squared": self.share_squared,
        }

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        self.effects = MainEffects.restored(state, facts)
        self.prior = EffectPrior.restored(state, facts["prior"])
        self.parents = ParentCells.restored(state, facts["cells"])
        shape = facts["shape"]
        assert isinstance(shape, list)
        self.shape, self.scatter = Shape(*shape), np.asarray(state["scatter"], dtype=float)
        self.share_squared = float(str(facts["interaction_share_squared"]))


@register
class SaltLs(SumOfEffects):
    """delta(A) = c0 + sum of effects - control, effects by generalised least squares with shrinkage.

    See `pajamo.mechanisms.main_effects` for the estimate. A double of training says something of both
    of its parents, so a single that was never measured is found from its combinations, and noise of
    the control is shared out. A gene that was never perturbed takes the mean effect of all others (or
    what a prior says, where it has proved itself), with their spread as its uncertainty.
    """

    card = Card(
        name="salt-ls",
        title="Salt by least squares",
        reference="additive law of Gaudelet et al. 2024, arXiv 2404.16907; best linear unbiased prediction, "
        "Henderson 1975, Biometrics 31:423",
        needs="controls; singles, combinations, or both",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, shrunken, ln(1 + CP10K)",
            INTERACTION_SD: "how far training combinations lie from the sum, per gene, ln(1 + CP10K)",
        },
        limits="no interactions; a gene perturbed in no training condition gets the mean effect of the "
        "others, one perturbed in another setting only gets its effect there",
        baseline=True,
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )
    Settings = SaltLsSettings

    noise: Noise | OwnNoise

    def estimate(self, training: TrainingSet) -> None:
        """Choose the shrinkage, estimate the effects, and measure the scatter out of fold."""
        assert isinstance(self.settings, SaltLsSettings)
        settings = self.settings
        self.noise = (
            Noise(settings.noise, settings.combination_noise)
            if settings.shrinkage == "fixed"
            else chosen_noise(training, settings.folds, self.seed)
        )
        self.estimate_effects(training, self.noise)
        self.share_squared, self.scatter = proportional_excess(
            *out_of_fold(training, self.noise, settings.folds, self.seed)
        )

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The sums, and their errors from cells, shrinkage and interactions."""
        return self.change(conditions, self.sums(conditions)), np.sqrt(self.variance_of_sums(conditions))

    def facts(self) -> dict[str, object]:
        """Names, and the shrinkage that was used."""
        return {**super().facts(), "noise": self.noise.facts()}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        self.noise = noise_of(facts["noise"])


def out_of_fold(
    training: TrainingSet, noise: Noise | OwnNoise, folds: int, seed: int
) -> tuple[Array, Array, Array]:
    """Measured minus predicted mean of each training combination by a fit that did not see it.

    Returns the residuals, the variance that cells and shrinkage give them, and the predicted sums of
    effects, each of shape (combinations, genes).
    """
    rows = [row for row, c in enumerate(training.conditions) if c.order > 1]
    rows.sort(key=training.conditions.__getitem__)
    conditions = [training.conditions[row] for row in rows]
    fold = fold_of(conditions, folds, seed)
    residual = np.zeros((len(rows), training.n_genes))
    variance, size = training.variance_of_mean[rows], np.zeros_like(residual)
    for k in np.unique(fold):
        held = [conditions[i] for i in np.flatnonzero(fold == k)]
        effects = MainEffects.fit(training, noise, {c.genes for c in held})
        means = effects.means(held)
        residual[fold == k] = training.moments.mean[rows][fold == k] - means
        size[fold == k] = means - effects.level[effects.rows(held)]
        variance[fold == k] += effects.variances(held, of_change=False)
    return residual, variance, size
