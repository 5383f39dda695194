"""Any of pajamo's models of screens as a learner: refitted to resampled perturbations, it says how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.predictive import Array, SampledPredictive
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.models.base import Model
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

CELLS = 1000
"""Cells that a condition's moments speak of: their variance is scaled so that the mean has its own error."""


class ResponseModel(Learner):
    """A registered model of responses (`pajamo models`): Salt, mixed effects, a linear model, means of singles.

    Its "features" are row numbers of the pool. Each member of an ensemble is fitted to all single perturbations and
    to combinations drawn with replacement, each with the error of its measurement added: what members do not agree
    on is not known. The standard deviation that the model itself states is added to each draw.

    Parameters
    ----------
    model: name of the model.
    candidates: perturbations of each candidate of the pool.
    space: features of the pool in which distances are meant, for acquisitions that spread a batch.
    members: of the ensemble.
    settings: of the model, as in [models.settings.NAME] of a study.
    """

    name: ClassVar[str] = "response"
    fewest: ClassVar[int] = 4

    def __init__(
        self,
        model: str,
        candidates: Sequence[tuple[str, ...]],
        space: Features,
        *,
        members: int = 12,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.model, self.space, self.members, self.settings = model, space, members, dict(settings or {})
        self.conditions = tuple(Condition(tuple(one)) for one in candidates)
        create(model, self.settings)

    def fit(
        self, features: Array, values: Array, noise: Array | None = None, *, seed: int
    ) -> FittedResponses:
        """Fit the ensemble.

        Raises
        ------
        ModelError: the model cannot be used for these perturbations; its own reason is given.
        """
        given = checked(features, values, noise)
        rows, mean, error = _by_candidate(given.features[:, 0].astype(np.intp), given.values, given.noise)
        rng = np.random.default_rng([seed, 11])
        fitted = [self._member(rows, mean, error, rng, int(rng.integers(2**31))) for _ in range(self.members)]
        return FittedResponses(self, fitted, error.mean(axis=0), seed)

    def _member(
        self, rows: NDArray[np.intp], mean: Array, error: Array, rng: np.random.Generator, seed: int
    ) -> Model:
        order = np.array([self.conditions[row].order for row in rows])
        several = np.flatnonzero(order > 1)
        drawn = rng.choice(several, len(several)) if len(several) else several
        kept = np.concatenate([np.flatnonzero(order == 1), np.unique(drawn)])
        shown = mean[kept] + np.sqrt(error[kept]) * rng.standard_normal(mean[kept].shape)
        training = _training([self.conditions[row] for row in rows[kept]], shown, error[kept])
        model = create(self.model, self.settings, seed=seed)
        objection = model.objection(training, self.conditions)
        if objection is not None:
            raise ModelError(
                f"{self.model} cannot predict these candidates: {objection}",
                where="model",
                fix="choose another model, or other candidates",
            )
        return fit_model(model, training)


class FittedResponses(Fitted):
    """An ensemble of a model of responses."""

    def __init__(self, learner: ResponseModel, models: list[Model], noise: Array, seed: int) -> None:
        self.learner, self.models, self.noise, self.seed = learner, models, noise, seed

    def predict(self, features: Features) -> SampledPredictive:
        """Draws of the responses of the candidates with these row numbers."""
        rows = np.asarray(features[slice(0, features.shape[0])], dtype=float)[:, 0].astype(np.intp)
        conditions = [self.learner.conditions[row] for row in rows]
        rng = np.random.default_rng([self.seed, 13])
        draws = []
        for model in self.models:
            delta, deviation = model.respond(conditions)
            draws.append(delta + np.nan_to_num(deviation) * rng.standard_normal(delta.shape))
        found = np.stack(draws)
        spread = found.mean(axis=0).std(axis=0)
        return SampledPredictive(found, self.noise, np.where(spread > 0, spread, 1.0))

    def embed(self, features: Features) -> Features:
        """The space that the learner was given."""
        rows = np.asarray(features[slice(0, features.shape[0])], dtype=float)[:, 0].astype(np.intp)
        return np.asarray(self.learner.space[rows])

    def fingerprint(self) -> str:
        """Hash of the fitted quantities of all members."""
        digest = hashlib.sha256(self.learner.model.encode())
        for model in self.models:
            for name, array in sorted(model.state().items()):
                digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _by_candidate(
    rows: NDArray[np.intp], values: Array, noise: Array | None
) -> tuple[NDArray[np.intp], Array, Array]:
    """One row a candidate: the mean of its measurements, weighed by their precision, and its sampling variance."""
    given = np.full(values.shape, 1e-12) if noise is None else np.maximum(noise, 1e-12)
    found, place = np.unique(rows, return_inverse=True)
    precision, total = np.zeros((len(found), values.shape[1])), np.zeros((len(found), values.shape[1]))
    np.add.at(precision, place, 1.0 / given)
    np.add.at(total, place, values / given)
    return found, total / precision, 1.0 / precision


def _training(conditions: Sequence[Condition], mean: Array, error: Array) -> TrainingSet:
    """Responses as a training set: each output is a gene, and the control is at zero."""
    outputs = mean.shape[1]
    cells = np.full(len(conditions), CELLS, dtype=np.int64)
    control = Moments(np.array([CELLS]), np.zeros((1, outputs)), CELLS * error.mean(axis=0)[None])
    return TrainingSet(
        genes=pd.Index([f"output {k}" for k in range(outputs)]),
        conditions=tuple(conditions),
        moments=Moments(cells, mean, CELLS * error),
        settings=(("", 0.0),),
        controls=control,
        unit="effect",
    )
