"""Exact Gaussian processes of GPyTorch: any kernel and any mean that it offers (extra `gp`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.exact_process import ExactProcess
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.learners.scaling import Scale, ScaledFeatures
from pajamo.campaigns.learners.torch_modules import private_randomness, weights_of
from pajamo.campaigns.predictive import Array, KernelPredictive
from pajamo.errors import MissingExtraError, ModelError

Build = Callable[[Tensor, Tensor, Tensor | None], Any]
Train = Callable[[Any, Tensor, Tensor], None]
STEPS, RATE = 100, 0.1


@dataclass(frozen=True)
class FittedGPyTorch(Fitted):
    """A model of GPyTorch that has seen results.

    Attributes
    ----------
    model: an ExactGP, trained.
    inputs, outputs: units of features and values.
    process: its posterior, in standardised units.
    noise: variance of one further measurement, in its own unit; shape (1,).
    """

    model: Any
    inputs: Scale
    outputs: Scale
    process: ExactProcess
    noise: Array

    def predict(self, features: Features) -> KernelPredictive:
        """Gaussian with all covariances, of which columns are computed when they are asked for."""
        inner = ScaledFeatures(features, self.inputs, np.ones(len(self.inputs.centre)))
        unit, centre = self.outputs.deviation, self.outputs.centre
        return self.process.predict(inner, noise=self.noise, unit=unit, centre=centre)

    def fingerprint(self) -> str:
        """Hash of every parameter, of units, and of what was seen."""
        parts = weights_of(self.model, "weight ") | {
            "inputs": np.stack([self.inputs.centre, self.inputs.deviation]),
            "outputs": np.stack([self.outputs.centre, self.outputs.deviation]),
            "seen": self.process.seen,
            "root": self.process.root,
            "weights": self.process.weights,
        }
        return fingerprint("gpytorch", parts | {"noise": self.noise})


class GPyTorch(Learner):
    """An exact Gaussian process of GPyTorch for one readout, on standardised features and values.

    Its prior is read from its `forward`, and the posterior is computed from that by one Cholesky factor, so that the
    covariance of a large pool is never made.

    Parameters
    ----------
    build: (features (L, F), values (L,), variances of known noise (L,) or None, all float64) to an ExactGP with its
        likelihood.
    train: (model, features, values) trains it in place. By default 100 steps of Adam on the exact marginal
        likelihood.

    Raises
    ------
    MissingExtraError: GPyTorch is not installed.
    """

    name: ClassVar[str] = "gpytorch"

    def __init__(self, build: Build, train: Train | None = None) -> None:
        imported()
        self.build, self.train = build, train

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedGPyTorch:
        """Train; the seed is torch's while it does, and the global random state is not moved.

        Raises
        ------
        ModelError: several readouts, or something that is no ExactGP.
        """
        results = checked(features, values, noise)
        if results.outputs != 1:
            raise ModelError(
                f"{results.outputs} readouts, and an ExactGP has one",
                where=f"learner {self.name}",
                fix="choose a readout, or use the learner gaussian-process, whose outputs share a kernel",
            )
        inputs, outputs = Scale.of(results.features), Scale.of(results.values)
        table, targets = inputs.apply(results.features), outputs.apply(results.values)
        known = None if results.noise is None else (results.noise / outputs.deviation**2)[:, 0]
        with private_randomness(seed):
            model = self._trained(table, targets[:, 0], known)
        process, further = _process(model, table, targets)
        return FittedGPyTorch(model, inputs, outputs, process, further * outputs.deviation**2)

    def _trained(self, table: Array, targets: Array, known: Array | None) -> Any:
        gpytorch = imported()
        features, values = torch.from_numpy(table), torch.from_numpy(targets)
        model = self.build(features, values, None if known is None else torch.from_numpy(known))
        if not isinstance(model, gpytorch.models.ExactGP):
            raise ModelError(
                f"{type(model).__name__} is no ExactGP of GPyTorch",
                where=f"learner {self.name}",
                fix="return a gpytorch.models.ExactGP, or wrap another model as a function",
            )
        model.double().train()
        # Beyond a size GPyTorch turns to estimates that are random; here every step is exact.
        with gpytorch.settings.max_cholesky_size(len(table) + 1):
            (self.train or _adam)(model, features, values)
        return model.eval()


def predictive_of(
    distribution: Any, noise: Array | None = None, scale: Array | None = None
) -> KernelPredictive:
    """The predictive distribution of a MultivariateNormal over all candidates, for pools of a few thousand.

    Raises
    ------
    ModelError: a distribution over several tasks or batches.
    """
    mean = distribution.mean.detach().double().cpu().numpy()
    if mean.ndim != 1:
        raise ModelError(
            f"the distribution has a mean of shape {mean.shape}, not one number a candidate",
            where="learner gpytorch",
            fix="give one readout's distribution over the candidates",
        )
    covariance = distribution.covariance_matrix.detach().double().cpu().numpy()
    return KernelPredictive(
        mean, np.diag(covariance), lambda rows: covariance[:, rows], noise=noise, scale=scale
    )


def imported() -> Any:
    """GPyTorch.

    Raises
    ------
    MissingExtraError: it is not installed.
    """
    try:
        import gpytorch
    except ImportError:
        raise MissingExtraError.for_extra("gp", "a Gaussian process of GPyTorch") from None
    return gpytorch


@dataclass(frozen=True)
class _Prior:
    """What a model's `forward` says before any result."""

    model: Any

    def covariance(self, first: Array, second: Array) -> Array:
        both = self._forward(np.concatenate([first, second])).lazy_covariance_matrix
        # Only this part of the lazy matrix is ever computed.
        return _numbers(both[: len(first), len(first) :].to_dense())

    def variance(self, rows: Array) -> Array:
        return _numbers(self._forward(rows).lazy_covariance_matrix.diagonal())

    def mean(self, rows: Array) -> Array:
        return _numbers(self._forward(rows).mean)[:, None]

    def _forward(self, rows: Array) -> Any:
        with torch.no_grad():
            return self.model.forward(torch.from_numpy(np.ascontiguousarray(rows)))


def _process(model: Any, table: Array, targets: Array) -> tuple[ExactProcess, Array]:
    """The posterior, and the variance of one further measurement in standardised units."""
    prior = _Prior(model)
    features = torch.from_numpy(table)
    with torch.no_grad():
        noisy = model.likelihood(model.forward(features), features).lazy_covariance_matrix.diagonal()
    noise = np.maximum(_numbers(noisy) - prior.variance(table), 0.0)
    process = ExactProcess.of(prior.covariance, prior.variance, prior.mean, table, targets, noise)
    return process, noise.mean(keepdims=True)


def _adam(model: Any, features: Tensor, values: Tensor) -> None:
    evidence = imported().mlls.ExactMarginalLogLikelihood(model.likelihood, model)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        (-evidence(model(features), values)).backward()
        optimiser.step()


def _numbers(tensor: Tensor) -> Array:
    return tensor.detach().double().cpu().numpy()
