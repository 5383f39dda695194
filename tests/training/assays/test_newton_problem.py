"""The exact second-order expansion of a posterior, against differences of the objective itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.assays.planted_assays import LINE, TANH, bins, latent, placed, study, two_sites

from pajamo.config.assays import BarcodeSettings, ContinuousSettings, declare
from pajamo.models.assays.objective import objective
from pajamo.training.assays.newton import view
from pajamo.training.assays.newton.problem import Problem

SMALL_STEP = 2e-3
STUDIES = {
    "bins": (two_sites(), {"one": bins()}),
    "bins with library": (two_sites(), {"one": bins(library=True)}),
    "two experiments": (two_sites(), {"one": bins(), "two": bins(3, library=True)}),
    "bins and tanh": (two_sites(), {"one": bins(), "two": TANH}),
    "line": (two_sites(), {"one": LINE}),
    "gates": (two_sites(), {"one": bins(3, gates="lognormal", library=True)}),
    "barcodes": (two_sites(), {"one": BarcodeSettings(rna="rna", dna="dna")}),
    "pairs": (latent("neighbour"), {"one": bins(3)}),
    "fitted rates": (
        declare(
            "thermodynamic",
            sites={"R": {"start": 2, "length": 3}},
            states={"free": {"rate": "leak"}, "bound": {"bound": ["R"], "rate": 1.0}},
        ),
        {"one": ContinuousSettings(nonlinearity="sigmoid", coordinate="log")},
    ),
}


def problem_of(name, rows=60):
    mechanism, measurements = STUDIES[name]
    model, assay = study(mechanism, measurements, rows=rows)
    assembly, parts = placed(model, assay)
    problem = Problem(assembly, parts)
    problem.lay()
    problem.settle(1e-14)
    return problem, parts


def directions(size, number=5):
    drawn = torch.randn(number, size, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return drawn / drawn.norm(dim=1, keepdim=True)


def along(problem, direction):
    """The profiled objective a step to either side and twice as far, by moving and projecting anew."""
    before, values = problem.snapshot(), {}
    for times in (-2, -1, 0, 1, 2):
        problem.coordinates.move(times * SMALL_STEP * direction)
        values[times] = problem.settle(1e-14)
        problem.restore(before)
    return values


@pytest.mark.parametrize("name", STUDIES)
def test_the_expansion_is_that_of_the_profiled_objective(name):
    problem, _ = problem_of(name)
    found = problem.expand(convex=False)
    assert found.gradient.abs().max() > 0.1
    for direction in directions(problem.size):
        f = along(problem, direction)
        slope = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / (12 * SMALL_STEP)
        bend = (16 * (f[1] + f[-1]) - (f[2] + f[-2]) - 30 * f[0]) / (12 * SMALL_STEP**2)
        size = found.gradient.norm(), found.hessian.norm()
        assert float(found.gradient @ direction) == pytest.approx(slope, rel=1e-6, abs=1e-7 * float(size[0]))
        assert float(direction @ found.hessian @ direction) == pytest.approx(
            bend, rel=1e-4, abs=1e-5 * float(size[1])
        )


@pytest.mark.parametrize("name", ["bins with library", "bins and tanh", "gates"])
def test_a_large_problem_in_single_precision_is_nearly_the_same(name, monkeypatch):
    exact = problem_of(name)[0].expand(convex=False)
    monkeypatch.setattr(view, "DOUBLE", 0)
    single = problem_of(name)[0].expand(convex=False)
    for one, other in ((single.gradient, exact.gradient), (single.hessian, exact.hessian)):
        assert not torch.equal(one, other)
        torch.testing.assert_close(one, other, rtol=2e-4, atol=2e-5 * float(other.abs().max()))


@pytest.mark.parametrize("name", STUDIES)
def test_the_value_is_the_objective_that_first_order_fits_minimise(name):
    problem, parts = problem_of(name)
    assert problem.settle(1e-10) == pytest.approx(objective(problem.assembly, parts).item(), rel=1e-10)
    assert problem.settle(1e-10) == pytest.approx(problem.assembly(parts).item(), rel=1e-10)


@pytest.mark.parametrize("name", ["bins", "two experiments", "bins and tanh"])
def test_projected_instruments_are_at_their_best(name):
    problem, parts = problem_of(name)
    problem.assembly.zero_grad()
    objective(problem.assembly, parts).backward()
    for measurement in problem.assembly.measurements:
        if measurement.convex:
            assert measurement.curves.grad.abs().max() < 1e-5


@pytest.mark.parametrize("name", ["bins", "two experiments", "line"])
def test_a_step_of_nothing_changes_nothing_and_a_snapshot_is_whole(name):
    problem, parts = problem_of(name)
    quadratic, before = problem.expand(convex=True), problem.snapshot()
    value = problem.settle(1e-12)
    assert problem.step(torch.zeros(problem.size, dtype=torch.float64), quadratic, 1e-12) == pytest.approx(
        value
    )
    assert problem.step(0.1 * directions(problem.size)[0], quadratic, 1e-12) != pytest.approx(value, abs=1e-6)
    problem.restore(before)
    assert objective(problem.assembly, parts).item() == pytest.approx(value, rel=1e-12)
    assert all(torch.equal(values, before[key]) for key, values in problem.assembly.state_dict().items())


def test_instruments_follow_a_step_to_second_order():
    """Where the response puts the curves, what is left to project falls with the fourth power of the step."""
    problem, _ = problem_of("bins")
    quadratic, before, left = problem.expand(convex=False), problem.snapshot(), []
    response, rest = quadratic.responses["one"]
    curves = problem.assembly.measurements[0].curves
    for size in (0.04, 0.02):
        move = size * directions(problem.size)[0]
        problem.coordinates.move(move)
        with torch.no_grad():
            curves -= (response @ move + rest).reshape(curves.shape)
        guessed = problem.settle(1e30)
        left.append(guessed - problem.settle(1e-14))
        problem.restore(before)
    assert left[0] / left[1] == pytest.approx(16.0, rel=0.3)


@pytest.mark.parametrize("name", ["bins", "two experiments", "bins and tanh", "line", "gates"])
def test_the_convex_curvature_of_what_is_projected_is_never_negative(name):
    problem, _ = problem_of(name)
    found = problem.expand(convex=True)
    torch.testing.assert_close(found.gradient, problem.expand(convex=False).gradient)
    free = problem.size - sum(b.where.stop - b.where.start for b in problem.coordinates.instruments)
    values = torch.linalg.eigvalsh(found.hessian[:free, :free])
    assert float(values.min()) > -1e-8 * float(values.max())


def test_constants_that_are_held_are_no_coordinates():
    problem, parts = problem_of("bins")
    held = Problem(problem.assembly, parts, frozenset({"A+R"}))
    assert held.size == problem.size - 1
    place = dict(problem.coordinates.constants)[problem.assembly.constant_terms[0]]
    rest = [i for i in range(problem.size) if i != place]
    exact, less = problem.expand(convex=False), held.expand(convex=False)
    np.testing.assert_allclose(less.hessian, exact.hessian[rest][:, rest], rtol=1e-9, atol=1e-9)
    constant = problem.assembly.constants.detach().clone()
    held.coordinates.move(torch.ones(held.size, dtype=torch.float64))
    assert torch.equal(problem.assembly.constants.detach(), constant)


def test_an_experiment_without_rows_adds_nothing():
    model, assay = study(two_sites(), {"one": bins(), "two": TANH}, rows=40)
    assembly, parts = placed(model, assay)
    problem = Problem(assembly, parts[:1])
    problem.lay()
    value, found = problem.settle(1e-12), problem.expand(convex=False)
    block = problem.coordinates.instruments[0].where
    assert found.gradient[block].abs().max() == 0.0
    assert found.hessian[block].abs().max() == 0.0
    assert value == pytest.approx(objective(assembly, parts[:1]).item())
