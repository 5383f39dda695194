"""Stationarity losses: what is biased is, what is corrected is not, and closed forms equal plain ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.mechanisms.rest_systems import network, some_edits, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.jacobian import jacobian_of
from pajamo.mechanisms.flows.resting.rest import rest_point
from pajamo.mechanisms.flows.stationarity.estimators import pair_mean, squared_mean
from pajamo.mechanisms.flows.stationarity.guard import covariance_share, split_half_share
from pajamo.mechanisms.flows.stationarity.kernel import _generator, kernel_deviation, median_bandwidth
from pajamo.mechanisms.flows.stationarity.losses import (
    cell_factor,
    covariance_corrected,
    kept_components,
    naive,
    of_cells,
    scaled_residual,
    split_half,
)
from pajamo.mechanisms.flows.stationarity.second import (
    covariance_residual,
    naive_second,
    second_of_cells,
    split_half_second,
)
from pajamo.mechanisms.flows.stochastic.linear_noise import GaussianLaw, stationary_law

DRAWS = 4000


@pytest.fixture
def linear():
    """A linear drift of 12 genes, a state that is not at rest, and the noise of its mean."""
    draw = torch.Generator().manual_seed(0)
    matrix = 0.2 * torch.randn(12, 12, generator=draw, dtype=torch.float64) - torch.eye(12)
    state = torch.rand(1, 12, generator=draw, dtype=torch.float64)
    factor = 0.2 * torch.randn(12, 12, generator=draw, dtype=torch.float64) / 12**0.5
    return (lambda x, _: x @ matrix.T), matrix, state, factor


def noisy(state, factor, draw):
    return state + torch.randn(DRAWS, 12, generator=draw, dtype=torch.float64) @ factor.T


def within(values, expected, errors=4.0):
    """Whether the mean of independent estimates is the expected value within its standard error."""
    return (values.mean() - expected).abs() < errors * values.std() / len(values) ** 0.5


def test_naive_is_biased_by_the_trace_and_both_cures_are_not(linear):
    drift, matrix, state, factor = linear
    draw, none = torch.Generator().manual_seed(1), unperturbed(DRAWS, 12)
    truth = drift(state, none).square().mean()
    mean = noisy(state, factor, draw)
    residual = scaled_residual(drift, mean, none).square().mean(-1)
    bias = (matrix @ factor).square().sum() / 12
    assert within(residual, truth + bias)
    assert not within(residual, truth)
    trace = covariance_corrected(drift, mean, factor.expand(DRAWS, -1, -1), none) - naive(drift, mean, none)
    assert trace.item() == pytest.approx(-bias.item())
    halves = [noisy(state, 2**0.5 * factor, draw) for _ in range(2)]
    product = (drift(halves[0], none) * drift(halves[1], none)).mean(-1)
    assert within(product, truth)
    assert split_half(drift, tuple(halves), none).item() == pytest.approx(product.mean().item())


def test_random_signs_estimate_the_trace(linear):
    drift, _, state, factor = linear
    none, noise = unperturbed(400, 12), factor.expand(400, -1, -1)
    exact = covariance_corrected(drift, state.expand(400, -1), noise, none)
    draw = torch.Generator().manual_seed(0)
    probed = covariance_corrected(drift, state.expand(400, -1), noise, none, probes=8, generator=draw)
    assert probed.item() == pytest.approx(exact.item(), rel=0.05)
    assert probed.item() != exact.item()


def test_the_correction_by_programmes_is_that_of_the_dense_jacobian():
    drift, edits = network(7, 2), some_edits(3, 7)
    draw = torch.Generator().manual_seed(0)
    mean = torch.rand(3, 7, generator=draw, dtype=torch.float64)
    noise = 0.1 * torch.randn(3, 7, 5, generator=draw, dtype=torch.float64)
    plain = covariance_corrected(lambda x, p: drift(x, p) / drift.decay, mean, noise, edits)
    assert covariance_corrected(drift, mean, noise, edits).item() == pytest.approx(plain.item())
    dense = jacobian_of(drift, mean, edits).dense() / drift.decay.unsqueeze(-1)
    kept = kept_components(edits)
    traces = (dense @ noise).square().sum(-1).mul(kept).sum(-1) / kept.sum(-1)
    expected = naive(drift, mean, edits) - traces.mean()
    assert covariance_corrected(drift, mean, noise, edits).item() == pytest.approx(expected.item())


def test_the_truth_is_at_rest_and_hard_edits_drop_their_own_equation():
    drift, edits = network(10, 3), some_edits(5, 10)
    state = rest_point(drift, edits, torch.ones(10, dtype=torch.float64)).state.detach()
    assert naive(drift, state, edits).item() < 1e-18
    assert not kept_components(edits)[0, 0]
    leaky = state.clone()
    leaky[0, 0] += 0.3  # cells that escaped the edit
    residual = scaled_residual(drift, leaky, edits)
    assert residual[0, 0] == 0.0
    assert residual[0, 1:].abs().max() > 1e-3


def test_residuals_are_in_units_of_the_state():
    drift, none = network(6, 2), unperturbed(2, 6)
    state = torch.ones(2, 6, dtype=torch.float64)
    before = naive(drift, state, none)
    with torch.no_grad():
        drift.log_decay.add_(2.0)
        faster = _times(drift, torch.e**2)
    assert naive(faster, state, none).item() == pytest.approx(before.item())


def _times(drift, rate):
    """The same levels at another pace: production as fast as decay."""

    def moving(state, intervention):
        return rate * (drift.production(state, intervention.medium)) - drift.decay * state

    moving.decay = drift.decay
    return moving


def test_weights_of_rows():
    drift, none = network(4, 2), unperturbed(2, 4)
    state = torch.rand(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    only = naive(drift, state, none, weight=torch.tensor([0.0, 3.0], dtype=torch.float64))
    assert only.item() == pytest.approx(naive(drift, state[1:], none[1:]).item())


def test_estimators_from_cells():
    draw = torch.Generator().manual_seed(0)
    values = torch.randn(7, 3, generator=draw, dtype=torch.float64)
    products = values @ values.T
    assert squared_mean(values, "V").item() == pytest.approx(products.mean().item())
    pairs = [products[i, j] for i in range(7) for j in range(7) if i != j]
    assert squared_mean(values, "U").item() == pytest.approx(float(sum(pairs)) / 42)
    assert pair_mean(products, "U").item() == pytest.approx(float(sum(pairs)) / 42)
    assert squared_mean(values, "linear").item() == pytest.approx(
        float(products[0, 1] + products[2, 3] + products[4, 5]) / 3
    )
    samples = 0.1 + torch.randn(4000, 6, 3, generator=draw, dtype=torch.float64)
    for estimator, bias in (("U", 0.0), ("linear", 0.0), ("V", 3 / 6)):
        found = torch.stack([squared_mean(one, estimator) for one in samples])
        assert within(found, 0.03 + bias)
    with pytest.raises(ModelError, match="too few"):
        squared_mean(values[:1], "U")
    with pytest.raises(ModelError, match="unknown estimator"):
        squared_mean(values, "W")


def test_the_loss_of_cells_and_their_factor(linear):
    drift, _, state, factor = linear
    cells = noisy(state, factor, torch.Generator().manual_seed(3))[:50]
    none = unperturbed(1, 12)
    mean = cells.mean(0, keepdim=True)
    assert of_cells(drift, cells, none, estimator="V").item() == pytest.approx(
        naive(drift, mean, none).item()
    )
    corrected = covariance_corrected(drift, mean, cell_factor(cells).unsqueeze(0), none)
    assert of_cells(drift, cells, none, estimator="U").item() == pytest.approx(corrected.item())


@pytest.fixture
def diffusing():
    """A stationary linear system and cells drawn from its law."""
    matrix = torch.tensor([[-1.0, 0.5, 0.0], [-0.7, -0.8, 0.2], [0.3, 0.0, -1.2]], dtype=torch.float64)
    offset = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    diffusion = torch.tensor([[0.5, 0.1, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.4]], dtype=torch.float64)
    law = stationary_law(matrix, offset, diffusion)

    def cells(count, seed):
        draw = torch.Generator().manual_seed(seed)
        standard = torch.randn(count, 3, generator=draw, dtype=torch.float64)
        return law.mean + standard @ torch.linalg.cholesky(law.covariance).T

    return (lambda x, _: x @ matrix.T + offset), diffusion, law, cells


def _law(cells):
    return GaussianLaw(cells.mean(0, keepdim=True), cells.T.cov().unsqueeze(0))


def test_the_stationary_covariance_leaves_no_residual(diffusing):
    drift, diffusion, law, _ = diffusing
    none = unperturbed(1, 3)
    exact = GaussianLaw(law.mean.unsqueeze(0), law.covariance.unsqueeze(0))
    assert naive_second(drift, exact, diffusion, none).item() < 1e-28
    measured = GaussianLaw(exact.mean, exact.covariance + 0.2 * torch.eye(3, dtype=torch.float64))
    noise = 0.2 * torch.eye(3, dtype=torch.float64)
    assert covariance_residual(drift, measured, diffusion, none, noise=noise).abs().max() < 1e-14
    assert naive_second(drift, measured, diffusion, none).item() > 0.01


def test_second_order_split_halves_have_no_bias(diffusing):
    drift, diffusion, _, cells = diffusing
    none = unperturbed(1, 3)
    drawn = cells(40 * 500, 0).reshape(500, 40, 3)
    wrong = 2.0 * diffusion
    truth = (diffusion / 2).square().mean()
    split = [split_half_second(drift, (_law(c[:20]), _law(c[20:])), wrong, none) for c in drawn]
    plain = [naive_second(drift, _law(c), wrong, none) for c in drawn]
    unbiased = [second_of_cells(drift, c, wrong, none) for c in drawn]
    assert within(torch.stack(split), truth)
    assert not within(torch.stack(plain), truth)
    assert torch.stack(plain).mean() > truth
    assert (torch.stack(unbiased).mean() - truth).abs() < (torch.stack(plain).mean() - truth).abs()


def test_the_kernel_generator_is_that_of_plain_differentiation():
    draw = torch.Generator().manual_seed(0)
    x, y, u, v = torch.randn(4, 3, generator=draw, dtype=torch.float64)
    half = torch.randn(3, 3, generator=draw, dtype=torch.float64)
    noise, bandwidth = half @ half.T, 1.3

    def kernel(a, b):
        return torch.exp(-(a - b).square().sum() / (2 * bandwidth**2))

    def generated(function, at, moving):
        gradient = torch.autograd.functional.jacobian(function, at, create_graph=True)
        curvature = torch.autograd.functional.hessian(function, at, create_graph=True)
        return gradient @ moving + 0.5 * (noise * curvature).sum()

    plain = generated(lambda a: generated(lambda b: kernel(a, b), y, v), x, u)
    assert _generator(x, u, y, v, noise, bandwidth).item() == pytest.approx(plain.item())


def test_the_kernel_deviation_is_zero_at_rest_and_not_elsewhere(diffusing):
    drift, diffusion, _, cells = diffusing
    none = unperturbed(1, 3)
    width = median_bandwidth(cells(500, 9))
    drawn = cells(200 * 60, 1).reshape(200, 60, 3)
    found = {
        name: torch.stack(
            [kernel_deviation(drift, c, diffusion, none, bandwidth=width, estimator=name) for c in drawn]
        )
        for name in ("U", "linear", "V")
    }
    assert within(found["U"], 0.0)
    assert within(found["linear"], 0.0)
    assert found["V"].mean() > 3 * found["V"].std() / 200**0.5
    halves = [kernel_deviation(drift, c[:30], diffusion, none, bandwidth=width, others=c[30:]) for c in drawn]
    assert within(torch.stack(halves), 0.0)
    wrong = [kernel_deviation(drift, c, 2 * diffusion, none, bandwidth=width) for c in drawn]
    assert not within(torch.stack(wrong), 0.0)


def test_the_kernel_leaves_out_hard_edits(diffusing):
    _, diffusion, _, cells = diffusing
    edits = replace(unperturbed(1, 3), factor=torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64))
    first, second = cells(20, 0), cells(20, 1)
    second[:, 1:] = first[:, 1:]

    def ignoring(x, _):
        return 0.5 - x

    both = [kernel_deviation(ignoring, c, diffusion, edits, bandwidth=1.0) for c in (first, second)]
    assert both[0].item() == pytest.approx(both[1].item())


def test_the_guard_grows_with_the_number_of_perturbations():
    draw = torch.Generator().manual_seed(0)
    shares = []
    for rows in (8, 60, 2000):
        signal = torch.randn(rows, 12, generator=draw, dtype=torch.float64)
        halves = tuple(signal + 0.8 * torch.randn(rows, 12, generator=draw).double() for _ in range(2))
        noise = (0.8 / 2**0.5 * torch.eye(12, dtype=torch.float64)).expand(rows, -1, -1)
        shares.append((split_half_share(halves), covariance_share(sum(halves) / 2, noise)))
    assert shares[0] == (0.0, 0.0)
    assert 0.0 < shares[1][0] < 1.0
    assert 0.0 < shares[1][1] < 1.0
    assert shares[2] == (1.0, 1.0)


def test_a_guarded_loss_mixes_both(linear):
    drift, _, state, factor = linear
    draw, none = torch.Generator().manual_seed(5), unperturbed(DRAWS, 12)
    halves = (noisy(state, factor, draw), noisy(state, factor, draw))
    mixed = split_half(drift, halves, none, share=0.3)
    middle = naive(drift, (halves[0] + halves[1]) / 2, none)
    assert mixed.item() == pytest.approx((0.3 * split_half(drift, halves, none) + 0.7 * middle).item())


def test_losses_have_gradients():
    drift, edits = network(5, 2), some_edits(3, 5)
    draw = torch.Generator().manual_seed(0)
    mean = torch.rand(3, 5, generator=draw, dtype=torch.float64)
    noise = 0.1 * torch.randn(3, 5, 4, generator=draw, dtype=torch.float64)
    cells = torch.rand(6, 5, generator=draw, dtype=torch.float64)
    diffusion = 0.1 * torch.eye(5, dtype=torch.float64)

    def losses(reads):
        one = _With(drift, {"production.reads": reads})
        law = GaussianLaw(mean, diffusion.expand(3, -1, -1))
        return (
            split_half(one, (mean, mean + 0.1), edits),
            covariance_corrected(one, mean, noise, edits),
            naive_second(one, law, 2 * diffusion, edits),
            second_of_cells(one, cells, diffusion, edits[:1]),
            kernel_deviation(one, cells, diffusion, edits[:1], bandwidth=1.0),
            of_cells(one, cells, edits[:1]),
        )

    assert torch.autograd.gradcheck(losses, drift.production.reads.detach().clone().requires_grad_())


class _With:
    def __init__(self, drift, weights):
        self.drift, self.weights = drift, weights

    @property
    def decay(self):
        return self.drift.decay.detach()

    def __call__(self, state, intervention):
        return torch.func.functional_call(self.drift, self.weights, (state, intervention))
