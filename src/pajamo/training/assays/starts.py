"""Random starts: short fits on part of the rows, of which the one that predicts the validation set best goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows, log_likelihood
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem

START_ROWS = 6000
START_STEPS = 20
SPREAD_OF_WEIGHTS = 0.3
"""Standard deviation of the first weights, in kT: binding energies then differ by a few kT between sequences."""
SPREAD_OF_CONSTANTS = 2.0
"""Standard deviation of the first constants about their prior, in kT."""


@dataclass(frozen=True)
class Start:
    """Where one random start arrived.

    Attributes
    ----------
    score: minus ln-likelihood of each observation of the validation set, in nats.
    weights: parameters of readers and constants, by name.
    """

    score: float
    weights: dict[str, Tensor]


def some(parts: tuple[Rows, ...], most: int, generator: torch.Generator) -> tuple[Rows, ...]:
    """At most so many rows of all experiments together, in equal shares, drawn at random."""
    each = max(most // max(len(parts), 1), 1)
    return tuple(
        rows.take(torch.randperm(len(rows), generator=generator)[:each].sort().values) if len(rows) > each else rows
        for rows in parts
    )


def score(assembly: Assembly, parts: tuple[Rows, ...]) -> float:
    """Minus ln-likelihood of each observation, in nats."""
    with torch.no_grad():
        total = sum(float(log_likelihood(assembly, rows).sum()) for rows in parts)
        reads = sum(float(assembly.measurement(rows.name).reads(rows.recorded).sum()) for rows in parts)
    return -total / max(reads, 1.0)


def randomise(assembly: Assembly, parts: tuple[Rows, ...], generator: torch.Generator) -> None:
    """Weak random energies, random constants, instruments laid over the activities that follow from them."""
    with torch.no_grad():
        for _, encoder in assembly.readers():
            draw = torch.randn(encoder.weights.shape, generator=generator, dtype=torch.float64)
            encoder.weights.copy_(encoder.prior_mean + SPREAD_OF_WEIGHTS * draw)
        draw = torch.randn(assembly.constants.shape, generator=generator, dtype=torch.float64)
        assembly.constants.copy_(assembly.constant_mean + SPREAD_OF_CONSTANTS * draw)
        lay_over(assembly, parts)


def lay_over(assembly: Assembly, parts: tuple[Rows, ...]) -> None:
    """Start every instrument from the activities as they are."""
    with torch.no_grad():
        for rows in parts:
            activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
            assembly.measurement(rows.name).start(assembly.settle(activity, rows.name), rows.recorded)


def best_start(
    assembly: Assembly,
    training: tuple[Rows, ...],
    validation: tuple[Rows, ...],
    starts: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[Start, ...]:
    """Random starts of an assembly (one with few knots), the best first."""
    found = []
    for number in range(starts):
        generator = torch.Generator().manual_seed(1000 * seed + number)
        parts = some(training, START_ROWS, generator)
        randomise(assembly, parts, generator)
        newton(Problem(assembly, parts), limit=START_STEPS, switch=0.0)
        reached = score(assembly, validation or parts)
        weights = {
            name: values.detach().clone()
            for name, values in assembly.named_parameters()
            if not name.startswith("measurements")
        }
        found.append(Start(reached, weights))
        if progress is not None:
            progress(f"start {number + 1} of {starts}: {reached:.4f} nats an observation on the validation set")
    return tuple(sorted(found, key=lambda start: start.score))
