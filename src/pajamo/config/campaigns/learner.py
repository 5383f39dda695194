"""Which learner predicts the candidates that were not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.strict import Config, parse

Share = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class BayesianLinearSettings(Config):
    """Bayesian linear regression in closed form; the fastest, and right where effects add up."""

    kind: Literal["bayesian-linear"] = "bayesian-linear"
    """The learner."""
    groups: tuple[Positive, ...] = ()
    """Features in each group that has a prior of its own strength, in the order of columns; one group if empty."""


class GaussianProcessSettings(Config):
    """Exact Gaussian process with a length scale for each feature; for up to a few thousand results."""

    kind: Literal["gaussian-process"] = "gaussian-process"
    """The learner."""
    kernel: Literal["squared-exponential", "matern-5/2"] = "squared-exponential"
    """How smooth responses are; the first is smoother."""
    restarts: Annotated[int, Field(ge=0)] = 1
    """Further starts of the search for length scales."""


class _TreeSettings(Config):
    trees: Annotated[int, Field(ge=2)] = 100
    """Number of trees."""
    least_leaf: Positive = 1
    """Fewest results in a leaf."""
    records: Literal["values", "classes"] = "values"
    """Whether values are recorded, or numbers of classes."""
    classes: Annotated[int, Field(ge=2)] | None = None
    """Number of classes; as many as were seen if not given."""
    most_features: Share | None = None
    """Share of the features that a split is chosen from; all for values, the root of their number for classes."""


class RandomForestSettings(_TreeSettings):
    """Trees on bootstrap samples; for features without a common scale, and for classes."""

    kind: Literal["random-forest"] = "random-forest"
    """The learner."""


class ExtraTreesSettings(_TreeSettings):
    """Trees with random splits on all results; smoother than a random forest, and faster."""

    kind: Literal["extra-trees"] = "extra-trees"
    """The learner."""


class ResponseSettings(Config):
    """One of pajamo's models of screens, refitted to resampled perturbations; for candidates of a screen."""

    kind: Literal["response"] = "response"
    """The learner."""
    name: str
    """The model, as `pajamo models` lists it: salt-ls, mixed-effects, linear, ..."""
    members: Annotated[int, Field(ge=2)] = 12
    """Fits of the ensemble."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the model."""


RivalSettings: TypeAlias = Annotated[
    BayesianLinearSettings
    | GaussianProcessSettings
    | RandomForestSettings
    | ExtraTreesSettings
    | ResponseSettings,
    Field(discriminator="kind"),
]


class RivalsSettings(Config):
    """Two or more models, each as probable as its predictions of results that it has not seen make it.

    With the acquisition `model-discrimination`, the next batch is what tells them apart.
    """

    kind: Literal["rivals"] = "rivals"
    """The learner."""
    rivals: dict[str, RivalSettings]
    """Each by a name of your own. Models of responses rival one another only: they know perturbations by name. Give
    those a dozen members or more: fewer know too little of their own error to be weighed by it."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Parts of the results, each of which is predicted from the others."""

    @property
    def of_responses(self) -> bool:
        """Whether the rivals are models of responses."""
        return any(isinstance(one, ResponseSettings) for one in self.rivals.values())

    @model_validator(mode="after")
    def _two_of_one_kind(self) -> Self:
        if len(self.rivals) < 2:
            raise ValueError("fewer than two rivals leave nothing to tell apart")
        others = [name for name, one in self.rivals.items() if not isinstance(one, ResponseSettings)]
        if self.of_responses and others:
            raise ValueError(f"models of responses rival one another only, and {others[0]!r} is none")
        return self


LearnerSettings: TypeAlias = Annotated[
    BayesianLinearSettings
    | GaussianProcessSettings
    | RandomForestSettings
    | ExtraTreesSettings
    | ResponseSettings
    | RivalsSettings,
    Field(discriminator="kind"),
]
AnyLearnerSettings: TypeAlias = (
    BayesianLinearSettings | GaussianProcessSettings | RandomForestSettings | ExtraTreesSettings
)
LEARNERS: dict[str, type[AnyLearnerSettings]] = {
    "bayesian-linear": BayesianLinearSettings,
    "gaussian-process": GaussianProcessSettings,
    "random-forest": RandomForestSettings,
    "extra-trees": ExtraTreesSettings,
}
"""Settings of each learner by its name."""


def parse_learner(kind: str, raw: Mapping[str, Any], where: str = "learner") -> AnyLearnerSettings:
    """Settings of a learner that there is.

    Raises
    ------
    KeyError: no such learner; the registry says it in words.
    StudyError: an unknown key, or a value that cannot be.
    """
    return parse(LEARNERS[kind], {"kind": kind, **raw}, where)
