"""Expansions of measurements against differences, and the spline basis on which the fast one stands."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from tests.training.assays.planted_assays import LINE, RNA, TANH, bins, placed, study, two_sites

from pajamo.measurements.scalar.bins import FreeBins
from pajamo.measurements.scalar.expansion import AutogradExpansion
from pajamo.measurements.scalar.splines import SplineGrid

GRID = SplineGrid.over(-1.0, 2.5, 10)


def on_grid(values, first):
    """Rows of basis values at their places among all basis functions."""
    dense = torch.zeros(len(values), GRID.size, dtype=torch.float64)
    return dense.scatter_(1, first[:, None] + torch.arange(4), values)


def dense_basis(at):
    first, values = GRID.basis(at)
    return on_grid(values, first)


def test_a_basis_is_a_partition_of_unity():
    at = torch.linspace(-5, 6, 111, dtype=torch.float64)
    total = dense_basis(at).sum(dim=1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_inside_it_is_scipys():
    knots = GRID.low + GRID.step * np.arange(-3, GRID.segments + 4)
    at = torch.linspace(-1.0, 2.4999, 83, dtype=torch.float64)
    np.testing.assert_allclose(dense_basis(at), BSpline(knots, np.eye(GRID.size), 3)(at), atol=1e-13)


def test_centres_are_where_each_function_is_largest():
    inner = GRID.centres[2:-2]
    found = dense_basis(inner)[:, 2:-2].diagonal()
    torch.testing.assert_close(found, torch.full_like(found, 2 / 3))


def test_beyond_it_is_straight_and_joins_with_its_slope():
    for outside in (torch.linspace(-9, -1, 9), torch.linspace(2.5, 12, 9)):
        values = dense_basis(outside.double())
        torch.testing.assert_close(values.diff(n=2, dim=0), torch.zeros(7, GRID.size, dtype=torch.float64))
    for end in (-1.0, 2.5):
        at = torch.tensor([end - 1e-6, end, end + 1e-6], dtype=torch.float64)
        below, above = dense_basis(at).diff(dim=0)
        torch.testing.assert_close(below, above, atol=1e-11, rtol=1e-5)


def test_slopes_and_bends_are_differences_of_values():
    h = 1e-4
    at = torch.linspace(-3.0123, 4.4567, 57, dtype=torch.float64)
    first, values, slopes, bends = GRID.derivatives(at)
    low, here, high = dense_basis(at - h), dense_basis(at), dense_basis(at + h)
    torch.testing.assert_close(on_grid(values, first), here)
    torch.testing.assert_close(on_grid(slopes, first), (high - low) / (2 * h), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(on_grid(bends, first), (high - 2 * here + low) / h**2, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("library", [False, True])
def test_bins_agree_with_differentiating_twice(number, library):
    generator = torch.Generator().manual_seed(0)
    measurement = FreeBins(number, 7, library=library).double()
    at = 2 * torch.randn(50, generator=generator, dtype=torch.float64)
    recorded = {
        "counts": torch.randint(0, 4, (50, number), generator=generator).double(),
        "library": torch.randint(0, 4, (50,), generator=generator).double(),
    }
    measurement.start(at, recorded)
    with torch.no_grad():
        measurement.curves += torch.randn(measurement.curves.shape, generator=generator, dtype=torch.float64)
    fast, naive = measurement.expand(at, recorded), AutogradExpansion(measurement, at, recorded)
    close = {"rtol": 1e-10, "atol": 1e-10}
    assert fast.value() == pytest.approx(naive.value(), rel=1e-12)
    for one, other in (*zip(fast.activity(False), naive.activity(False), strict=True),
                       *zip(fast.parameters(), naive.parameters(), strict=True)):  # fmt: skip
        torch.testing.assert_close(one, other, **close)
    jacobian = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(fast.cross(jacobian, False), naive.cross(jacobian, False), **close)
    assert fast.cross(jacobian[:, :0], False).shape == (0, 7 * number)
    # Without what may be negative: each row is (slope * reads * p), whose outer products add up to the curvature.
    slope, second = fast.activity(True)
    assert torch.equal(slope, fast.activity(False)[0])
    assert second.min() >= -1e-12


@pytest.mark.parametrize("settings", [LINE, TANH, RNA, bins(3, gates="lognormal", library=True), bins(3)])
def test_an_expansion_follows_its_parameters(settings):
    """Gradient, curvature and cross terms are differences of values and of gradients, also after a move."""
    model, assay = study(two_sites(), {"one": settings}, rows=25)
    assembly, (rows,) = placed(model, assay)
    measurement = assembly.measurements[0]
    at = assembly.coordinate(rows.codes, rows.name, rows.inputs).detach()
    expansion = measurement.expand(at, rows.recorded)
    expansion.parameters()
    parameters = list(measurement.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter += 0.05
    gradient, hessian = expansion.parameters()
    slope, second = expansion.activity(False)
    along, h = torch.linspace(-1, 1, len(gradient), dtype=torch.float64), 1e-5
    from_rows = expansion.cross(torch.eye(25, dtype=torch.float64), False)

    def moved(size):
        with torch.no_grad():
            torch.nn.utils.vector_to_parameters(
                torch.nn.utils.parameters_to_vector(parameters) + size * along, parameters
            )

    values, gradients, slopes = [], [], []
    for size in (-h, 2 * h):
        moved(size)
        values.append(expansion.value())
        gradients.append(expansion.parameters()[0])
        slopes.append(expansion.activity(False)[0])
    moved(-h)
    close = {"rtol": 1e-5, "atol": 1e-5 * float(hessian.abs().max())}
    assert float(gradient @ along) == pytest.approx((values[1] - values[0]) / (2 * h), rel=1e-5, abs=1e-4)
    torch.testing.assert_close(hessian @ along, (gradients[1] - gradients[0]) / (2 * h), **close)
    torch.testing.assert_close(from_rows @ along, (slopes[1] - slopes[0]) / (2 * h), **close)
    further = measurement.expand(at + h, rows.recorded), measurement.expand(at - h, rows.recorded)
    changed = further[0].activity(False)[0] - further[1].activity(False)[0]
    torch.testing.assert_close(second, changed / (2 * h), **close)
    assert float(slope.sum()) == pytest.approx(
        (further[0].value() - further[1].value()) / (2 * h), rel=1e-5, abs=1e-4
    )
