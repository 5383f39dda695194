"""Profile likelihood: ends, open ends, resuming, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.explanations.assays.planted import INTERACTION, planted, redrawn

from pajamo.errors import ModelError, PajamoWarning
from pajamo.explanations.assays.continuity import jumps
from pajamo.explanations.assays.crossing import crossing
from pajamo.explanations.assays.held import HeldProblem, StillProblem
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.polishing import polish
from pajamo.explanations.assays.profile import profile, turned_by_symmetry
from pajamo.explanations.assays.profile_points import ProfilePoint, Profiler, profiled_quantity
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.loop import newton


@pytest.mark.parametrize("outside", [0.6, 3.0, 40.0])
def test_an_end_of_a_parabola_is_found_at_once(outside):
    tried = []

    def drop(x):
        tried.append(x)
        return 8 * x**2

    assert crossing(drop, 0.0, outside, 2.0, 1e-3) == pytest.approx(0.5, abs=1e-3)
    assert len(tried) < 12


def test_an_end_of_a_crooked_curve_is_found():
    found = crossing(lambda x: math.expm1(x) ** 2 + 0.1 * x, 0.0, 5.0, 1.353, 1e-4)
    assert math.expm1(found) ** 2 + 0.1 * found == pytest.approx(1.353, abs=1e-3)


def test_a_profile_holds_the_truth_and_says_how_far_it_can_be_moved():
    model, assay = planted(rows=800, reads=1500, noise=0.3)
    drawn = redrawn(model, assay, 0)
    polished = polish(model, drawn).model
    told = []
    found = profile(polished, drawn, "CRP+RNAP", progress=told.append)
    kT = polished.assembly.blueprint.kT
    assert found.low < INTERACTION * kT < found.high
    assert found.unit == "kcal/mol"
    assert len(told) == len(found.points) - 1
    assert found.curve["drop"].min() == 0
    assert found.curve.loc[found.curve["drop"] < 1.3, "converged"].all()
    for end in (found.low, found.high):
        nearest = found.curve.iloc[(found.curve["value"] - end).abs().argmin()]
        assert nearest["drop"] == pytest.approx(1.353, abs=0.15)
    again = profile(polished, drawn, "CRP+RNAP", known=found.points, progress=told.append)
    assert len(told) < len(found.points) + 6
    assert again.low == pytest.approx(found.low, abs=0.02)
    assert again.high == pytest.approx(found.high, abs=0.02)


def test_zero_is_the_end_where_a_mirror_image_lies_beyond():
    """Few reads: the data cannot tell the interaction from none."""
    model, assay = planted(rows=100, reads=1)
    polished = polish(model, assay).model
    assert turned_by_symmetry(polished, "CRP+RNAP")
    found = profile(polished, assay, "CRP+RNAP")
    assert 0.0 in (found.low, found.high)
    assert "mirror image" in found.verdict or "the data do not say" in found.verdict


def test_an_open_end_is_said_to_be_open():
    """Sixty reads: nothing says how strong the interaction could be."""
    model, assay = planted(rows=60, reads=1, seed=4)
    polished = polish(model, assay).model
    found = profile(polished, assay, "CRP+RNAP")
    assert math.isinf(found.low) or math.isinf(found.high)
    assert "the data do not say" in found.verdict
    assert np.abs(found.curve["value"]).max() == pytest.approx(20 * polished.assembly.blueprint.kT, rel=1e-6)


def test_what_is_not_fitted_has_no_profile(truth):
    model, assay = truth
    with pytest.raises(ModelError, match="no fitted constant"):
        profile(model, assay, "CRP+RNAp")


def point(value, objective, slope):
    return ProfilePoint(value, objective, 0.0, 0.0, 0.0, slope)


def test_a_smooth_curve_has_no_jump_however_steep():
    steep = [point(x, 5 * x**2, 10 * x) for x in (-3.0, -1.0, 0.0, 0.5, 2.5)]
    crooked = [point(x, math.expm1(-x) ** 2, -2 * math.expm1(-x) * math.exp(-x)) for x in (-2, -1, 0, 1, 4)]
    assert not list(jumps(steep))
    assert not list(jumps(crooked))


def test_a_point_of_another_branch_is_told_from_its_neighbours():
    """Twice the height of a parabola at one place: the wrong point is the higher one, seen from both sides."""
    points = [point(x, x**2 + 8 * (x == 1.0), 2 * x) for x in (2.0, 0.0, 1.0)]
    assert list(jumps(points)) == [(0.0, 1.0), (2.0, 1.0)]


@pytest.mark.filterwarnings("ignore:profile of:pajamo.errors.PajamoWarning")
@pytest.mark.parametrize("seed", [0, 3])
def test_a_spurious_point_is_tried_again_from_its_neighbours(seed, monkeypatch):
    """Few reads make many optima: left alone, points jump from one to the other, and with them the ends."""
    model, assay = planted(rows=100, reads=2, seed=seed)
    polished = polish(model, assay).model
    found = profile(polished, assay, "CRP+RNAP")
    assert not list(jumps(found.points))
    monkeypatch.setattr(Profiler, "_mend", lambda profiler: None)
    alone = profile(polished, assay, "CRP+RNAP")
    assert list(jumps(alone.points))
    best = min(point.objective for point in found.points)
    assert best < min(point.objective for point in alone.points) + 0.01


def test_a_fit_that_was_no_optimum_is_said_to_be_none(fitted):
    model, assay = planted(rows=100, reads=2, seed=3)
    polished = polish(model, assay)
    with pytest.warns(PajamoWarning, match=r"profile of CRP\+RNAP in planted: THE FIT WAS NO OPTIMUM"):
        found = profile(polished.model, assay, "CRP+RNAP")
    assert found.gained > 1
    assert "THE FIT WAS NO OPTIMUM" in found.verdict
    assert set(found.curve["gained"]) == {found.gained}
    # The prior of the interaction itself is the only part of the posterior that a point leaves out.
    assert min(point.objective for point in found.points) < polished.objective - found.gained
    found = profile(fitted[0].model, fitted[1], "CRP+RNAP")
    assert found.gained < 0.01
    assert "NO OPTIMUM" not in found.verdict


@pytest.mark.parametrize("name", ["CRP+RNAP", "CRP at the wild type", "RNAP at the wild type"])
def test_what_is_held_stays_and_all_else_reaches_its_best(fitted, name):
    polished, assay = fitted
    quantity = profiled_quantity(polished.model, assay, name)
    profiler = Profiler(polished.model, assay, quantity)
    begin = quantity.value(polished.model.assembly) / quantity.scale
    found = profiler.at(begin + 0.3)
    assert quantity.value(profiler.model.assembly) / quantity.scale == pytest.approx(begin + 0.3, abs=1e-9)
    assert found.gap < 1e-3
    above, below = (profiler.at(begin + 0.3 + side * 1e-2).objective for side in (1, -1))
    assert found.slope == pytest.approx((above - below) / 2e-2, abs=0.05)


def test_a_held_constant_is_the_problem_without_it(fitted):
    polished, assay = fitted
    rows = rows_of(assay.part("training"))
    quantity = profiled_quantity(polished.model, assay, "CRP+RNAP")
    values = []
    for make in (
        lambda assembly: HeldProblem(assembly, rows, quantity),
        lambda assembly: StillProblem(assembly, rows, held=frozenset({"CRP+RNAP"})),
    ):
        assembly = polish(polished.model, assay, steps=1).model.assembly
        assembly.constants.data.fill_(-2.0)
        problem = make(assembly)
        quadratic = problem.expand(convex=False)
        values.append((problem.size, quadratic.gradient.norm(), quadratic.hessian.trace()))
        values.append((newton(problem).objective, *values.pop()))
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


def test_the_energy_of_the_wild_type_has_a_profile(fitted):
    """Near the optimum it is the parabola that the information promises; the level of the polymerase is open."""
    polished, assay = fitted
    found = information(polished.model, assay)
    quantity = profiled_quantity(polished.model, assay, "CRP at the wild type")
    error = found.error(quantity.direction(found)) / quantity.scale
    profiler = Profiler(polished.model, assay, quantity)
    best = profiler.freed()
    drops = [profiler.at(best.value + side * 0.5 * error).objective - best.objective for side in (-1, 1)]
    assert np.mean(drops) == pytest.approx(0.125, rel=0.15)
    told = profile(polished.model, assay, "CRP at the wild type")
    assert told.unit == "kcal/mol"
    assert told.low < quantity.value(polished.model.assembly) < told.high
