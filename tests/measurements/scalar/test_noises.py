"""Distributions about the mean: normalised, equal to scipy's, drawn as they say."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from pajamo.measurements.scalar.noise.cauchy import CauchyNoise
from pajamo.measurements.scalar.noise.gaussian import GaussianNoise
from pajamo.measurements.scalar.noise.measured import MeasuredNoise
from pajamo.measurements.scalar.noise.noise import Noise
from pajamo.measurements.scalar.noise.scale import LogPolynomial
from pajamo.measurements.scalar.noise.skewed_t import SkewedTNoise, log_skewed_t, mode

NOISES = [GaussianNoise, CauchyNoise, SkewedTNoise, MeasuredNoise]


def made(kind: type[Noise], order: int = 2, seed: int = 0) -> Noise:
    noise = kind(order).double()
    noise.start(torch.zeros(3), {"value": torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)})
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in noise.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return noise


def recorded(value, error: float = 0.7) -> dict[str, torch.Tensor]:
    value = torch.atleast_1d(torch.as_tensor(value, dtype=torch.float64))
    return {"value": value, "error": torch.full_like(value, error)}


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("centre", [-1.5, 0.3, 4.0])
def test_densities_integrate_to_one(kind, centre):
    noise = made(kind)

    def density(value: float) -> float:
        at = torch.tensor([centre], dtype=torch.float64)
        return noise.log_density(at, recorded(value)).exp().item()

    pieces = [(-np.inf, centre - 5), (centre - 5, centre + 5), (centre + 5, np.inf)]
    assert sum(integrate.quad(density, *piece, limit=200)[0] for piece in pieces) == pytest.approx(
        1.0, abs=1e-6
    )


def test_gaussian_and_cauchy_are_scipys():
    centre, value = torch.tensor([0.5], dtype=torch.float64), 2.0
    for kind, law in ((GaussianNoise, stats.norm), (CauchyNoise, stats.cauchy)):
        noise = made(kind)
        scale = noise.log_scale(centre).exp().item()
        assert noise.log_density(centre, recorded(value)).item() == pytest.approx(
            law.logpdf(value, 0.5, scale)
        )


@pytest.mark.parametrize(("a", "b"), [(1.3, 1.3), (2.0, 5.0), (7.0, 1.1)])
def test_skewed_t_is_scipys(a, b):
    t = np.array([-50.0, -3.0, -0.2, 0.0, 1.0, 8.0, 300.0])
    ours = log_skewed_t(
        torch.as_tensor(t), torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    )
    np.testing.assert_allclose(ours.numpy(), stats.jf_skew_t.logpdf(t, a, b), rtol=1e-9)


def test_skewed_t_with_equal_tails_is_students_t():
    t = torch.linspace(-1e3, 1e3, 9, dtype=torch.float64)
    a = torch.tensor(4.0, dtype=torch.float64)
    np.testing.assert_allclose(log_skewed_t(t, a, a).numpy(), stats.t.logpdf(t.numpy(), 8.0), rtol=1e-12)


def test_the_centre_of_skewed_t_is_the_most_probable_value():
    a, b = torch.tensor(2.0, dtype=torch.float64), torch.tensor(6.0, dtype=torch.float64)
    at = mode(a, b).requires_grad_(True)
    (slope,) = torch.autograd.grad(log_skewed_t(at, a, b), at)
    assert slope.item() == pytest.approx(0.0, abs=1e-12)


def test_the_mean_of_skewed_t_is_its_first_moment():
    noise = made(SkewedTNoise, seed=3)
    centre = torch.tensor([0.8], dtype=torch.float64)
    a, b = (tail.item() for tail in noise.tails(centre))
    moment = stats.jf_skew_t.mean(a, b) - mode(*noise.tails(centre)).item()
    expected = 0.8 + noise.log_scale(centre).exp().item() * moment
    assert noise.mean(centre).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", NOISES)
def test_draws_follow_the_density(kind):
    noise, n = made(kind, seed=5), 4000
    centre = torch.full((n,), 0.6, dtype=torch.float64)
    drawn = noise.draw(centre, recorded(np.zeros(n)), torch.Generator().manual_seed(2)).detach().numpy()
    grid = np.sort(np.concatenate([np.linspace(-60, 60, 24001), 0.6 + np.sinh(np.linspace(-18, 18, 4001))]))
    density = noise.log_density(torch.full((len(grid),), 0.6, dtype=torch.float64), recorded(grid)).exp()
    below = integrate.cumulative_trapezoid(density.detach().numpy(), grid, initial=0.0)
    assert stats.kstest(drawn, lambda at: np.interp(at, grid, below)).pvalue > 1e-3


def test_measured_errors_are_variances_that_add_up_and_keep_their_rows():
    noise = MeasuredNoise().double()
    noise.start(torch.zeros(2), recorded([0.0, 2.0]))
    extra = noise.log_scale(torch.zeros(1, dtype=torch.float64)).exp().item()
    rows = {"value": torch.tensor([1.0, 1.0]).double(), "error": torch.tensor([0.1, 3.0]).double()}
    found = noise.log_density(torch.zeros(2, dtype=torch.float64), rows).detach().numpy()
    np.testing.assert_allclose(
        found, stats.norm.logpdf(1.0, 0.0, np.sqrt(np.array([0.1, 3.0]) ** 2 + extra**2))
    )


def test_measured_errors_recover_what_they_leave_unexplained():
    random = np.random.default_rng(1)
    error = random.uniform(0.1, 2.0, 3000)
    value = torch.as_tensor(random.normal(0.0, np.sqrt(error**2 + 0.5**2)))
    noise = MeasuredNoise().double()
    rows = {"value": value, "error": torch.as_tensor(error)}
    noise.start(torch.zeros(3000), rows)
    optimiser = torch.optim.LBFGS(noise.parameters(), max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = noise.penalty() - noise.log_density(torch.zeros(3000, dtype=torch.float64), rows).sum()
        total.backward()
        return total

    optimiser.step(loss)
    fitted = noise.log_scale(torch.zeros(1, dtype=torch.float64)).exp().item()
    assert fitted == pytest.approx(0.5, abs=0.06)


def test_the_scale_is_a_polynomial_over_the_values_and_bounded_beyond():
    scale = LogPolynomial(2).double()
    with torch.no_grad():
        scale.coefficients.copy_(torch.tensor([0.5, -0.2, 0.1]))
    near = torch.tensor([-0.2, 0.1], dtype=torch.float64)
    torch.testing.assert_close(scale(near), 0.5 - 0.2 * near + 0.1 * near**2, atol=1e-3, rtol=0)
    far = scale(torch.tensor([-1e6, 1e6], dtype=torch.float64))
    assert far.tolist() == pytest.approx([0.5 + 1.0 + 2.5, 0.5 - 1.0 + 2.5])


def test_the_first_scale_is_that_of_the_values():
    noise = GaussianNoise(3).double()
    noise.start(torch.zeros(2), recorded([4.0, 8.0]))
    assert noise.log_scale(torch.tensor(100.0).double()).item() == pytest.approx(math.log(2.0))
