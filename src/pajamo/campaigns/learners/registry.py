"""Learners by name: the ones that need nothing but settings. The others are made of a user's own model."""

from __future__ import annotations

from typing import Any

from pajamo.campaigns.learners.base import Learner
from pajamo.config.campaigns.learner import (
    LEARNERS,
    AnyLearnerSettings,
    BayesianLinearSettings,
    GaussianProcessSettings,
    RandomForestSettings,
    parse_learner,
)
from pajamo.errors import StudyError, nearest

OWN_MODELS = {
    "deep-ensemble": "pajamo.campaigns.learners.torch_ensemble.DeepEnsemble",
    "estimator": "pajamo.campaigns.learners.estimators.from_sklearn",
    "function": "pajamo.campaigns.learners.functions.FunctionLearner",
    "gpytorch": "pajamo.campaigns.learners.gpytorch_models.GPyTorch",
    "laplace": "pajamo.campaigns.learners.torch_laplace.LastLayerLaplace",
    "monte-carlo-dropout": "pajamo.campaigns.learners.torch_dropout.MonteCarloDropout",
    "rivals": "pajamo.campaigns.learners.rivals.Rivals",
}
"""Learners around a model that a user brings, and from where they are imported."""


def learner(name: str, **settings: Any) -> Learner:
    """The learner of this name.

    Parameters
    ----------
    name: "bayesian-linear", "gaussian-process", "random-forest" or "extra-trees".
    settings: as in `pajamo.config.campaigns.learner`.

    Raises
    ------
    StudyError: an unknown name or setting, or a learner that is made of a user's own model.
    """
    if name in LEARNERS:
        return learner_of(parse_learner(name, settings, where=f"learner {name}"))
    if name in OWN_MODELS:
        raise StudyError(
            f"the learner {name!r} is made of a model of your own, which settings cannot hold",
            where="learner",
            fix=f"make it in Python: {OWN_MODELS[name]}",
        )
    raise StudyError(
        f"unknown learner {name!r}",
        where="learner",
        fix=f"{nearest(name, [*LEARNERS, *OWN_MODELS])}it is one of: {', '.join(LEARNERS)}",
    )


def learner_of(settings: AnyLearnerSettings) -> Learner:
    """The learner with these settings."""
    from pajamo.campaigns.learners.gaussian_process import GaussianProcess
    from pajamo.campaigns.learners.linear import BayesianLinear
    from pajamo.campaigns.learners.trees import ExtraTrees, RandomForest

    given = settings.model_dump(exclude={"kind"})
    if isinstance(settings, BayesianLinearSettings):
        return BayesianLinear(**given)
    if isinstance(settings, GaussianProcessSettings):
        return GaussianProcess(**given)
    return RandomForest(**given) if isinstance(settings, RandomForestSettings) else ExtraTrees(**given)
