"""Curves between activity and mean: they rise, start over the data, and stay finite far out."""

import numpy as np
import pytest
import torch

from pajamo.measurements.scalar.nonlinearities.background import LogAboveBackground
from pajamo.measurements.scalar.nonlinearities.line import Line
from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity
from pajamo.measurements.scalar.nonlinearities.sigmoid import Sigmoid
from pajamo.measurements.scalar.nonlinearities.spline import Spline
from pajamo.measurements.scalar.nonlinearities.tanh import SumOfTanh

CURVES = [Line, Sigmoid, SumOfTanh, Spline, LogAboveBackground]


def started(curve: type[Nonlinearity], *, monotone: bool = True, sign: float = 1.0) -> Nonlinearity:
    made = curve(monotone=monotone).double()
    activity = torch.as_tensor(np.random.default_rng(0).normal(-3.0, 2.0, 500))
    made.start(activity, 10.0 + sign * 4.0 * activity)
    return made


def jumbled(curve: type[Nonlinearity], seed: int, *, monotone: bool = True) -> Nonlinearity:
    made = started(curve, monotone=monotone)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return made


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_monotone_curve_rises_everywhere_whatever_its_parameters(curve, seed):
    at = torch.linspace(-40.0, 40.0, 4001, dtype=torch.float64)
    assert (jumbled(curve, seed)(at).diff() >= 0).all()


@pytest.mark.parametrize("curve", CURVES)
def test_the_start_rises_through_the_values_over_the_activities(curve):
    at = torch.tensor([-6.0, -3.0, 0.0], dtype=torch.float64)
    low, middle, high = started(curve)(at).tolist()
    assert low < middle < high
    assert middle == pytest.approx(-2.0, abs=8.0)
    assert 4.0 < high - low < 50.0


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_that_may_fall_starts_with_the_sign_of_the_correlation(curve):
    at = torch.tensor([-5.0, -1.0], dtype=torch.float64)
    falling = started(curve, monotone=False, sign=-1.0)(at)
    assert falling[0] > falling[1]
    rising = started(curve, monotone=True, sign=-1.0)(at)
    assert rising[0] < rising[1]


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("activity", [[0.7, 0.7, 0.7], [1.0]])
def test_rows_that_are_all_alike_give_a_finite_curve(curve, activity):
    made = curve().double()
    made.start(
        torch.tensor(activity, dtype=torch.float64), torch.full((len(activity),), 3.0, dtype=torch.float64)
    )
    assert torch.isfinite(made(torch.linspace(-5, 5, 11, dtype=torch.float64))).all()
    assert torch.isfinite(made.penalty())


@pytest.mark.parametrize("curve", CURVES)
def test_the_penalty_of_a_start_is_slight(curve):
    assert 0.0 <= started(curve).penalty().item() < 1.0


def test_a_spline_of_equal_steps_is_a_straight_line():
    spline = Spline(12).double()
    at = torch.linspace(-9.0, 9.0, 101, dtype=torch.float64)
    torch.testing.assert_close(spline.curve(at), at)


def test_a_spline_agrees_with_scipy():
    interpolate = pytest.importorskip("scipy.interpolate")
    spline = jumbled(Spline, 4)
    coefficients = spline.coefficients().detach().numpy()
    step = 6.0 / spline.intervals
    knots = -3.0 + step * np.arange(-3, spline.intervals + 4)
    at = np.linspace(-3.0, 3.0, 201)
    expected = interpolate.BSpline(knots, coefficients, 3)(at)
    np.testing.assert_allclose(spline.curve(torch.as_tensor(at)).detach().numpy(), expected, atol=1e-12)


def test_a_spline_joins_its_straight_ends_with_two_derivatives():
    spline = jumbled(Spline, 7)
    for end in (-3.0, 3.0):
        curvatures = []
        for at in (end - 1e-9, end + 1e-9):
            place = torch.tensor(at, dtype=torch.float64, requires_grad=True)
            (slope,) = torch.autograd.grad(spline.curve(place[None])[0], place, create_graph=True)
            (bend,) = torch.autograd.grad(slope, place, materialize_grads=True)
            curvatures.append((slope.item(), bend.item()))
        assert curvatures[0] == pytest.approx(curvatures[1], abs=1e-6)


def test_tanh_terms_start_as_a_nearly_straight_line():
    at = torch.linspace(-1.5, 1.5, 31, dtype=torch.float64)
    curve = SumOfTanh(20).double().curve(at).detach().numpy()
    slope, level = np.polyfit(at.numpy(), curve, 1)
    assert level == pytest.approx(0.0, abs=1e-6)
    assert slope == pytest.approx(1.0, abs=0.15)
    assert np.abs(curve - slope * at.numpy()).max() < 0.1


def test_log_above_background_is_the_logarithm_of_a_sum():
    made = jumbled(LogAboveBackground, 3)
    activity = torch.linspace(-12.0, 4.0, 9, dtype=torch.float64)
    background = (made.centre + made.log_background).exp()
    slope = made.unit * made.steepness.exp()
    level = made.level + made.unit * (made.offset - made.steepness.exp() * made.centre)
    torch.testing.assert_close(made(activity), level + slope * (activity.exp() + background).log())


def test_knots_follow_the_activities_and_the_curve_stays():
    spline = Spline(40).double()
    activity = torch.linspace(-5.0, 5.0, 200, dtype=torch.float64)
    spline.start(activity, torch.tanh(activity))
    with torch.no_grad():
        spline.steps.copy_(-(torch.linspace(-2, 2, spline.intervals) ** 2))
    before = spline(activity).detach()
    spline.follow(1.5 * activity + 1.0)
    torch.testing.assert_close(spline(activity), before, atol=0.03, rtol=0)
    assert spline.centre.item() == pytest.approx(1.0)
