"""GPyTorch's exact Gaussian processes give GPyTorch's own posterior, by columns."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch

from pajamo.campaigns.learners.gpytorch_models import GPyTorch, predictive_of
from pajamo.errors import MissingExtraError, ModelError

gpytorch = pytest.importorskip("gpytorch")


class Model(gpytorch.models.ExactGP):
    def __init__(self, features, values, likelihood):
        super().__init__(features, values, likelihood)
        self.mean_module = gpytorch.means.LinearMean(features.shape[1])
        self.covar_module = gpytorch.kernels.ScaleKernel(
            gpytorch.kernels.MaternKernel(ard_num_dims=features.shape[1])
        )

    def forward(self, features):
        return gpytorch.distributions.MultivariateNormal(
            self.mean_module(features), self.covar_module(features)
        )


def build(features, values, noise):
    if noise is None:
        return Model(features, values, gpytorch.likelihoods.GaussianLikelihood())
    return Model(features, values, gpytorch.likelihoods.FixedNoiseGaussianLikelihood(noise))


def planted(results=25, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.uniform(-2, 2, (results, 2))
    return table, 5 * np.sin(table[:, :1]) + table[:, 1:] + 0.1 * rng.normal(size=(results, 1))


@pytest.mark.parametrize("known", [False, True])
def test_the_posterior_is_that_of_gpytorch(known):
    table, values = planted()
    noise = np.random.default_rng(0).uniform(0.1, 1.0, values.shape) if known else None
    fitted = GPyTorch(build).fit(table, values, noise, seed=0)
    candidates = planted(12, seed=1)[0]
    with torch.no_grad():
        own = fitted.model(torch.from_numpy(fitted.inputs.apply(candidates)))
    unit = fitted.outputs.deviation
    predicted = fitted.predict(candidates)
    np.testing.assert_allclose(
        predicted.mean[:, 0], own.mean.numpy() * unit + fitted.outputs.centre, rtol=1e-5
    )
    np.testing.assert_allclose(predicted.columns(np.arange(12)), own.covariance_matrix.numpy(), atol=1e-6)
    np.testing.assert_allclose(predicted.variance[:, 0], own.variance.numpy() * unit**2, rtol=1e-3, atol=1e-6)
    if noise is not None:
        np.testing.assert_allclose(fitted.noise, noise.mean(), rtol=1e-6)


def test_the_same_seed_gives_the_same_bits():
    table, values = planted()
    first = GPyTorch(build).fit(table, values, seed=3)
    torch.rand(5)
    again = GPyTorch(build).fit(table, values, seed=3)
    assert again.fingerprint() == first.fingerprint()
    np.testing.assert_array_equal(again.predict(table).mean, first.predict(table).mean)
    assert (
        GPyTorch(build).fit(table, values + 0.1 * table[:, :1], seed=3).fingerprint() != first.fingerprint()
    )


def test_a_distribution_over_a_small_pool():
    covariance = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    distribution = gpytorch.distributions.MultivariateNormal(torch.tensor([1.0, 3.0]), covariance)
    predicted = predictive_of(distribution)
    np.testing.assert_allclose(predicted.mean[:, 0], [1.0, 3.0])
    np.testing.assert_allclose(predicted.columns(np.arange(2)), covariance.numpy())
    batch = gpytorch.distributions.MultivariateNormal(torch.zeros(3, 2), covariance.expand(3, 2, 2))
    with pytest.raises(ModelError, match="not one number a candidate"):
        predictive_of(batch)


def test_what_it_cannot_do_is_told():
    table, values = planted()
    with pytest.raises(ModelError, match="2 readouts"):
        GPyTorch(build).fit(table, np.repeat(values, 2, axis=1), seed=0)
    with pytest.raises(ModelError, match="Linear is no ExactGP"):
        GPyTorch(lambda features, values, noise: torch.nn.Linear(2, 1)).fit(table, values, seed=0)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name == "gpytorch":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pajamo\[gp\]"):
        GPyTorch(build)
