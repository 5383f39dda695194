"""Censored rates: densities, tails, draws, and what clipping would have got wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from pajamo.measurements.scalar.rates import LogRate
from pajamo.measurements.scalar.standard import STANDARD

LAWS = {"gaussian": stats.norm(), "student": stats.t(4)}
FAR = torch.tensor([-1e6, -40.0, -5.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 5.0, 40.0, 1e6], dtype=torch.float64)


def rows(value, censored=0.0, error=None):
    value = torch.atleast_1d(torch.as_tensor(value, dtype=torch.float64))
    found = {"value": value, "censored": torch.as_tensor(censored, dtype=torch.float64).expand(value.shape)}
    return found if error is None else found | {"error": torch.full_like(value, error)}


def measuring(noise="gaussian", scale=0.5, **limits):
    found = LogRate(noise, **limits).double()
    with torch.no_grad():
        found.log_scale.fill_(math.log(scale))
    return found


def natural(log10):
    return torch.as_tensor(log10, dtype=torch.float64) * math.log(10.0)


@pytest.mark.parametrize("noise", LAWS)
def test_standard_distributions_are_scipys(noise):
    ours, law = STANDARD[noise], LAWS[noise]
    np.testing.assert_allclose(ours.log_density(FAR), law.logpdf(FAR), rtol=1e-12)
    near = FAR[FAR.abs() < 100]
    np.testing.assert_allclose(ours.log_below(near), law.logcdf(near), rtol=1e-9)
    drawn = ours.draw(4000, torch.Generator().manual_seed(1)).numpy()
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("noise", LAWS)
def test_what_lies_below_has_the_density_as_its_slope_and_finite_bends_everywhere(noise):
    at = FAR.clone().requires_grad_(True)
    below = STANDARD[noise].log_below(at)
    (slope,) = torch.autograd.grad(below.sum(), at, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), at)
    expected = (STANDARD[noise].log_density(at) - below).exp()
    torch.testing.assert_close(slope[1:-1], expected[1:-1], rtol=1e-6, atol=1e-12)
    assert slope.isfinite().all()
    assert bend.isfinite().all()


@pytest.mark.parametrize("noise", LAWS)
@pytest.mark.parametrize("error", [None, 0.4])
def test_what_may_be_recorded_has_probability_one(noise, error):
    measurement, activity = measuring(noise), natural([-3.2])

    def density(value):
        return measurement.log_likelihood(activity, rows(value, 0.0, error)).exp().item()

    resolved = integrate.quad(density, -5.0, -2.5, limit=200)[0]
    slower = measurement.log_likelihood(activity, rows(-5.0, -1.0, error)).exp().item()
    faster = measurement.log_likelihood(activity, rows(-2.5, 1.0, error)).exp().item()
    assert resolved + slower + faster == pytest.approx(1.0, abs=1e-8)


def test_errors_and_the_scale_add_up_as_variances():
    found = measuring(scale=0.3).log_likelihood(natural([-2.0]), rows(-1.0, 0.0, 0.4))
    assert found.item() == pytest.approx(stats.norm.logpdf(-1.0, -2.0, 0.5))


@pytest.mark.parametrize("noise", LAWS)
def test_the_likelihood_is_differentiable_far_from_what_was_recorded(noise, assert_differentiable):
    measurement = measuring(noise)
    assert_differentiable(
        measurement, natural([-4.0, -3.0, -2.0]), rows([-3.5, -3.5, -3.5], [0.0, -1.0, 1.0])
    )
    centre = natural([-23.0, 17.0] * 3).requires_grad_(True)
    found = measurement.log_likelihood(centre, rows([-3.0] * 6, [0.0, 0.0, -1.0, -1.0, 1.0, 1.0]))
    (slope,) = torch.autograd.grad(found.sum(), centre, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), centre)
    for values in (found, slope, bend):
        assert values.isfinite().all()


def test_a_fit_needs_derivatives_that_are_finite(second_derivatives):
    measurement = measuring("student", lower=-5.0)
    activity = natural([-30.0, -5.0, -3.0, 20.0])
    found = second_derivatives(
        measurement, activity, rows([-5.0, -5.0, -3.1, -2.0], [-1.0, -1.0, 0.0, 0.0], 0.1)
    )
    assert all(values.isfinite().all() for values in found)


def test_draws_become_the_limit_where_they_lie_beyond_and_keep_their_errors():
    measurement, rates = measuring(lower=-5.0, upper=-1.0), natural(np.linspace(-7, 1, 9).repeat(2000))
    drawn = measurement.draw(rates, rows(np.zeros(18_000), 0.0, 0.2), torch.Generator().manual_seed(0))
    assert set(drawn) == {"value", "censored", "error"}
    value, censored = drawn["value"], drawn["censored"]
    assert (value[censored == -1] == -5.0).all()
    assert (value[censored == 1] == -1.0).all()
    assert value[censored == 0].min() > -5.0
    assert value[censored == 0].max() < -1.0
    share = (censored == -1).double().reshape(9, -1).mean(dim=1).numpy()
    expected = stats.norm.cdf((-5.0 - np.linspace(-7, 1, 9)) / np.hypot(0.5, 0.2))
    np.testing.assert_allclose(share, expected, atol=0.04)


def test_the_mean_rate_is_the_mechanisms_and_what_is_recorded_stays_within_the_limits():
    measurement = measuring(lower=-5.0)
    assert not measurement.normalised
    rates = natural([-8.0, -3.0, 2.0])
    torch.testing.assert_close(measurement.expected(rates), torch.tensor([-8.0, -3.0, 2.0]).double())
    recorded = measurement.expected_recorded(rates)
    torch.testing.assert_close(recorded, torch.tensor([-5.0, -3.0, 2.0]).double(), rtol=0, atol=0.01)
    assert measurement.reads(rows([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_the_first_scale_is_the_spread_of_what_was_resolved():
    measurement = LogRate().double()
    measurement.start(torch.zeros(4), rows([-5.0, -5.0, -2.0, -4.0], [-1.0, -1.0, 0.0, 0.0]))
    assert measurement.log_scale.item() == pytest.approx(0.0)
    assert measurement.penalty().item() == 0.0
    measurement.start(torch.zeros(2), rows([-5.0, -5.0], -1.0))
    assert measurement.log_scale.isfinite()


@pytest.mark.parametrize("noise", LAWS)
def test_the_truth_is_recovered_although_half_is_censored(noise):
    """A line through rates, of which half are only known to be below 1e-5: a fit to clipped ones is too flat."""
    random = np.random.default_rng(4)
    x = random.uniform(-1, 1, 3000)
    truth = measuring(noise, 0.6, lower=-5.0)
    with torch.no_grad():
        drawn = truth.draw(natural(-5.0 + 1.5 * x), rows(np.zeros(3000)), torch.Generator().manual_seed(3))
    assert 0.4 < (drawn["censored"] == -1).double().mean() < 0.6
    line = torch.tensor([-4.0, 0.5], dtype=torch.float64, requires_grad=True)
    measurement = LogRate(noise, lower=-5.0).double()
    measurement.start(torch.zeros(3000), drawn)
    optimiser = torch.optim.LBFGS(
        [line, *measurement.parameters()], max_iter=80, line_search_fn="strong_wolfe"
    )

    def loss():
        optimiser.zero_grad()
        total = (
            measurement.penalty()
            - measurement.log_likelihood(
                (line[0] + line[1] * torch.as_tensor(x)) * math.log(10.0), drawn
            ).sum()
        )
        total.backward()
        return total

    optimiser.step(loss)
    assert line.tolist() == pytest.approx([-5.0, 1.5], abs=0.1)
    assert measurement.log_scale.exp().item() == pytest.approx(0.6, abs=0.06)
    clipped = np.polyfit(x, drawn["value"].numpy(), 1)
    assert clipped[0] < 1.0


@pytest.mark.parametrize("noise", ["gaussian", "student"])
def test_the_mean_that_is_recorded_is_that_of_draws(noise: str) -> None:
    measurement = measuring(noise, lower=-5.0, upper=-2.0)
    places = np.linspace(-6, -1, 6)
    drawn = measurement.draw(
        natural(places.repeat(40_000)), rows(np.zeros(240_000)), torch.Generator().manual_seed(1)
    )
    mean = drawn["value"].reshape(6, -1).mean(dim=1)
    torch.testing.assert_close(measurement.expected_recorded(natural(places)), mean, rtol=0, atol=0.01)


def test_clipped_readings_are_values_and_predictions_come_to_the_limit_softly() -> None:
    measurement = measuring(lower=-5.0, clipped=True)
    recorded = rows([-5.0, -5.0, -3.0], [-1.0, -1.0, 0.0])
    far, near = (
        measurement.log_likelihood(natural([place, place, -3.0]), recorded) for place in (-9.0, -6.0)
    )
    peak = stats.norm.logpdf(0.0, scale=0.5)
    np.testing.assert_allclose(far.detach().numpy(), peak, atol=1e-6)
    np.testing.assert_allclose(near.detach().numpy()[:2], peak, atol=1e-3)
    above = natural([-4.0, -4.0, -3.0]).requires_grad_(True)
    (slope,) = torch.autograd.grad(measurement.log_likelihood(above, recorded).sum(), above)
    assert (slope[:2] < 0).all()
