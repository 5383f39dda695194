"""Newton steps until the optimum stands still, the instruments' scales included."""

from __future__ import annotations

from collections.abc import Callable

from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.newton.gauge import fix_gauge
from pajamo.training.assays.newton.loop import Newton, newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import FitReport

MOST_ROUNDS = 6
"""How often the instruments' scales are laid anew over the activities that a fit arrived at."""
SETTLED = 0.1
"""Nats by which laying them anew may still change the objective."""


def converged(
    assembly: Assembly, rows: tuple[Rows, ...], steps: int, progress: Callable[[str], None] | None
) -> FitReport:
    """Newton steps until the instruments' scales, laid over where the fit arrived, change nothing more."""
    problem = gauged(assembly, rows)
    done = newton(problem, limit=steps, progress=progress)
    history = list(done.history)
    for _ in range(MOST_ROUNDS):
        if len(history) >= steps:
            break
        before = done.objective
        done = newton(problem, limit=steps - len(history), progress=progress)
        history += done.history
        if abs(done.objective - before) < SETTLED:
            break
    return newton_report(done, history)


def gauged(assembly: Assembly, rows: tuple[Rows, ...]) -> Problem:
    """The problem in the gauge in which Newton steps stay."""
    for _, encoder in assembly.readers():
        fix_gauge(encoder)
    return Problem(assembly, rows)


def newton_report(done: Newton, history: list[float]) -> FitReport:
    """What Newton steps say of themselves."""
    return FitReport(done.objective, done.gap, len(history), (), 0.0, tuple(history))
