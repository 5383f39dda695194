"""A continuous reading: any nonlinearity with any noise; finite derivatives; planted truth."""

from itertools import product

import numpy as np
import pytest
import torch

from pajamo.config.assays import ContinuousSettings
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.models.assays.measuring import NOISES, reading_of

CURVES = ("linear", "sigmoid", "tanh", "spline", "background")
PAIRS = list(product(CURVES, NOISES))


def reading(nonlinearity: str, noise: str, **more) -> ContinuousReading:
    settings = {"nonlinearity": nonlinearity, "noise": noise, "error": "e", "coordinate": "log", "hidden": 6}
    return reading_of(ContinuousSettings(**settings | more)).double()


def planted(n: int = 400, seed: int = 0) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    random = np.random.default_rng(seed)
    activity = random.normal(-2.0, 2.0, n)
    value = 3 * np.tanh((activity + 2) / 2) + 0.2 * random.normal(size=n)
    recorded = {"value": torch.as_tensor(value), "error": torch.full((n,), 0.1, dtype=torch.float64)}
    return torch.as_tensor(activity), recorded


def fit(measurement: ContinuousReading, activity: torch.Tensor, recorded: dict[str, torch.Tensor]) -> None:
    optimiser = torch.optim.LBFGS(measurement.parameters(), max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = measurement.penalty() - measurement.log_likelihood(activity, recorded).sum()
        total.backward()
        return total

    optimiser.step(loss)


@pytest.mark.parametrize(("nonlinearity", "noise"), PAIRS)
def test_derivatives_agree_with_finite_differences(nonlinearity, noise, assert_differentiable):
    measurement = reading(nonlinearity, noise, heteroskedastic=2)
    activity, recorded = planted(6)
    measurement.start(activity, recorded)
    assert_differentiable(measurement, activity, recorded)


@pytest.mark.parametrize(("nonlinearity", "noise"), PAIRS)
@pytest.mark.parametrize("monotone", [True, False])
def test_second_derivatives_are_finite_at_extremes(nonlinearity, noise, monotone, second_derivatives):
    measurement = reading(nonlinearity, noise, heteroskedastic=4, monotone=monotone)
    measurement.start(*planted())
    activity = torch.tensor([-1e3, -50.0, 0.0, 50.0, 1e3], dtype=torch.float64)
    value = torch.tensor([0.0, 1e3, -1e3, 1.0, 0.0], dtype=torch.float64)
    found = second_derivatives(measurement, activity, {"value": value, "error": torch.ones_like(value)})
    assert all(torch.isfinite(part).all() for part in found)


@pytest.mark.parametrize("nonlinearity", ["sigmoid", "tanh", "spline"])
def test_a_planted_curve_is_recovered(nonlinearity):
    measurement = reading(nonlinearity, "gaussian")
    activity, recorded = planted()
    measurement.start(activity, recorded)
    fit(measurement, activity, recorded)
    at = torch.linspace(-6.0, 2.0, 41, dtype=torch.float64)
    expected = measurement.expected(at).detach()
    assert (expected - 3 * torch.tanh((at + 2) / 2)).abs().max().item() < 0.2
    assert measurement.noise.log_scale(at).exp()[0].item() == pytest.approx(0.2, rel=0.12)


def test_a_noise_that_grows_with_the_mean_is_recovered():
    random = np.random.default_rng(3)
    activity = torch.as_tensor(random.normal(0.0, 1.0, 4000))
    value = torch.as_tensor(
        2 * activity.numpy() + np.exp(-1 + 0.5 * activity.numpy()) * random.normal(size=4000)
    )
    measurement = reading("linear", "gaussian", heteroskedastic=1)
    measurement.start(activity, {"value": value})
    fit(measurement, activity, {"value": value})
    at = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    found = measurement.noise.log_scale(measurement.nonlinearity(at)).detach().numpy()
    np.testing.assert_allclose(found, [-1.5, -0.5], atol=0.1)


@pytest.mark.parametrize("noise", NOISES)
def test_one_row_and_rows_alike_start_and_stay_finite(noise):
    for n in (1, 4):
        measurement = reading("tanh", noise, heteroskedastic=1)
        recorded = {"value": torch.full((n,), 2.0).double(), "error": torch.ones(n).double()}
        activity = torch.full((n,), -1.0).double()
        measurement.start(activity, recorded)
        assert torch.isfinite(measurement.log_likelihood(activity, recorded)).all()
        drawn = measurement.draw(activity, recorded, torch.Generator().manual_seed(0))
        assert torch.isfinite(drawn["value"]).all()
        assert measurement.reads(recorded).tolist() == [1.0] * n


def test_the_unit_of_the_values_does_not_matter():
    activity, recorded = planted()
    found = []
    for factor in (1.0, 1e4):
        measurement = reading("tanh", "skewed-t", heteroskedastic=1)
        scaled = {"value": factor * recorded["value"] + 3 * factor}
        measurement.start(activity, scaled)
        likelihood = measurement.log_likelihood(activity, scaled).sum() + len(activity) * np.log(factor)
        found.append(likelihood.item())
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_the_background_keeps_the_activitys_own_scale():
    assert not reading("background", "gaussian").normalised
    assert reading("tanh", "gaussian").normalised
