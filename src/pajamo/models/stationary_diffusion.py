"""A linear diffusion of cell state that rests in one law for each perturbation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array, Card, Learned
from pajamo.models.parts.cell_axes import CellAxes, gene_scale
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.own_levels import OwnLevels
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.parts.singles import MAIN_EFFECT
from pajamo.models.parts.stationary_law import MeanDesign, MeasuredMeans, StationaryLaw, law_table
from pajamo.models.parts.training_rows import order_of, with_rows
from pajamo.models.registry import register
from pajamo.units import LOG_NORMALISED

EQUILIBRIUM = (10.0, 100.0, 1000.0)
"""Strengths of the pull towards an isotropic equilibrium that are tried, in units of the log-likelihood."""
FOLDS = 5
"""One perturbed gene in so many is set aside to choose among them."""
MOST_RESIDUALS = 200
"""Control cells whose variation outside the axes is kept to draw cells."""
OWN = ("scatters", "apart", "outside", "scale", "scatter", "residuals")
DRIFT, DIFFUSION, RELAXATION = "drift", "diffusion", "relaxation rate"


class StationaryDiffusionSettings(Config):
    """Settings of the stationary diffusion."""

    axes: int = Field(default=30, ge=1)
    """Axes of cell state; fewer where the data have fewer."""
    combination_noise: float = Field(default=3.0, ge=1)
    """How many times noisier a combination is taken to be than a single: interactions count as noise."""
    steps: int = Field(default=400, ge=1)
    """Steps of the training loop."""


@register
class StationaryDiffusion(Learned):
    """dZ = (W Z + sum over a in A of u_a) dt + D^(1/2) dB, measured after it has come to rest.

    Z are axes of cell state. u_a points to where the target's own gene lies among the axes, as far as its own level
    was measured to change, plus a shift common to all perturbations and a random one. Fitted by the exact likelihood
    of the means under the stationary law, the cells' covariance less the instrument's noise being the law's (see
    `pajamo.models.parts.stationary_law`). Genes answer to random shifts of their own in what no axis holds of
    them; targets' own levels are as measured. Cells have the control's law, moved.
    """

    card = Card(
        name="stationary-diffusion",
        title="Stationary diffusion of cell state",
        reference="linear case of Lorch et al. 2024, AISTATS (stationary diffusions), with measurement noise as in "
        "Rohbeck et al. 2024 (Bicycle), CLeaR; fitted by likelihood instead of kernel deviation",
        needs="several measured genes; cells for their covariance and to draw cells, else state and noise are "
        "taken to share the variance evenly",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, along the axes, ln(1 + CP10K)",
            DRIFT: "W, pull of one axis on another, per unit of time (means at rest do not tell which unit)",
            DIFFUSION: "D, variance gained per unit of time along an axis, of which cells have 1",
            RELAXATION: "rate at which a mode of the drift comes back to rest, per unit of time",
        },
        limits="one linear law: combinations add, and no perturbation changes how cells vary; genes answer "
        "each on its own outside the axes",
        assumes=frozenset(
            {
                "stationary-baseline", "unique-attractor", "at-rest", "instantaneous-edit", "complete-editing",
                "no-medium-response", "order-free", "additive", "linear", "same-cells",
            }
        ),
    )  # fmt: skip
    Settings = StationaryDiffusionSettings

    names: tuple[str, ...]
    axes: CellAxes
    levels: OwnLevels
    law: StationaryLaw
    design: MeanDesign
    scatters: Array
    apart: Array
    outside: Array
    scale: Array
    scatter: Array
    residuals: NDArray[np.float32]
    laws: torch.nn.ModuleList
    whole: MeasuredMeans
    part: MeasuredMeans
    aside: MeasuredMeans
    training: TrainingSet | None = None

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse a single measured gene: it has no state that could diffuse."""
        del conditions
        return None if training.n_genes > 1 else "one measured gene is no cell state"

    def estimate(self, training: TrainingSet) -> None:
        """Axes, own levels, and the design of the means; the law starts at equilibrium."""
        training = with_rows(training, order_of(training))
        self.names = tuple(sorted({gene for c in training.conditions for gene in c.genes}))
        self.axes = CellAxes.of(training, self._settings.axes)
        self.levels = OwnLevels.of(training)
        self.residuals = self.axes.residuals_of_controls(training, MOST_RESIDUALS)
        self.training, self.whole = training, self._means(training)
        self.design, self.law = self.whole.design, self.whole.initial_law(self.axes.covariance)
        held = {name for name, fold in zip(self.names, self._folds(), strict=True) if fold == 0}
        kept = [row for row, c in enumerate(training.conditions) if not held & set(c.genes)]
        self.part = self._means(with_rows(training, kept or order_of(training)))
        aside = [row for row, c in enumerate(training.conditions) if c.order == 1 and c.genes[0] in held]
        self.aside = self._means(with_rows(training, aside)) if kept and aside else self.whole
        starts = [means.initial_law(self.axes.covariance) for means in (self.whole, self.part)]
        self.laws = torch.nn.ModuleList(deepcopy(start) for start in starts for _ in EQUILIBRIUM)

    def module(self) -> torch.nn.Module:
        """For each strength of the pull to equilibrium a law of all means, and one that does not see those aside."""
        return self.laws

    @property
    def n_steps(self) -> int:
        """As set."""
        return self._settings.steps

    def loss(self, step: int) -> torch.Tensor:
        """Negative log-likelihood of the means, and the pull to equilibrium; the laws share nothing."""
        del step
        total = torch.zeros((), dtype=torch.float64)
        for strength, seen, law in self._members():
            total = total + seen.negative_log_likelihood(law) + strength * law.departure()
        return total

    def finish(self) -> None:
        """Choose the law; expected random shifts along and outside the axes; how far combinations miss."""
        training = self.training
        assert training is not None
        with torch.no_grad():
            errors = [
                float((self.aside.residual(law) ** 2).sum())
                for _, seen, law in self._members()
                if seen is self.part
            ]
            self.law = self._members()[int(np.argmin(errors))][2]
            left = self.whole.residual(self.law).numpy()
        self.scatters = self.design.posterior(left, self._spread())
        noise = training.variance_of_mean + training.control_variance_of_mean(training.conditions)
        apart, orders = self.axes.outside(training.delta), self.whole.orders.numpy()
        self.scale = gene_scale(training)
        self.outside = excess_variance(apart / np.sqrt(orders), noise / orders)
        alone = np.sqrt(self.outside) / self.scale
        self.apart = self.design.posterior(apart / self.scale, alone) * self.scale
        combined = [row for row, c in enumerate(training.conditions) if c.order > 1]
        missed = self.design.left_out(left, self._spread()) @ self.axes.decode
        missed = missed + self.design.left_out(apart / self.scale, alone) * self.scale
        self.scatter = excess_variance(missed[combined], noise[combined])
        self.training = None

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Mean of the law of rest less the control's; errors of shifts, axes, combinations and controls."""
        assert self.reference is not None
        rows = self.reference.rows(conditions)
        level = self.reference.control[rows]
        delta = self.along_axes(conditions, level) @ self.axes.decode
        delta += incidence(conditions, self.names) @ self.apart
        self.levels.write(delta, conditions, list(self.reference.genes.astype(str)), level)
        if self.reference.unit == LOG_NORMALISED:
            delta = np.maximum(delta, -level)
        combined = np.array([c.order > 1 for c in conditions], dtype=float)[:, None]
        variance = self._variance_of_shifts(conditions) + combined * self.scatter
        return delta, np.sqrt(variance + self.reference.control_variance[rows])

    def along_axes(self, conditions: Sequence[Condition], control: Array) -> Array:
        """Change of the mean state, shape (conditions, axes), given each one's control (conditions, genes)."""
        orders = np.array([c.order for c in conditions], dtype=float)[:, None]
        response = self.law.response().detach().numpy()
        expected = self._shifts(conditions, control) @ response.T
        return np.asarray(
            expected
            + orders * self.law.common.detach().numpy()
            + incidence(conditions, self.names) @ self.scatters
        )

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that were perturbed in training; 1 for controls."""
        return np.array(
            [sum(g in self.names for g in c.genes) / c.order if c.order else 1.0 for c in conditions]
        )

    def draw(self, condition: Condition, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n cells in ln(1 + CP10K): the law along the axes, control cells' own variation outside of them.

        Raises
        ------
        ModelError: the model is not fitted, or no control cells were kept.
        """
        level = self.predict([condition]).level[0]
        if not len(self.residuals):
            raise ModelError(
                f"no control cells were kept to draw {condition} from",
                why="what no axis holds of a cell is taken from measured control cells",
                fix="keep cells in the training set, or predict only the mean",
            )
        along = rng.standard_normal((n, len(self.axes.decode))) @ self.axes.decode
        other = self.residuals[rng.integers(len(self.residuals), size=n)]
        cells = np.maximum(level + along + other, 0.0)
        return np.asarray(cells, dtype=np.float32)

    def weights(self) -> pd.DataFrame:
        """Responses of measured singles, drift, diffusion and relaxation rates."""
        assert self.reference is not None
        singles = [Condition((name,), *self.reference.settings[0]) for name in self.names]
        delta, sd = self.respond(singles)
        genes = self.reference.genes.astype(str).to_numpy(dtype=object)
        of = np.repeat(np.array(self.names, dtype=object), len(genes)) + " on " + np.tile(genes, len(singles))
        values = {"value": delta.ravel(), "se": sd.ravel(), "unit": self.reference.unit}
        effects = pd.DataFrame({"quantity": MAIN_EFFECT, "of": of, **values})
        return pd.concat([effects, law_table(self.law, (DRIFT, DIFFUSION, RELAXATION))], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The law, the axes, and what predictions and their errors need."""
        law = {f"law.{name}": value.detach().numpy() for name, value in self.law.named_parameters()}
        axes = {f"axes.{name}": value for name, value in vars(self.axes).items()}
        design = {f"design.{name}": value for name, value in vars(self.design).items()}
        own = {name: getattr(self, name) for name in OWN}
        return law | axes | design | own

    def facts(self) -> dict[str, object]:
        """Names and own changes."""
        return {"names": list(self.names), "levels": self.levels.facts()}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        numbers = {name: np.array(array) for name, array in state.items()}
        names = facts["names"]
        assert isinstance(names, list)
        self.names, self.levels = tuple(names), OwnLevels.restored(facts["levels"])
        self.axes = CellAxes(*(numbers[f"axes.{name}"] for name in ("encode", "decode", "covariance")))
        self.design = MeanDesign(*(numbers[f"design.{name}"] for name in ("incidence", "whiten", "power")))
        for name in OWN:
            setattr(self, name, numbers[name])
        size = len(self.axes.decode)
        self.law = StationaryLaw(self.axes.covariance, np.zeros(size), np.ones(size))
        with torch.no_grad():
            for name, value in self.law.named_parameters():
                value.copy_(torch.from_numpy(numbers[f"law.{name}"]))

    @property
    def _settings(self) -> StationaryDiffusionSettings:
        assert isinstance(self.settings, StationaryDiffusionSettings)
        return self.settings

    def _members(self) -> list[tuple[float, MeasuredMeans, StationaryLaw]]:
        """Strength, means and law of each member."""
        seen = [means for means in (self.whole, self.part) for _ in EQUILIBRIUM]
        laws = [law for law in self.laws if isinstance(law, StationaryLaw)]
        return list(zip(EQUILIBRIUM * 2, seen, laws, strict=True))

    def _folds(self) -> NDArray[np.intp]:
        return fold_of([Condition((name,)) for name in self.names], FOLDS, self.seed)

    def _means(self, training: TrainingSet) -> MeasuredMeans:
        shifts = self._shifts(training.conditions, training.control_mean(training.conditions))
        orders = np.array([c.order for c in training.conditions])
        return MeasuredMeans.of(training.delta @ self.axes.encode, shifts, orders, self._design(training))

    def _spread(self) -> Array:
        return np.asarray(self.law.log_spread.detach().exp().numpy())

    def _shifts(self, conditions: Sequence[Condition], control: Array) -> Array:
        """Where the targets' own genes lie among the axes, times the changes of their levels; (conditions, axes)."""
        assert self.reference is not None
        own = np.zeros((len(conditions), len(self.reference.genes)))
        self.levels.write(own, conditions, list(self.reference.genes.astype(str)), control)
        return own @ self.axes.encode

    def _variance_of_shifts(self, conditions: Sequence[Condition]) -> Array:
        known = incidence(conditions, self.names)
        new = np.array([c.order for c in conditions], dtype=float) - known.sum(axis=1)
        spread, alone = self._spread(), np.sqrt(self.outside) / self.scale
        along = self.design.variance(known, spread) + new[:, None] * spread**2
        apart = self.design.variance(known, alone) + new[:, None] * alone**2
        return np.asarray(along @ self.axes.decode**2 + apart * self.scale**2)

    def _design(self, training: TrainingSet) -> MeanDesign:
        """Errors of means in units of the variance between cells; combinations are noisier."""
        of = {setting: row for row, setting in enumerate(training.settings)}
        control = training.controls.n_cells[[of[c.setting] for c in training.conditions]]
        factor = np.array(
            [self._settings.combination_noise if c.order > 1 else 1.0 for c in training.conditions]
        )
        own = factor / np.maximum(training.moments.n_cells, 1)
        return MeanDesign.of(training.conditions, self.names, own, 1.0 / np.maximum(control, 1))
