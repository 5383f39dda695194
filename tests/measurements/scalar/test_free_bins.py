"""Free bins: probabilities of splines, the library that is no bin, reads as they are drawn."""

import numpy as np
import pytest
import torch
from scipy import interpolate, stats

from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.expansion import AutogradExpansion


def bins(library: bool = False, n: int = 60, seed: int = 0):
    measurement = FreeBins(3, 9, library=library).double()
    random = np.random.default_rng(seed)
    activity = torch.as_tensor(random.normal(0.0, 1.0, n))
    recorded = {"counts": torch.as_tensor(random.poisson(2.0, (n, 3)).astype(float))}
    if library:
        recorded["library"] = torch.as_tensor(random.poisson(1.0, n).astype(float))
    measurement.start(activity, recorded)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        measurement.curves += torch.randn(measurement.curves.shape, generator=generator, dtype=torch.float64)
    return measurement, activity, recorded


def naive_weights(measurement: FreeBins, activity: torch.Tensor) -> np.ndarray:
    low, high = measurement.span.tolist()
    segments = measurement.curves.shape[1] - 3
    knots = low + (high - low) / segments * np.arange(-3, segments + 4)
    spline = interpolate.BSpline(knots, measurement.curves.detach().numpy().T, 3)
    at = activity.numpy()
    inside = np.clip(at, low, np.nextafter(high, low))
    return spline(inside) + (at - np.clip(at, low, high))[:, None] * spline.derivative()(inside)


def test_weights_are_scipys_splines_and_straight_beyond():
    measurement, _, _ = bins()
    activity = torch.linspace(-8.0, 8.0, 161, dtype=torch.float64)
    found = measurement.log_weights(activity).detach().numpy()
    np.testing.assert_allclose(found, naive_weights(measurement, activity), atol=1e-8)
    assert np.abs(np.diff(found[:20], n=2, axis=0)).max() < 1e-9


@pytest.mark.parametrize("library", [False, True])
def test_probabilities_of_the_bins_add_up_to_one(library):
    measurement, _, _ = bins(library)
    activity = torch.tensor([-1e3, 0.0, 1e3], dtype=torch.float64)
    total = measurement.log_probabilities(activity).exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("library", [False, True])
def test_the_likelihood_is_the_multinomial_of_library_and_bins(library):
    measurement, activity, recorded = bins(library)
    weights = np.exp(naive_weights(measurement, activity))
    counts = recorded["counts"].numpy()
    if library:
        weights = np.column_stack([np.ones(len(weights)), weights])
        counts = np.column_stack([recorded["library"].numpy(), counts])
    found = measurement.log_likelihood(activity, recorded).detach().numpy()
    for row, (reads, weight) in enumerate(zip(counts, weights, strict=True)):
        shares = weight / weight.sum()
        ways = stats.multinomial.logpmf(reads, reads.sum(), shares)
        order = stats.multinomial.logpmf(reads, reads.sum(), np.full(len(reads), 1 / len(reads)))
        assert found[row] == pytest.approx(ways - order - reads.sum() * np.log(len(reads)))


@pytest.mark.parametrize("library", [False, True])
@pytest.mark.parametrize("convex", [False, True])
def test_the_expansion_is_that_of_differentiating_twice(library, convex):
    measurement, activity, recorded = bins(library)
    fast, naive = measurement.expand(activity, recorded), AutogradExpansion(measurement, activity, recorded)
    assert fast.value() == pytest.approx(naive.value())
    for one, other in zip(fast.parameters(), naive.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    slope, second = fast.activity(convex=convex)
    torch.testing.assert_close(slope, naive.activity(convex=False)[0])
    if convex:
        assert (second >= -1e-12).all()
    else:
        torch.testing.assert_close(second, naive.activity(convex=False)[1])
        each = torch.eye(len(activity), dtype=torch.float64)
        torch.testing.assert_close(fast.cross(each, False), naive.cross(each, False))


def test_a_start_has_the_sizes_of_the_bins_relative_to_the_library():
    measurement = FreeBins(2, 6, library=True).double()
    recorded = {
        "counts": torch.tensor([[30.0, 0.0], [10.0, 0.0]]).double(),
        "library": torch.tensor([9.0, 1.0]).double(),
    }
    activity = torch.tensor([0.0, 1.0], dtype=torch.float64)
    measurement.start(activity, recorded)
    weights = measurement.log_weights(activity).exp()
    torch.testing.assert_close(weights[0], torch.tensor([40.5 / 10.5, 0.5 / 10.5], dtype=torch.float64))
    assert torch.isfinite(measurement.log_likelihood(activity, recorded)).all()


def test_many_bins_of_many_reads_start_finite():
    measurement = FreeBins(96, 6).double()
    activity = torch.linspace(0.0, 1.0, 4, dtype=torch.float64)
    measurement.start(activity, {"counts": torch.full((4, 96), 1e7, dtype=torch.float64)})
    assert torch.isfinite(measurement.curves).all()


@pytest.mark.parametrize("n", [1, 5])
def test_activities_all_alike_give_a_grid_that_is_not_steep(n):
    measurement = FreeBins(3, 8).double()
    activity = torch.full((n,), 0.4, dtype=torch.float64)
    recorded = {"counts": torch.ones(n, 3, dtype=torch.float64)}
    measurement.start(activity, recorded)
    assert (measurement.span[1] - measurement.span[0]).item() == pytest.approx(1.0)
    assert torch.isfinite(measurement.log_likelihood(activity + 3.0, recorded)).all()


@pytest.mark.parametrize("library", [False, True])
def test_draws_have_the_probabilities_and_the_reads_of_each_sequence(library):
    measurement, _, _ = bins(library)
    activity = torch.full((3000,), 0.3, dtype=torch.float64)
    recorded = {"counts": torch.full((3000, 3), 2.0).double(), "library": torch.full((3000,), 1.0).double()}
    drawn = measurement.draw(activity, recorded, torch.Generator().manual_seed(1))
    assert (measurement.reads(drawn) == (7.0 if library else 6.0)).all()
    found = drawn["counts"].sum(dim=0).detach().numpy()
    expected = measurement.log_probabilities(activity[:1])[0].exp().detach().numpy() * found.sum()
    assert stats.chisquare(found, expected).pvalue > 1e-3


def test_sequences_without_reads_draw_none():
    measurement, activity, recorded = bins()
    drawn = measurement.draw(activity, {"counts": torch.zeros_like(recorded["counts"])}, torch.Generator())
    assert drawn["counts"].sum() == 0


def test_the_grid_follows_the_activities_and_the_curves_stay():
    measurement, activity, _ = bins()
    line = torch.linspace(-1.0, 1.0, 9, dtype=torch.float64)
    with torch.no_grad():
        measurement.curves.copy_(torch.stack([line, -line, 0 * line]))
    before = measurement.log_weights(activity).detach()
    measurement.follow(2.0 * activity + 1.0)
    torch.testing.assert_close(measurement.log_weights(activity).detach(), before)
