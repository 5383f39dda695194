"""Fitting what keeps its physical scale: rates in 1/s leave a mechanism no scale to hide in, so priors are near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.converging import converged, gauged, newton_report
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.polish import polish
from pajamo.training.assays.newton.view import MOST_EXACT_TERMS
from pajamo.training.assays.report import CONVERGED_BELOW, FitReport
from pajamo.training.assays.starts import Start, lay_over, parameters_of, score, some, take

START_ROWS, START_STEPS = 3000, 15
SPREAD = 1.0
"""Standard deviation of ln of a rate about its prior mean in random starts."""
CLOSE = 20
"""Gauss-Newton steps before a mechanism of many terms is polished."""


def is_physical(assembly: Assembly) -> bool:
    """Whether a measurement takes the activity on the mechanism's own scale, and so gives it its unit."""
    return not all(measurement.normalised for measurement in assembly.measurements)


def fit_physical(
    assembly: Assembly,
    rows: tuple[Rows, ...],
    kept: tuple[Rows, ...],
    starts: int,
    steps: int,
    seed: int,
    progress: Callable[[str], None] | None,
) -> FitReport:
    """From the prior's mean, and from random starts about it; the best on rows kept aside goes on to the optimum."""
    tried = _starts(assembly, rows, kept, starts, seed, progress)
    take(assembly, tried[0].parameters, instruments=True)
    # Gradients alone do not see that an activity is normalised anew: such fits end in Newton steps.
    others = any(measurement.normalised for measurement in assembly.measurements)
    if others or len(assembly.blueprint.terms) <= MOST_EXACT_TERMS:
        report = converged(assembly, rows, steps, progress)
    else:
        report = _polished(assembly, rows, steps, progress)
    return replace(report, starts=tuple(start.score for start in tried))


def _starts(
    assembly: Assembly,
    rows: tuple[Rows, ...],
    kept: tuple[Rows, ...],
    starts: int,
    seed: int,
    progress: Callable[[str], None] | None,
) -> list[Start]:
    found = []
    for number in range(starts):
        generator = torch.Generator().manual_seed(1000 * seed + number)
        parts = some(rows, START_ROWS, generator)
        _begin(assembly, generator if number else None)
        lay_over(assembly, parts)
        if starts > 1:
            newton(gauged(assembly, parts), limit=START_STEPS, switch=0.0)
        found.append(Start(score(assembly, kept or parts), parameters_of(assembly)))
        if progress is not None and starts > 1:
            progress(f"start {number + 1} of {starts}: {found[-1].score:.4f} nats an observation kept aside")
    return sorted(found, key=lambda start: start.score)


@torch.no_grad()
def _begin(assembly: Assembly, generator: torch.Generator | None) -> None:
    """The prior's mean, or a draw about it."""
    assembly.constants.copy_(assembly.constant_mean)
    for _, encoder in assembly.readers():
        encoder.weights.copy_(encoder.prior_mean)
        if generator is not None:
            encoder.randomise(generator)
    if generator is not None:
        drawn = torch.randn(assembly.constants.shape, generator=generator, dtype=assembly.constants.dtype)
        assembly.constants += SPREAD * drawn * assembly.free


def _polished(
    assembly: Assembly, rows: tuple[Rows, ...], steps: int, progress: Callable[[str], None] | None
) -> FitReport:
    problem = gauged(assembly, rows)
    close = newton(problem, limit=min(CLOSE, steps), switch=0.0, progress=progress)
    done = polish(problem, rows, limit=max(steps - CLOSE, 0) + CLOSE, progress=progress)
    if done.gap > CONVERGED_BELOW and done.objective > close.objective:
        return newton_report(close, list(close.history))
    return newton_report(done, [*close.history, *done.history])
