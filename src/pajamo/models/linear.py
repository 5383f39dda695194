"""Baseline: ridge regression on gene and perturbation vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import GeneVectors, gene_vectors, response_axes
from pajamo.models.base import Array, Card, Model
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.registry import register

PENALTIES = 10.0 ** np.arange(-3, 4)
"""Ridge penalties that are tried, in units of the mean square of the perturbation vectors' sums."""


class LinearSettings(Config):
    """Settings of the linear model."""

    dimensions: int = Field(default=10, ge=1)
    """Axes of the genes, and of perturbation vectors that are derived from expression."""
    folds: int = Field(default=5, ge=2)
    """Folds of the cross-validation that chooses the penalty."""


@dataclass(frozen=True)
class _Fit:
    """delta(A) = |A| b + G W^T (p(A) - |A| p_mean), p(A) the sum of the vectors of A's genes."""

    intercept: Array
    """b, shape (genes,)."""
    axes: Array
    """G, orthonormal, shape (genes, axes)."""
    weights: Array
    """W, shape (dimensions, axes)."""
    centre: Array
    """p_mean, shape (dimensions,)."""

    def predict(self, orders: Array, features: Array) -> Array:
        """Changes, shape (conditions, genes)."""
        centred = features - orders[:, None] * self.centre
        return orders[:, None] * self.intercept + centred @ self.weights @ self.axes.T


@dataclass(frozen=True)
class _Design:
    """What the regression needs of its training conditions; the penalty is still open."""

    vectors: GeneVectors
    axes: Array
    intercept: Array
    centre: Array
    features: Array
    scores: Array

    @classmethod
    def of(cls, training: TrainingSet, dimensions: int) -> _Design:
        """Vectors, axes, and the part of features and changes that the intercept leaves."""
        vectors = gene_vectors(training, dimensions)
        orders, features = _orders(training.conditions), vectors.sums(training.conditions)
        total = (orders**2).sum()
        intercept, centre = orders @ training.delta / total, orders @ features / total
        axes, _ = response_axes(training.delta, dimensions)
        scores = (training.delta - orders[:, None] * intercept) @ axes
        return cls(vectors, axes, intercept, centre, features - orders[:, None] * centre, scores)

    def solve(self, penalty: float) -> _Fit:
        """Ridge regression of the scores on the features."""
        scale = max(float((self.features**2).sum(axis=1).mean()), np.finfo(float).tiny)
        ridge = self.features.T @ self.features + penalty * scale * np.eye(self.features.shape[1])
        weights = np.linalg.solve(ridge, self.features.T @ self.scores)
        return _Fit(self.intercept, self.axes, weights, self.centre)


@register
class Linear(Model):
    """Y ~ G W P^T + b: G the genes' principal axes, P the perturbed genes' vectors; combinations sum.

    P holds prior vectors where given, else rows of the genes' own axes. The penalty on W is chosen by
    cross-validation over perturbations, whose residuals also give the standard deviation.
    """

    card = Card(
        name="linear",
        title="Ridge on gene and perturbation vectors",
        reference="Ahlmann-Eltze et al. 2025, Nature Methods 22:1657, eq. 1",
        needs="training perturbations; for unseen genes a prior embedding, or the gene among those measured",
        weights={
            "penalty": "ridge penalty in units of the vectors' mean square, dimensionless",
            "intercept": "mean change of a gene per perturbed gene, ln(1 + CP10K)",
        },
        limits="a perturbed gene without a vector gets the mean change; effects of combinations only add; "
        "contexts and times share all coefficients",
        baseline=True,
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )
    Settings = LinearSettings
    takes_embedding = True

    fitted: _Fit
    vectors: GeneVectors
    penalty: float
    scatter: Array

    def estimate(self, training: TrainingSet) -> None:
        """Choose the penalty, then fit everything."""
        assert isinstance(self.settings, LinearSettings)
        training = _sorted(training)
        designs = self._designs(training)
        squares = {float(p): float((_residuals(training, designs, p) ** 2).sum()) for p in PENALTIES}
        self.penalty = min(squares, key=lambda penalty: (squares[penalty], -penalty))
        residual = _residuals(training, designs, self.penalty)
        self.scatter = excess_variance(residual, training.variance_of_mean[: len(residual)])
        design = _Design.of(training, self.settings.dimensions)
        self.vectors, self.fitted = design.vectors, design.solve(self.penalty)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The regression; its scatter under cross-validation, and the control's error."""
        assert self.reference is not None
        orders = _orders(conditions)
        delta = self.fitted.predict(orders, self.vectors.sums(conditions))
        control = self.reference.control_variance[self.reference.rows(conditions)]
        return delta, np.sqrt(np.maximum(orders, 1.0)[:, None] * self.scatter + control)

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """0 where a perturbed gene has no vector of its own."""
        return self.vectors.knows(conditions).astype(float)

    def weights(self) -> pd.DataFrame:
        """Penalty and intercepts."""
        assert self.reference is not None
        penalty = {"quantity": "penalty", "of": "W", "value": self.penalty, "se": np.nan, "unit": "1"}
        genes = self.reference.genes.astype(str)
        unit = self.reference.unit
        intercept = {
            "quantity": "intercept",
            "of": genes,
            "value": self.fitted.intercept,
            "se": np.nan,
            "unit": unit,
        }
        return pd.concat([pd.DataFrame([penalty]), pd.DataFrame(intercept)], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All coefficients and vectors."""
        return {
            "intercept": self.fitted.intercept,
            "axes": self.fitted.axes,
            "weights": self.fitted.weights,
            "centre": self.fitted.centre,
            "vectors": self.vectors.vectors,
            "fallback": self.vectors.fallback,
            "scatter": self.scatter,
        }

    def facts(self) -> dict[str, object]:
        """Penalty, and the genes with vectors."""
        return {"penalty": self.penalty, "vector_names": list(self.vectors.names)}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        names = facts["vector_names"]
        assert isinstance(names, list)
        self.fitted = _Fit(arrays["intercept"], arrays["axes"], arrays["weights"], arrays["centre"])
        self.vectors = GeneVectors(tuple(names), arrays["vectors"], arrays["fallback"])
        self.scatter, self.penalty = arrays["scatter"], float(str(facts["penalty"]))

    def _folds(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Fold of each condition; a perturbation stays in one fold over contexts and times."""
        assert isinstance(self.settings, LinearSettings)
        names = sorted({condition.genes for condition in conditions})
        shuffled = np.random.default_rng(self.seed).permutation(len(names)) % self.settings.folds
        fold = dict(zip(names, shuffled, strict=True))
        return np.array([fold[condition.genes] for condition in conditions], dtype=np.intp)

    def _designs(self, training: TrainingSet) -> list[tuple[_Design, NDArray[np.intp]]]:
        """One design without each fold, with the rows it left out; none if there is only one perturbation."""
        assert isinstance(self.settings, LinearSettings)
        fold_of = self._folds(training.conditions)
        folds = np.unique(fold_of) if len(np.unique(fold_of)) > 1 else []
        return [
            (
                _Design.of(_rows(training, np.flatnonzero(fold_of != fold)), self.settings.dimensions),
                np.flatnonzero(fold_of == fold),
            )
            for fold in folds
        ]


def _sorted(training: TrainingSet) -> TrainingSet:
    """Conditions in canonical order, so that the order of the rows cannot matter."""
    return _rows(
        training, np.array(sorted(range(len(training.conditions)), key=training.conditions.__getitem__))
    )


def _rows(training: TrainingSet, rows: NDArray[np.intp]) -> TrainingSet:
    conditions = tuple(training.conditions[row] for row in rows)
    return replace(training, conditions=conditions, moments=training.moments[rows])


def _orders(conditions: Sequence[Condition]) -> Array:
    return np.array([condition.order for condition in conditions], dtype=float)


def _residuals(
    training: TrainingSet, designs: list[tuple[_Design, NDArray[np.intp]]], penalty: float
) -> Array:
    """Change minus prediction of each condition by the design that did not see it."""
    residual = np.zeros((len(training.conditions) if designs else 0, training.n_genes))
    for design, held in designs:
        conditions = [training.conditions[row] for row in held]
        predicted = design.solve(penalty).predict(_orders(conditions), design.vectors.sums(conditions))
        residual[held] = training.delta[held] - predicted
    return residual
