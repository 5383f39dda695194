"""Exact Gaussian process with a length scale for each feature: the learner for hundreds of results of any shape."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import one_thread
from pajamo.campaigns.learners.exact_process import ExactProcess
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import Results, checked
from pajamo.campaigns.learners.linear import known_noise
from pajamo.campaigns.learners.scaling import Scale, ScaledFeatures
from pajamo.campaigns.learners.seeding import plain_seed
from pajamo.campaigns.predictive import Array, KernelPredictive, Rows

Shape = Literal["squared-exponential", "matern-5/2"]
LENGTHS = (1e-2, 1e3)
"""Range of length scales, in standard deviations of a feature."""
AMPLITUDES = (1e-2, 1e3)
"""Range of the prior variance, in units of what was recorded."""
FURTHER = (1e-6, 4.0)
"""Range of the noise beside what is known, in units of what was recorded."""
ENTRIES = 2**25
"""Most numbers in the gradient of the covariance, L squared times F; above, part of the results set the scales."""
MOST_FOR_SCALES = 1000
"""Most results that set the scales, each step of which costs their third power; all of them are learnt from."""
JITTER = 1e-10


@dataclass(frozen=True)
class FittedProcess(Fitted):
    """A Gaussian process's posterior.

    Attributes
    ----------
    inputs, outputs: units of features and values.
    kernel: its shape.
    lengths: length scale of each feature in its standard deviations; shape (F,).
    amplitude: prior variance, in units of what was recorded.
    further: variance of the noise beside what is known, in units of what was recorded.
    process: that has seen the results, in units of length scales and recorded deviations.
    noise: variance of one further measurement of each output, in its own unit; shape (D,).
    """

    inputs: Scale
    outputs: Scale
    kernel: Shape
    lengths: Array
    amplitude: float
    further: float
    process: ExactProcess
    noise: Array

    def predict(self, features: Features) -> KernelPredictive:
        """Gaussian with all covariances, of which columns are computed when they are asked for."""
        inner = self.embed(features)
        unit, centre = self.outputs.deviation, self.outputs.centre
        return self.process.predict(inner, noise=self.noise, unit=unit, centre=centre)

    def embed(self, features: Features) -> ScaledFeatures:
        """Features in units of their length scales: distances are what the kernel reads."""
        return ScaledFeatures(features, self.inputs, 1.0 / self.lengths)

    def fingerprint(self) -> str:
        """Hash of units, the prior, and what was seen."""
        process = self.process
        return fingerprint(
            "gaussian-process",
            {
                "inputs": np.stack([self.inputs.centre, self.inputs.deviation]),
                "outputs": np.stack([self.outputs.centre, self.outputs.deviation]),
                "lengths": self.lengths,
                "kernel": self.kernel,
                "prior": np.array([self.amplitude, self.further]),
                "seen": process.seen,
                "root": process.root,
                "weights": process.weights,
                "noise": self.noise,
            },
        )


class GaussianProcess(Learner):
    """Exact Gaussian process; outputs share the kernel. Length scales, amplitude and noise maximise the evidence.

    Known noise is taken as it is (its mean over outputs, each in units of what was recorded), and what it leaves
    unexplained is found as well. The evidence is scikit-learn's. Costs O(L^3) for L results, and O(N L) for each
    column of the covariance of N candidates.

    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sections 2.2 and 5.4.1.

    Parameters
    ----------
    kernel: "squared-exponential" for smooth responses, "matern-5/2" for rougher ones.
    restarts: further starts of the search for length scales, at random by the seed.
    """

    name: ClassVar[str] = "gaussian-process"

    def __init__(self, kernel: Shape = "squared-exponential", restarts: int = 1) -> None:
        self.kernel, self.restarts = kernel, restarts

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedProcess:
        """Fit; the seed chooses starts of the search."""
        results = checked(features, values, noise)
        inputs, outputs = Scale.of(results.features), Scale.of(results.values)
        table, targets = inputs.apply(results.features), outputs.apply(results.values)
        known = known_noise(results, outputs)
        with one_thread():
            shape, amplitude, further = self._scales(table, targets, known, seed)
        lengths = np.broadcast_to(shape.length_scale, table.shape[1:]).copy()
        prior = _Prior(shape.clone_with_theta(np.zeros_like(shape.theta)), amplitude, targets.shape[1])
        process = ExactProcess.of(
            prior.covariance, prior.variance, prior.mean, table / lengths, targets, known + further + JITTER
        )
        variance = _further_noise(results, outputs, further)
        return FittedProcess(inputs, outputs, self.kernel, lengths, amplitude, further, process, variance)

    def _scales(self, table: Array, targets: Array, known: Array, seed: int) -> tuple[Any, float, float]:
        """The kernel with the most evidence, its amplitude, and the noise that is left."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

        rows = _few(len(table), table.shape[1], seed)
        # A start at the typical distance between candidates, which grows with the number of features.
        lengths = np.full(table.shape[1], max(1.0, np.sqrt(table.shape[1])))
        kernel = ConstantKernel(1.0, AMPLITUDES) * self._shape(lengths) + WhiteKernel(0.1, FURTHER)
        model = GaussianProcessRegressor(
            kernel,
            alpha=known[rows] + JITTER,
            n_restarts_optimizer=self.restarts,
            random_state=plain_seed(seed),
        )
        with warnings.catch_warnings():
            # A length scale at its bound belongs to a feature that does not matter: nothing is wrong.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(table[rows], targets[rows])
        found = model.kernel_
        return found.k1.k2, float(found.k1.k1.constant_value), float(found.k2.noise_level)

    def _shape(self, lengths: Array) -> Any:
        from sklearn.gaussian_process.kernels import RBF, Matern

        smooth = self.kernel == "squared-exponential"
        return RBF(lengths, LENGTHS) if smooth else Matern(lengths, LENGTHS, nu=2.5)


@dataclass(frozen=True)
class _Prior:
    """A kernel of scikit-learn whose length scales are all 1, times an amplitude; the mean is zero."""

    shape: Any
    amplitude: float
    outputs: int

    def covariance(self, first: Array, second: Array) -> Array:
        return np.asarray(self.amplitude * self.shape(first, second))

    def variance(self, rows: Array) -> Array:
        return np.full(len(rows), self.amplitude)

    def mean(self, rows: Array) -> Array:
        return np.zeros((len(rows), self.outputs))


def _further_noise(results: Results, outputs: Scale, further: float) -> Array:
    known = 0.0 if results.noise is None else results.noise.mean(axis=0)
    return np.asarray(known + further * outputs.deviation**2)


def _few(results: int, features: int, seed: int) -> Rows:
    """Rows that set the length scales: all, unless there are too many, or the gradient would not fit in memory."""
    most = max(2, min(MOST_FOR_SCALES, int(np.sqrt(ENTRIES / max(features, 1)))))
    if results <= most:
        return np.arange(results)
    return np.sort(np.random.default_rng(seed).permutation(results)[:most])
