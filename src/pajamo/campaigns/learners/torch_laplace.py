"""Laplace approximation of a network's last layer: how sure a network is, without training it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import nn

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import by_block, one_thread
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import Results, checked
from pajamo.campaigns.learners.linear import BayesianLinear, FittedLinear
from pajamo.campaigns.learners.torch_modules import Network, Reading, as_input, softmax, unmoved, weights_of
from pajamo.campaigns.predictive import Array, ClassPredictive, FactorPredictive
from pajamo.errors import ModelError

MOST_WEIGHTS = 4096
"""Weights of the last layer beyond which their joint covariance is too large."""


@dataclass(frozen=True)
class Body:
    """A network, what it hands to its last layer, and what comes out.

    Attributes
    ----------
    module: of torch.
    reading: how it is read.
    """

    module: nn.Module
    reading: Reading

    def parts(self, block: Array) -> tuple[Array, Array]:
        """What the last layer is given, (N, H), and what the module gives, (N, columns).

        Raises
        ------
        ModelError: the module does not end with a linear layer.
        """
        layer = last_layer(self.module)
        seen: list[Any] = []
        hook = layer.register_forward_hook(lambda _, given, output: seen.append((given[0], output)))
        try:
            with unmoved(self.module), torch.no_grad():
                said = self.module(as_input(self.module, self.reading.inputs.apply(block)))
        finally:
            hook.remove()
        if len(seen) != 1 or not torch.equal(seen[0][1], said):
            raise _no_last_layer("its last linear layer does not give what the module gives")
        found = self.reading.checked(said.double().cpu().numpy(), len(block))
        return seen[0][0].double().cpu().numpy(), found

    def hash_parts(self) -> dict[str, Any]:
        """What the network depends on."""
        parts = weights_of(self.module, "weight ")
        for name, scale in (("inputs", self.reading.inputs), ("outputs", self.reading.outputs)):
            parts[name] = np.stack([scale.centre, scale.deviation])
        return parts


@dataclass(frozen=True)
class FittedValues(Fitted):
    """A network of values with a Gaussian last layer: the mean is the network's, the covariance the layer's."""

    body: Body
    layer: FittedLinear

    def predict(self, features: Features) -> FactorPredictive:
        """Gaussian of rank 1 + H, H being what the last layer is given."""
        outputs, unit = len(self.layer.outputs.centre), self.layer.outputs.deviation
        said = by_block(features, lambda block: self.body.parts(block)[1])
        noise = np.exp(said[:, outputs:]) * unit**2 if said.shape[1] > outputs else self.layer.noise
        return FactorPredictive(
            self.layer.outputs.centre + said[:, :outputs] * unit,
            by_block(features, lambda block: self.layer.factor(self.body.parts(block)[0])),
            noise=noise,
            scale=unit,
            spread=self.layer.prior.spread * unit,
        )

    def embed(self, features: Features) -> Features:
        """What the last layer is given, as its prior weighs it."""
        hidden = by_block(features, lambda block: self.body.parts(block)[0])
        return np.asarray(self.layer.embed(hidden)[slice(0, len(hidden))])

    def fingerprint(self) -> str:
        """Hash of the network and its last layer's posterior."""
        return fingerprint("laplace", self.body.hash_parts() | {"layer": self.layer.fingerprint()})


@dataclass(frozen=True)
class FittedClasses(Fitted):
    """A network of classes with draws of its last layer; shape (S, 1 + H, C)."""

    body: Body
    layers: Array

    def predict(self, features: Features) -> ClassPredictive:
        """One member a draw of the last layer, with what the layer is given beside it."""
        found = by_block(
            features, lambda block: softmax(with_one(self.body.parts(block)[0]) @ self.layers), axis=1
        )
        return ClassPredictive(found, self.embed(features))

    def embed(self, features: Features) -> Array:
        """What the last layer is given."""
        return by_block(features, lambda block: self.body.parts(block)[0])

    def fingerprint(self) -> str:
        """Hash of the network and the draws of its last layer."""
        return fingerprint("laplace", self.body.hash_parts() | {"layers": self.layers})


class LastLayerLaplace(Learner):
    """One network; its last layer is Gaussian around where training ended, with the Gauss-Newton curvature.

    Values: closed form; the strength of the prior, and the noise, by the evidence of the last layer. Classes: draws
    of the last layer, the strength of the prior by the evidence of the approximation.

    Source: MacKay 1992 (Neural Comput 4, 448); Daxberger et al. 2021 (arXiv 2106.14806), section 2.

    Parameters
    ----------
    network: how it is built, trained and read; it must end with a linear layer (classes: with logits).
    draws: of the last layer, for classes.

    Raises
    ------
    ModelError: a network of classes that gives no logits.
    """

    name: ClassVar[str] = "laplace"

    def __init__(self, network: Network, draws: int = 32) -> None:
        if network.records == "classes" and not network.logits:
            raise _no_last_layer("a network that ends with probabilities does not end with a linear layer")
        self.network, self.draws = network, draws

    def fit(
        self, features: Array, values: Array, noise: Array | None = None, *, seed: int
    ) -> FittedValues | FittedClasses:
        """Train once, then approximate; the seed sets the training and the draws."""
        results = checked(features, values, noise)
        lesson = self.network.lesson(results)
        module = self.network.trained(lesson, seed)
        outputs = len(lesson.outputs.centre)
        body = Body(module, Reading(self.network, lesson.inputs, lesson.outputs, np.zeros(outputs)))
        with one_thread():
            hidden, said = body.parts(results.features)
            if self.network.records == "classes":
                return FittedClasses(body, self._layers(module, hidden, softmax(said), seed))
        return FittedValues(body, self._linear(results, hidden, said[:, outputs:], seed))

    def _linear(self, results: Results, hidden: Array, logarithms: Array, seed: int) -> FittedLinear:
        noise = results.noise
        if self.network.predicts_noise:
            noise = np.exp(logarithms) * results.values.var(axis=0)
        return BayesianLinear().fit(hidden, results.values, noise, seed=seed)

    def _layers(self, module: nn.Module, hidden: Array, chances: Array, seed: int) -> Array:
        layer = last_layer(module)
        best = layer.weight.detach().double().cpu().numpy().T
        start = np.zeros((1, best.shape[1]))
        if layer.bias is not None:
            start[0] = layer.bias.detach().double().cpu().numpy()
        whole = np.concatenate([start, best])
        values, vectors = np.linalg.eigh(curvature(with_one(hidden), chances))
        values = np.maximum(values, 0.0)
        precision = best_precision(values, float((whole**2).sum()))
        normal = np.random.default_rng([seed, self.draws]).standard_normal((self.draws, len(values)))
        moved = (normal / np.sqrt(values + precision)) @ vectors.T
        return np.asarray(whole + moved.reshape(self.draws, *whole.shape))


def curvature(design: Array, chances: Array) -> Array:
    """Gauss-Newton matrix of the cross-entropy in the last layer's weights, (1 + H) C on a side, classes inner.

    Sum over results of x x' (x) (diag(p) - p p').

    Raises
    ------
    ModelError: more weights than fit in memory.
    """
    wide, classes = design.shape[1], chances.shape[1]
    if wide * classes > MOST_WEIGHTS:
        raise ModelError(
            f"the last layer has {wide * classes:,} weights, more than {MOST_WEIGHTS:,}",
            where="learner laplace",
            fix="let a narrower layer come before the last, or use a deep ensemble",
        )
    found = np.zeros((wide, classes, wide, classes))
    for first in range(classes):
        for second in range(first, classes):
            share = chances[:, first] * ((first == second) - chances[:, second])
            found[:, first, :, second] = (design * share[:, None]).T @ design
            found[:, second, :, first] = found[:, first, :, second]
    return found.reshape(wide * classes, wide * classes)


def best_precision(eigenvalues: Array, square: float) -> float:
    """Precision of the prior with most evidence: P log d - d |w|^2 - sum log(eigenvalue + d) at its largest."""

    def lost(logarithm: float) -> float:
        precision = np.exp(logarithm)
        volume = float(np.log(eigenvalues + precision).sum())
        return float(precision * square + volume - len(eigenvalues) * logarithm)

    bounds = (float(np.log(1e-4)), float(np.log(1e6)))
    return float(np.exp(minimize_scalar(lost, bounds=bounds, method="bounded").x))


def with_one(hidden: Array) -> Array:
    """A column of ones before what the last layer is given."""
    return np.column_stack([np.ones(len(hidden)), hidden])


def last_layer(module: nn.Module) -> nn.Linear:
    """The last linear layer.

    Raises
    ------
    ModelError: there is none.
    """
    found = [part for part in module.modules() if isinstance(part, nn.Linear)]
    if not found:
        raise _no_last_layer("it has no linear layer")
    return found[-1]


def _no_last_layer(what: str) -> ModelError:
    return ModelError(
        f"the module does not end with a linear layer: {what}",
        where="learner laplace",
        fix="let the module end with nn.Linear, and for classes set logits=True",
    )
