"""Gates of a sorter: shares of cells as scipy has them, stable far out; the library is no bin."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from pajamo.errors import StudyError
from pajamo.measurements.scalar.gates import LogNormalGates
from pajamo.measurements.scalar.normal import log_below, log_between


def gates(library: bool = False, edges: tuple[float, ...] = (), n: int = 300):
    measurement = LogNormalGates(4, edges=edges, library=library).double()
    random = np.random.default_rng(0)
    activity = torch.as_tensor(random.normal(-2.0, 1.5, n))
    recorded = {"counts": torch.as_tensor(random.poisson(3.0, (n, 4)).astype(float))}
    if library:
        recorded["library"] = torch.as_tensor(random.poisson(2.0, n).astype(float))
    measurement.start(activity, recorded)
    return measurement, activity, recorded


def test_ln_of_normal_probabilities_is_scipys():
    z = np.array([-1e3, -40.0, -5.0, -1.0, 0.0, 2.0, 9.0])
    np.testing.assert_allclose(
        log_below(torch.as_tensor(z)).numpy(), stats.norm.logcdf(z), rtol=1e-12, atol=1e-300
    )


@pytest.mark.parametrize(("low", "high"), [(-1.0, 2.0), (3.0, 4.0), (-4.0, -3.9), (8.0, 8.5)])
def test_ln_of_the_share_of_an_interval(low, high):
    ends = (torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64))
    sign = -1.0 if low + high > 0 else 1.0
    a, b = sorted((sign * low, sign * high))
    expected = stats.norm.logcdf(b) + math.log1p(-math.exp(stats.norm.logcdf(a) - stats.norm.logcdf(b)))
    assert log_between(*ends).item() == pytest.approx(expected, rel=1e-9)


def test_shares_of_cells_are_those_between_the_gates():
    measurement, activity, _ = gates()
    mean = np.log(activity.exp().numpy() + math.exp((measurement.centre + measurement.log_background).item()))
    noise, astray = measurement.log_noise.exp().item(), torch.sigmoid(measurement.astray).item()
    below = stats.norm.cdf((measurement.edges.detach().numpy() - mean[:, None]) / noise)
    cells = np.diff(np.pad(below, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1))), axis=1)
    shares = measurement.log_shares(activity).exp().detach().numpy()
    np.testing.assert_allclose(shares, (1 - astray) * cells + astray / 4, atol=1e-12)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


@pytest.mark.parametrize("library", [False, True])
def test_the_likelihood_is_the_multinomial_of_library_and_bins(library):
    measurement, activity, recorded = gates(library)
    found = measurement.log_likelihood(activity, recorded).detach().numpy()
    weights = (measurement.log_yield.exp() * measurement.log_shares(activity).exp()).detach().numpy()
    counts = recorded["counts"].numpy()
    if library:
        weights = np.column_stack([np.ones(len(weights)), weights])
        counts = np.column_stack([recorded["library"].numpy(), counts])
    shares = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, (counts * np.log(shares)).sum(axis=1), rtol=1e-9)


@pytest.mark.parametrize("library", [False, True])
@pytest.mark.parametrize("edges", [(), (0.1, 0.3, 2.0)])
def test_second_derivatives_are_finite_at_extremes(library, edges, second_derivatives):
    measurement, _, _ = gates(library, edges)
    activity = torch.tensor([-1e3, -30.0, 0.0, 30.0, 1e3], dtype=torch.float64)
    recorded = {"counts": torch.ones(5, 4).double(), "library": torch.ones(5).double()}
    assert all(torch.isfinite(part).all() for part in second_derivatives(measurement, activity, recorded))


def test_derivatives_agree_with_finite_differences(assert_differentiable):
    measurement, activity, recorded = gates(library=True, n=5)
    assert_differentiable(measurement, activity, recorded)


def test_moving_every_edge_with_the_scale_changes_nothing():
    one, activity, _ = gates(edges=(0.1, 0.3, 2.0))
    other, _, _ = gates(edges=(0.2, 0.6, 4.0))
    torch.testing.assert_close(one.log_shares(activity), other.log_shares(activity))


def test_draws_have_the_shares_and_the_reads_of_each_sequence():
    measurement, _, _ = gates(library=True)
    activity = torch.full((2000,), -1.5, dtype=torch.float64)
    recorded = {"counts": torch.full((2000, 4), 3.0).double(), "library": torch.full((2000,), 2.0).double()}
    drawn = measurement.draw(activity, recorded, torch.Generator().manual_seed(1))
    assert (drawn["library"] + drawn["counts"].sum(dim=1) == 14).all()
    weights = torch.cat([torch.ones(1).double(), measurement.log_weights(activity[:1])[0].exp()]).detach()
    found = torch.cat([drawn["library"].sum()[None], drawn["counts"].sum(dim=0)])
    expected = 28000 * weights / weights.sum()
    assert stats.chisquare(found.numpy(), expected.numpy()).pvalue > 1e-3


def test_planted_gates_are_recovered():
    truth, activity, recorded = gates(library=True, n=4000)
    with torch.no_grad():
        truth.log_noise.fill_(math.log(0.8))
        truth.log_background.fill_(-2.0)
        truth.log_yield += torch.tensor([0.5, -0.3, 0.2, 0.6])
    drawn = truth.draw(activity, recorded, torch.Generator().manual_seed(4))
    fitted = LogNormalGates(4, library=True).double()
    fitted.start(activity, drawn)
    optimiser = torch.optim.LBFGS(fitted.parameters(), max_iter=80, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = fitted.penalty() - fitted.log_likelihood(activity, drawn).sum()
        total.backward()
        return total

    optimiser.step(loss)
    assert fitted.log_noise.exp().item() == pytest.approx(0.8, rel=0.06)
    assert fitted.log_background.item() == pytest.approx(-2.0, abs=0.3)
    np.testing.assert_allclose(fitted.log_yield.detach(), truth.log_yield.detach(), atol=0.15)
    np.testing.assert_allclose(fitted.edges.detach(), truth.edges.detach(), atol=0.1)


@pytest.mark.parametrize("edges", [(1.0, 2.0), (1.0, 3.0, 2.0), (-1.0, 2.0, 3.0)])
def test_edges_that_cannot_be(edges):
    with pytest.raises(StudyError, match="gate edges for 4 bins"):
        LogNormalGates(4, edges=edges)


def test_one_bin_is_no_sorter():
    with pytest.raises(StudyError, match="at least two bins"):
        LogNormalGates(1)
