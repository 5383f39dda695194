"""Log ratios of pseudobulks against simulation and brute force; the Jensen gap against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from pajamo.measurements.counts import sample
from pajamo.measurements.instrument import Instrument
from pajamo.measurements.pseudobulk import (
    LogRatio,
    Sums,
    combine,
    compositional_constant,
    jensen_gap,
    log_ratio,
    sampled_jensen_gap,
    variance_and_bias,
)
from pajamo.protocols.errors.counts import variance_of_log_ratio

N_P, N_C, EFFECT, PHI = 50, 250, -0.4, 0.3


def simulated(mu: float, repeats: int = 40_000):
    """Log ratios of sums that are not zero, and the share that is."""
    rng = np.random.default_rng(0)
    perturbed = sample(np.full(repeats, N_P * mu * np.exp(EFFECT)), np.array(PHI / N_P), rng)
    control = sample(np.full(repeats, N_C * mu), np.array(PHI / N_C), rng)
    kept = (perturbed > 0) & (control > 0)
    return np.log(perturbed[kept] / N_P / (control[kept] / N_C)), 1.0 - kept.mean()


def formula(mu: float):
    means = np.array([mu * np.exp(EFFECT)]), np.array([mu])
    return tuple(float(x[0]) for x in variance_and_bias(*means, np.array([PHI]), N_P, N_C))


@pytest.mark.parametrize(("mu", "variance"), [(2.0, 0.0243), (0.3, 0.124), (0.05, 0.684)])
def test_formula_gives_the_known_figures(mu, variance):
    assert formula(mu)[0] == pytest.approx(variance, rel=0.05)
    assert formula(mu)[0] == pytest.approx(variance_of_log_ratio(mu, PHI, N_P, N_C, effect=EFFECT))


def test_formula_holds_from_ten_molecules_and_breaks_below():
    common, _ = simulated(2.0)
    assert common.var() == pytest.approx(formula(2.0)[0], rel=0.05)
    assert common.mean() - EFFECT == pytest.approx(formula(2.0)[1], abs=0.003)
    border, _ = simulated(0.3)
    assert border.var() == pytest.approx(0.145, rel=0.08)
    rare, zeros = simulated(0.05)
    assert zeros == pytest.approx(0.18, abs=0.03)
    assert rare.var() < 0.7 * formula(0.05)[0]


def test_rare_genes_get_the_exact_posterior():
    """Against a plain sum over a fine grid of both rates."""
    perturbed, control = Sums(np.array([0.0, 4.0]), 3e4, 30), Sums(np.array([12.0, 7.0]), 9e4, 90)
    phi = np.array([0.5, 0.0])
    found = log_ratio(perturbed, control, phi, prior_sd=1.0)
    assert not found.delta.any()
    log_rates, effects = np.linspace(-16, -4, 1201), np.linspace(-7, 7, 701)
    for gene in range(2):
        weight = _pmf(control.counts[gene], control.library * np.exp(log_rates), phi[gene] / 90)[:, None]
        changed = perturbed.library * np.exp(log_rates[:, None] + effects)
        weight = (weight * _pmf(perturbed.counts[gene], changed, phi[gene] / 30)).sum(axis=0)
        weight *= scipy.stats.norm.pdf(effects)
        weight /= weight.sum()
        assert found.value[gene] == pytest.approx(weight @ effects, abs=2e-3)
        assert found.variance[gene] == pytest.approx(weight @ effects**2 - (weight @ effects) ** 2, rel=5e-3)


def _pmf(count, mean, phi):
    if phi == 0:
        return scipy.stats.poisson.pmf(count, mean)
    return scipy.stats.nbinom.pmf(count, 1 / phi, 1 / (1 + phi * mean))


def test_errors_are_honest_for_common_and_rare_genes():
    rng = np.random.default_rng(1)
    mu = np.repeat([0.01, 0.05, 0.3, 2.0], 250)
    effect = rng.normal(0, 0.7, len(mu))
    phi = np.full(len(mu), PHI)
    sums = [
        Sums(sample(n * mu * np.exp(e), phi / n, rng).astype(float), 1000.0 * n, n)
        for n, e in ((N_P, effect), (N_C, 0.0 * effect))
    ]
    found = log_ratio(*sums, phi, prior_sd=0.7)
    z = (found.value - effect) / np.sqrt(found.variance)
    for of in range(4):
        assert 0.85 < np.sqrt(np.mean(z[250 * of : 250 * (of + 1)] ** 2)) < 1.15


def test_an_unseen_gene_keeps_the_prior():
    found = log_ratio(Sums(np.zeros(1), 1e4, 10), Sums(np.zeros(1), 1e4, 10), np.zeros(1), prior_sd=0.5)
    assert found.value[0] == pytest.approx(0.0, abs=1e-9)
    assert found.variance[0] == pytest.approx(0.25, rel=0.05)


def test_efficiency_cancels_within_a_batch_and_ambient_does_not():
    rng = np.random.default_rng(2)
    control, effect = rng.lognormal(0, 1, 6), rng.normal(0, 0.5, 6)
    perturbed, kappa = control * np.exp(effect), rng.lognormal(0, 0.5, (2, 6))
    constant = compositional_constant(perturbed, control, kappa)
    states, profile = torch.tensor(np.array([perturbed, control])), np.full((2, 6), 1 / 6)

    def off(ambient: float) -> np.ndarray:
        parts = (kappa, np.full(2, ambient), profile, np.zeros(6), np.zeros(6))
        instrument = Instrument(*map(torch.tensor, parts))
        logs = [instrument.share(states, torch.full((2,), b)).log() for b in range(2)]
        return np.array([(s[0] - s[1]).numpy() - effect for s in logs])

    np.testing.assert_allclose(off(0.0), np.tile(constant[:, None], 6), atol=1e-12)
    assert off(0.3).std(axis=1).min() > 0.02


def test_batches_are_averaged_by_their_precision():
    ratios = [
        LogRatio(np.array([v]), np.array([s]), np.array([d])) for v, s, d in ((1, 1, True), (4, 2, False))
    ]
    found = combine(ratios)
    np.testing.assert_allclose([found.value[0], found.variance[0]], [2.0, 2.0 / 3.0])
    assert not found.delta[0]


def test_gap_of_a_quadratic_is_exact():
    rng = np.random.default_rng(3)
    hessian = torch.tensor(rng.normal(size=(2, 3, 3)))
    hessian = hessian + hessian.mT
    covariance = torch.tensor(np.cov(rng.normal(size=(3, 9))))

    def quadratic(x):
        return 0.5 * torch.einsum("ni,oij,nj->no", x, hessian, x)

    mean = torch.tensor(rng.normal(size=(4, 3)))
    found = jensen_gap(quadratic, mean, covariance.expand(4, 3, 3))
    expected = 0.5 * torch.einsum("oij,ij->o", hessian, covariance)
    np.testing.assert_allclose(found, expected.expand(4, 2), atol=1e-12)


def test_mean_of_a_nonlinear_population_at_rest_is_no_rest_point():
    """Two genes that repress each other, simulated to their stationary law: E f(X) rests, f(E X) does not."""

    def drift(x):
        return 2.0 / (1.0 + x.flip(-1).clamp(min=0) ** 2) - x

    generator = torch.Generator().manual_seed(0)
    cells = torch.ones(20_000, 2, dtype=torch.float64)
    for _ in range(1500):
        noise = torch.randn(cells.shape, generator=generator, dtype=cells.dtype)
        cells = cells + 0.02 * drift(cells) + 0.35 * 0.02**0.5 * noise
    gap, error = sampled_jensen_gap(drift, cells)
    at_mean = drift(cells.mean(0, keepdim=True))[0]
    assert (drift(cells).mean(0).abs() < 4 * error + 0.01).all()
    assert (at_mean.abs() > 0.05).all()
    np.testing.assert_allclose(gap, -at_mean, atol=0.02)
    second = jensen_gap(drift, cells.mean(0, keepdim=True), torch.cov(cells.T)[None])[0]
    assert (torch.sign(second) == torch.sign(gap)).all()


def test_gap_is_differentiable():
    def cubic(x):
        return x**3

    mean = torch.tensor([[0.5, -1.0]], dtype=torch.float64, requires_grad=True)
    gap = jensen_gap(cubic, mean, 0.2 * torch.eye(2, dtype=torch.float64)[None])
    np.testing.assert_allclose(gap.detach(), 3 * 0.2 * mean.detach())
    gap.sum().backward()
    np.testing.assert_allclose(mean.grad, [[0.6, 0.6]])
