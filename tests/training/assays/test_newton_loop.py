"""Newton steps: quadratic convergence, no step up, saddles left, constants held, a clean interruption."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.training.assays.planted_assays import LINE, TANH, bins, placed, plant, study, two_sites

from pajamo.config.assays import declare
from pajamo.errors import ModelError
from pajamo.models.assays.objective import objective
from pajamo.training.assays.newton.factor import factor
from pajamo.training.assays.newton.instrument import Instrument
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.starts import lay_over


def planted(measurements=None, mechanism=None, rows=300):
    """Problem of planted data, from a random start, and the planted assembly."""
    model, assay = study(mechanism or two_sites(), measurements or {"one": bins(knots=8)}, rows=rows)
    data, truth = plant(model, assay)
    assembly, parts = placed(model, data)
    lay_over(assembly, parts)
    return Problem(assembly, parts), parts, truth


def from_the_truth(**more):
    """The same, from the planted parameters."""
    problem, parts, truth = planted(**more)
    problem.assembly.load_state_dict(truth.state_dict())
    return problem, parts


STUDIES = [{"one": bins(library=True, knots=8)}, {"one": LINE}, {"one": bins(3, knots=7), "two": TANH}]


@pytest.mark.parametrize("measurements", STUDIES)
def test_the_optimum_is_reached_and_is_one(measurements):
    problem, parts = from_the_truth(measurements=measurements)
    done = newton(problem, tolerance=1e-8)
    assert done.gap < 1e-8
    assert done.objective == pytest.approx(objective(problem.assembly, parts).item(), rel=1e-9)
    assert problem.expand(convex=False).gradient.abs().max() < 1e-2
    # The prior of curves depends a little on where their knots are laid, and each call lays them anew.
    again = newton(problem, tolerance=1e-8)
    assert again.gap < 1e-8
    assert again.objective == pytest.approx(done.objective, abs=0.2)
    rest = problem.snapshot()
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        step = 0.05 * torch.randn(problem.size, generator=generator, dtype=torch.float64)
        problem.coordinates.move(step)
        assert problem.settle(1e-8) > again.objective
        problem.restore(rest)


@pytest.mark.parametrize("measurement", [LINE, bins(library=True, knots=8)])
def test_convergence_is_quadratic(measurement):
    """Near the optimum a full step squares the error, and with it what the next one promises."""
    problem, _ = from_the_truth(measurements={"one": measurement})
    newton(problem, tolerance=1e-9)
    best, gaps = problem.settle(1e-14), []
    generator = torch.Generator().manual_seed(0)
    step = 0.03 * torch.randn(problem.size, generator=generator, dtype=torch.float64)
    problem.coordinates.move(step / problem.expand(convex=True).scale)
    assert problem.settle(1e-14) > best + 1e-3
    for _ in range(4):
        quadratic = problem.expand(convex=False)
        move = -torch.linalg.solve(quadratic.hessian, quadratic.gradient)
        gaps.append(-0.5 * float(quadratic.gradient @ move))
        reached = problem.step(move, quadratic, 1e-14)
    assert reached == pytest.approx(best, abs=1e-8)
    assert all(new < 20 * old**2 + 1e-10 for old, new in itertools.pairwise(gaps))


def test_the_objective_never_rises_while_the_scale_stands():
    """History falls, but for the one step at which the instruments' scales are laid anew."""
    for measurements in STUDIES[:2]:
        problem, _, _ = planted(measurements)
        history = np.array(newton(problem, limit=40).history)
        assert len(history) > 5
        assert (np.diff(history) > 1e-9 * abs(history[0])).sum() <= 1


def test_the_limit_is_respected():
    problem, _, _ = planted()
    before = problem.snapshot()
    none = newton(problem, limit=0)
    assert none.history == ()
    assert none.gap == float("inf")
    problem.restore(before)
    one, three = newton(problem, limit=1), newton(problem, limit=3)
    assert (len(one.history), len(three.history)) == (1, 3)
    assert three.objective < one.objective < none.objective


def test_progress_tells_each_step():
    lines = []
    problem, _, _ = planted(rows=80)
    done = newton(problem, limit=4, progress=lines.append)
    assert [line.split(":")[0] for line in lines] == [f"step {i}" for i in range(len(done.history))]


def test_constants_that_are_held_stay_put_and_cost_something():
    problem, parts = from_the_truth(measurements={"one": LINE})
    best = newton(problem)
    with torch.no_grad():
        problem.assembly.constants[0] = 1.0
    held = newton(Problem(problem.assembly, parts, frozenset({"A+R"})))
    assert problem.assembly.constants.item() == 1.0
    assert held.gap < 0.01
    assert held.objective > best.objective + 5.0


def symmetric_point():
    """No interaction, no energies of the activator, everything else at its best: the symmetric saddle.

    (A, R, I) -> (-A, R + I, -I) changes no activity, and this point is its own image.
    """
    problem, parts, truth = planted(measurements={"one": LINE})
    assembly = problem.assembly
    with torch.no_grad():
        assembly.constants.zero_()
        assembly.reader("R").weights.copy_(truth.reader("R").weights)
        assembly.reader("A").weights.zero_()
    lay_over(assembly, parts)
    newton(Problem(assembly, parts, frozenset({"A+R"})), tolerance=1e-10)
    problem.lay()
    return problem


def test_a_saddle_is_left():
    problem = symmetric_point()
    there = problem.settle(1e-10)
    exact = problem.expand(convex=False)
    place = problem.coordinates.constants[0][1]
    activator = problem.coordinates.readers[0].where
    assert exact.gradient[place].abs() < 0.1
    assert exact.gradient[activator].abs().max() < 1e-6
    assert torch.linalg.eigvalsh(exact.hessian)[0] < -1.0
    done = newton(problem)
    assert done.gap < 0.01
    assert done.objective < there - 5.0
    assert problem.assembly.constants.item() == pytest.approx(-3.0, abs=1.0)
    assert torch.linalg.eigvalsh(problem.expand(convex=False).hessian)[0] > 0.0


def test_steps_that_are_refused_are_taken_back_whole():
    """If every trial is worse, everything is as before, and the fit ends where it stood."""
    problem, parts, _ = planted(rows=80)
    problem.lay()
    problem.settle(1e-10)
    before = {key: value.clone() for key, value in problem.assembly.state_dict().items()}
    trials = []

    def worse(move, quadratic, tolerance):
        trials.append(move.norm().item())
        Problem.step(problem, move, quadratic, tolerance)
        return float("nan") if len(trials) % 2 else 1e9

    problem.step = worse
    done = newton(problem)
    assert len(trials) > 5
    assert trials[0] > trials[5]
    for key, value in problem.assembly.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=1e-3, atol=1e-3)
    assert objective(problem.assembly, parts).item() == pytest.approx(done.objective, rel=1e-9)


def test_the_keyboard_interrupts_with_the_best_parameters_in_place():
    problem, parts, _ = planted()
    told = []

    def interrupted(move, quadratic, tolerance):
        problem.coordinates.move(move)
        raise KeyboardInterrupt

    def progress(line):
        told.append(float(line.split("objective ")[1].split()[0]))
        if len(told) == 4:
            problem.step = interrupted

    with pytest.raises(KeyboardInterrupt):
        newton(problem, progress=progress)
    assert objective(problem.assembly, parts).item() == pytest.approx(told[-1], abs=0.01)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_end_in_a_message(bad):
    problem, parts, _ = planted({"one": LINE}, rows=40)
    parts[0].recorded["value"][3] = bad
    with pytest.raises(ModelError, match="not finite"):
        newton(problem)


def test_a_problem_of_no_parameters_is_solved_at_once():
    model, assay = study(declare("latent", sequence=False), {"one": bins(3, knots=6)}, rows=40)
    assembly, parts = placed(model, assay)
    done = newton(Problem(assembly, parts))
    assert done.gap == 0.0
    shares = assembly.measurements[0].log_probabilities(torch.zeros(1).double()).exp()
    counts = parts[0].recorded["counts"].sum(dim=0)
    np.testing.assert_allclose(shares[0].detach(), counts / counts.sum(), atol=0.02)


def test_an_instrument_that_cannot_be_bettered_is_left_alone():
    problem, _, _ = planted(rows=60)
    instrument = Instrument(problem.assembly.measurements[0])
    expansion = problem.views[0].expand(problem.views[0].normalised())
    instrument.project(expansion, 1e-13)
    best, value = instrument.vector, instrument.value(expansion)
    instrument.project(expansion, -1.0)
    assert instrument.value(expansion) <= value
    torch.testing.assert_close(instrument.vector, best, rtol=1e-5, atol=1e-5)
    instrument.shift(expansion, torch.ones_like(best))
    torch.testing.assert_close(instrument.vector, best, rtol=1e-5, atol=1e-5)


def test_factors_need_no_more_than_rounding():
    root = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    nearly = root @ root.T
    found = factor(nearly)
    torch.testing.assert_close(found @ found.T, nearly, rtol=1e-6, atol=1e-6)
    definite = nearly + torch.eye(6, dtype=torch.float64)
    assert torch.equal(factor(definite), torch.linalg.cholesky(definite))
    for matrix in (-definite, definite * float("nan")):
        with pytest.raises(ModelError, match="not finite or not positive"):
            factor(matrix)
