"""What every model is: an assembly that is estimated from a training set and predicts conditions.

A closed form only implements `estimate`. A model with weights to be learned also says which module
holds them and what its loss is (`Learned`); `pajamo.training` then runs the loop, so that
checkpoints, resuming and progress are written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.protocols.assumptions import ASSUMPTIONS

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Card:
    """What a user should know of a model before believing it.

    Attributes
    ----------
    name: the name in a study file.
    title: a few words.
    reference: the publication, with equation where there is one.
    needs: what of the experiment it uses, in words.
    weights: each fitted quantity with its meaning and unit.
    limits: where it must not be trusted.
    baseline: True for those that a model must beat.
    assumes: what it takes for granted of the operator F(perturbation, medium, time): names from
        `pajamo.protocols.assumptions.ASSUMPTIONS`.
    """

    name: str
    title: str
    reference: str
    needs: str
    weights: dict[str, str]
    limits: str
    baseline: bool = False
    assumes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = self.assumes - ASSUMPTIONS.keys()
        if unknown:
            raise ValueError(f"{self.name} assumes what has no name: {', '.join(sorted(unknown))}")

    @property
    def assumed(self) -> str:
        """What the model takes for granted, in sentences."""
        return "; ".join(sentence for name, sentence in ASSUMPTIONS.items() if name in self.assumes)


@dataclass(frozen=True)
class Reference:
    """What a fitted model keeps of its training set: genes, controls, and which conditions it saw."""

    genes: pd.Index
    settings: tuple[Setting, ...]
    control: Array
    control_variance: Array
    seen: frozenset[Condition]
    unit: str

    @classmethod
    def of(cls, training: TrainingSet) -> Reference:
        """Keep the reference of a training set."""
        conditions = [Condition((), *setting) for setting in training.settings]
        return cls(
            training.genes,
            training.settings,
            training.controls.mean,
            training.control_variance_of_mean(conditions),
            frozenset(training.conditions),
            training.unit,
        )

    def rows(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Row of each condition's control.

        Raises
        ------
        ModelError: a condition in a context or at a time without controls in training.
        """
        position = {setting: i for i, setting in enumerate(self.settings)}
        unknown = sorted({str(c) for c in conditions if c.setting not in position})
        if unknown:
            raise ModelError(
                f"no control was seen for {shorten(unknown)}",
                why="a prediction is a change against the control of the same context and time",
                fix=f"settings with controls: {shorten(map(str, self.settings))}",
            )
        return np.array([position[c.setting] for c in conditions], dtype=np.intp)


class Model(ABC):
    """Base of every model. Subclasses are registered with `@register` and are one file each."""

    card: ClassVar[Card]
    Settings: ClassVar[type[Config]] = Config
    reads_counts: ClassVar[bool] = False
    """Whether `TrainingSet.counts` is to be filled for it."""
    takes_embedding: ClassVar[bool] = False
    """Whether it uses `TrainingSet.embedding` for genes that were never perturbed."""

    def __init__(self, settings: Config | None = None, *, seed: int = 0) -> None:
        self.settings = settings if settings is not None else self.Settings()
        self.seed = seed
        self.reference: Reference | None = None

    def objection(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Why this model must not be used here: the protocol contradicts it, or it cannot predict the conditions."""
        return self._contradiction(training, conditions) or self.refusal(training, conditions)

    def _contradiction(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        name, rule = "stationary-baseline", training.protocol
        if rule is None or name not in self.card.assumes or name in rule.accepted:
            return None
        moving = [c for c in (*training.conditions, *conditions) if rule.differentiates(c)]
        if not moving:
            return None
        return (
            f"it assumes that {ASSUMPTIONS[name]}, but the protocol differentiates them (among others {moving[0]});"
            f' `accept = ["{name}"]` under [protocol] overrides this'
        )

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Why this model cannot predict these conditions from this training set, or None if it can."""
        del training, conditions
        return None

    def fit(self, training: TrainingSet) -> Self:
        """Estimate everything that has a closed form.

        Raises
        ------
        ModelError: values that are not finite, or nothing to learn from.
        """
        _require_usable(training)
        self.reference = Reference.of(training)
        self.estimate(training)
        return self

    @abstractmethod
    def estimate(self, training: TrainingSet) -> None:
        """Set the fitted quantities from the training set."""

    @abstractmethod
    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Change against the control and its standard deviation, each of shape (conditions, genes)."""

    def predict(self, conditions: Sequence[Condition]) -> Prediction:
        """Predict the mean response of each condition.

        Raises
        ------
        ModelError: the model is not fitted, or a perturbation, context or time is unknown to it.
        """
        if self.reference is None:
            raise ModelError(
                f"{self.card.name} is not fitted", fix="call fit(...) first, or load a fitted model"
            )
        conditions = tuple(conditions)
        control = self.control(conditions)
        delta, sd = self.respond(conditions)
        unchanged = np.array([c.is_control for c in conditions], dtype=bool)
        delta, sd = np.where(unchanged[:, None], 0.0, delta), np.where(unchanged[:, None], 0.0, sd)
        return Prediction(
            self.card.name, self.reference.genes, conditions, delta, sd, control,
            self.reference.unit, self.trust(conditions),
        )  # fmt: skip

    def control(self, conditions: Sequence[Condition]) -> Array:
        """Mean of the control that the change refers to, shape (conditions, genes): as measured, by default."""
        assert self.reference is not None
        return self.reference.control[self.reference.rows(conditions)]

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """1 where the prediction rests on what was seen, towards 0 where the model fell back."""
        return np.ones(len(conditions))

    def weights(self) -> pd.DataFrame:
        """The fitted quantities as a table: name, value, standard error, unit. Empty if it has none."""
        return pd.DataFrame(columns=["quantity", "of", "value", "se", "unit"])

    @abstractmethod
    def state(self) -> dict[str, NDArray[np.generic]]:
        """Fitted arrays by name, numeric only (saved as safetensors)."""

    @abstractmethod
    def facts(self) -> dict[str, object]:
        """Fitted names and scalars that JSON can hold."""

    @abstractmethod
    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""


class Learned(Model):
    """A model with weights that are learned step by step, after its closed forms are estimated."""

    @abstractmethod
    def module(self) -> torch.nn.Module:
        """The module whose parameters are learned; the same object at each call."""

    @abstractmethod
    def loss(self, step: int) -> torch.Tensor:
        """The loss at this step; all randomness must come from (seed, step)."""

    @property
    @abstractmethod
    def n_steps(self) -> int:
        """How many steps the loop takes."""

    learning_rate: float = 1e-2
    weight_decay: float = 0.0

    def finish(self) -> None:
        """Called once after the last step, to keep the best weights or average members."""


@runtime_checkable
class DrawsCells(Protocol):
    """A model that predicts the distribution of cells, not only its mean."""

    def draw(self, condition: Condition, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n predicted cells in ln(1 + CP10K), shape (n, genes).

        Raises
        ------
        ModelError: the model is not fitted, or cannot say how cells of this condition are distributed.
        """
        ...


def _require_usable(training: TrainingSet) -> None:
    if not training.conditions:
        raise ModelError(
            "the training set has no perturbed condition",
            why="there is nothing to learn a response from",
            fix="hold out fewer conditions",
        )
    bad = ~np.isfinite(training.moments.mean)
    if bad.any():
        row, gene = np.argwhere(bad)[0]
        raise ModelError(
            f"the training means hold {int(bad.sum())} values that are not finite",
            where=f"condition {training.conditions[row]}, gene {training.genes[gene]}",
            fix="run `pajamo check` on the screen; it names the cells",
        )
