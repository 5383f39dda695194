"""Any function as a learner, as long as it says how sure it is: nothing has to be subclassed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from pajamo.campaigns.features import Features, stacked
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.independent import IndependentPredictive
from pajamo.campaigns.learners.inputs import checked, whole
from pajamo.campaigns.predictive import (
    Array,
    ClassPredictive,
    KernelPredictive,
    Predictive,
    SampledPredictive,
)
from pajamo.campaigns.predictive.base import as_outputs
from pajamo.errors import ModelError

Gives = Literal["mean and covariance", "mean and deviation", "samples", "probabilities"]
Function = Callable[[Array], Any]
WHERE = "learner function"
SHAPES: dict[str, str] = {
    "mean and covariance": "(mean (N,) or (N, D), covariance (N, N) of every output)",
    "mean and deviation": "(mean (N,) or (N, D), standard deviation of the same shape)",
    "samples": "an array (S, N) or (S, N, D): S draws, each of all candidates together",
    "probabilities": "an array (N, C), or (S, N, C) of S members: each row sums to one",
}


@dataclass(frozen=True)
class FittedFunction(Fitted):
    """A function that predicts; it is given all candidates at once, because what it says of them is joint.

    Attributes
    ----------
    function: features (N, F) to what `gives` says.
    gives: "mean and covariance", "mean and deviation", "samples" or "probabilities".
    version: names the function in the record of a round; another function has another version.
    learnt: hash of the results that it was made from.
    noise: variance of one measurement of each output, where it is known.
    scale: of each output, where it is known.
    """

    function: Function
    gives: Gives
    version: str
    learnt: str = ""
    noise: Array | None = None
    scale: Array | None = None

    def predict(self, features: Features) -> Predictive:
        """What the function says.

        Raises
        ------
        ModelError: a bare mean, or shapes other than those declared.
        """
        table = whole(stacked(features), "candidates")
        said = self.function(table)
        if self.gives == "samples":
            return SampledPredictive(self._whole(said, len(table), (2, 3)), self.noise, self.scale)
        if self.gives == "probabilities":
            return ClassPredictive(self._whole(said, len(table), (2, 3), ClassPredictive))
        return self._gaussian(said, len(table))

    def fingerprint(self) -> str:
        """Hash of the version, what it gives and what it learnt from; the code itself cannot be hashed."""
        return fingerprint("function", {"version": self.version, "gives": self.gives, "learnt": self.learnt})

    def _gaussian(self, said: Any, number: int) -> Predictive:
        if not isinstance(said, tuple) or len(said) != 2:
            raise self._unfit(f"the function gives {_described(said)}, not a mean and how sure it is")
        mean, spread = as_outputs(said[0], "the mean"), np.asarray(said[1], dtype=float)
        if len(mean) != number:
            raise self._unfit(f"the mean has {len(mean):,} rows for {number:,} candidates")
        if self.gives == "mean and deviation":
            if (spread < 0).any():
                raise self._unfit("a standard deviation is negative")
            return IndependentPredictive(mean, spread, self.noise, self.scale)
        if spread.shape != (number, number):
            raise self._unfit(f"the covariance has the shape {spread.shape} for {number:,} candidates")
        if not np.allclose(spread, spread.T, atol=1e-8 * max(1.0, float(np.abs(spread).max(initial=0.0)))):
            raise self._unfit("the covariance is not symmetric")
        return KernelPredictive(
            mean, np.diag(spread), lambda rows: spread[:, rows], noise=self.noise, scale=self.scale
        )

    def _whole(
        self, said: Any, number: int, dimensions: tuple[int, ...], kind: type[Predictive] = SampledPredictive
    ) -> Array:
        found = np.asarray(said, dtype=float) if not isinstance(said, tuple) else np.zeros(0)
        place = 0 if kind is ClassPredictive and found.ndim == 2 else 1
        if found.ndim not in dimensions or found.shape[place] != number:
            raise self._unfit(f"the function gives {_described(said)} for {number:,} candidates")
        return found

    def _unfit(self, what: str) -> ModelError:
        return ModelError(
            what,
            where=f"{WHERE} that gives {self.gives!r}",
            why="what to measure next depends on what is not known, and a bare mean says nothing of that",
            fix=f"return {SHAPES[self.gives]}; or an ensemble of bare models as 'samples', one draw a model",
        )


class FunctionLearner(Learner):
    """A function that learns from results and returns a function that predicts.

    Parameters
    ----------
    learn: (features (L, F), values (L, D), noise (L, D) or None, seed) to a function of features (N, F).
    gives: what that function returns: "mean and covariance" (mean (N,) or (N, D); covariance (N, N)), "mean and
        deviation", "samples" ((S, N) or (S, N, D), each draw of all candidates together), or "probabilities"
        ((N, C) or (S, N, C)).
    version: names `learn` in the record of a round.

    Raises
    ------
    ModelError: something else is declared.
    """

    name: ClassVar[str] = "function"

    def __init__(
        self, learn: Callable[[Array, Array, Array | None, int], Function], *, gives: Gives, version: str
    ) -> None:
        self.learn, self.gives, self.version = learn, _declared(gives), version

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedFunction:
        """Let the function learn."""
        results = checked(features, values, noise)
        function = self.learn(results.features, results.values, results.noise, seed)
        parts = {"features": results.features, "values": results.values, "seed": np.array(seed)}
        measured = None if results.noise is None else results.noise.mean(axis=0)
        if results.noise is not None:
            parts["noise"] = results.noise
        deviation = results.values.std(axis=0)
        return FittedFunction(
            function,
            self.gives,
            self.version,
            fingerprint("results", parts),
            measured,
            np.where(deviation > 0, deviation, 1.0),
        )


def given(function: Function, *, gives: Gives, version: str) -> FittedFunction:
    """A function that predicts and does not learn, such as a model that was trained elsewhere.

    Raises
    ------
    ModelError: something is declared that no function gives.
    """
    return FittedFunction(function, _declared(gives), version)


def _declared(gives: Gives) -> Gives:
    if gives not in SHAPES:
        raise ModelError(
            f"a function cannot give {gives!r}", where=WHERE, fix=f"declare one of: {', '.join(SHAPES)}"
        )
    return gives


def _described(said: Any) -> str:
    if isinstance(said, tuple):
        return f"{len(said)} things"
    return f"an array of shape {np.shape(said)}"
