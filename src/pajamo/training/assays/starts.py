"""Random starts: screened together, then fitted for a while on part of the rows; the best goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows, log_likelihood
from pajamo.training.assays.batched import descend
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem

SCREEN_ROWS = 1500
SCREEN_STEPS = 50
SCREEN_RATE = 0.05
SCREENED = 4
"""Random starts that a few joint Adam steps screen, for each that is then fitted for a while."""
START_ROWS = 6000
START_STEPS = 20
SPREAD_OF_CONSTANTS = 4.0
"""Standard deviation of the first constants about their prior, in kT. They are kept while readers find their places:
where an interaction can be made up for by the scale of the energies, both would shrink together."""
FIRST_ENERGY = -1.0
"""kT."""


@dataclass(frozen=True)
class Start:
    """Where one random start arrived.

    Attributes
    ----------
    score: minus ln-likelihood of each observation of the validation set, in nats.
    parameters: by name.
    """

    score: float
    parameters: dict[str, Tensor]


def some(parts: tuple[Rows, ...], most: int, generator: torch.Generator) -> tuple[Rows, ...]:
    """At most so many rows of all experiments together, in equal shares, drawn at random."""
    each = max(most // max(len(parts), 1), 1)
    return tuple(
        rows.take(torch.randperm(len(rows), generator=generator)[:each].sort().values)
        if len(rows) > each
        else rows
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
            encoder.randomise(generator)
        draw = torch.randn(assembly.constants.shape, generator=generator, dtype=torch.float64)
        assembly.constants.copy_(assembly.constant_mean + SPREAD_OF_CONSTANTS * draw * assembly.free)
    lay_over(assembly, parts)


@torch.no_grad()
def bind_weakly(assembly: Assembly, parts: tuple[Rows, ...]) -> None:
    """Let every site be bound, or fold be stable, by 1 kT in the mean sequence: mutations then matter at once."""
    for rows in parts[:1]:
        terms = assembly.terms(rows.codes, rows.name).mean(dim=0)
        done = set()
        for number, term in enumerate(assembly.blueprint.terms):
            encoder = assembly.encoder(term) if term.encoder is not None else None
            if term.unit == "kT" and isinstance(encoder, LinearEncoder) and term.encoder not in done:
                encoder.weights[0] += FIRST_ENERGY - terms[number]
                done.add(term.encoder)
    lay_over(assembly, parts)


@torch.no_grad()
def lay_over(assembly: Assembly, parts: tuple[Rows, ...]) -> None:
    """Start every instrument from the activities as they are."""
    for rows in parts:
        activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
        assembly.measurement(rows.name).start(assembly.settle(activity, rows.name), rows.recorded)


def parameters_of(assembly: Assembly) -> dict[str, Tensor]:
    """A copy of every parameter, by name."""
    return {name: values.detach().clone() for name, values in assembly.named_parameters()}


@torch.no_grad()
def take(assembly: Assembly, parameters: dict[str, Tensor], *, instruments: bool = False) -> None:
    """Give an assembly these parameters of its readers and constants; of its instruments only if asked."""
    for name, values in assembly.named_parameters():
        if instruments or not name.startswith("measurements"):
            values.copy_(parameters[name])


def screened(
    assembly: Assembly, training: tuple[Rows, ...], starts: int, seed: int
) -> list[dict[str, Tensor]]:
    """The best of many random starts after a few Adam steps of all together on some rows, the best first."""
    generator = torch.Generator().manual_seed(seed)
    parts = some(training, SCREEN_ROWS, generator)
    drawn = []
    for _ in range(starts * SCREENED):
        randomise(assembly, parts, generator)
        drawn.append(parameters_of(assembly))
    arrived, objectives = descend(
        assembly, drawn, parts, steps=SCREEN_STEPS, learning_rate=SCREEN_RATE, still=("constants",)
    )
    order = torch.argsort(objectives.detach().nan_to_num(torch.inf), stable=True)
    return [arrived[number] for number in order[:starts].tolist()]


def best_start(
    assembly: Assembly,
    training: tuple[Rows, ...],
    validation: tuple[Rows, ...],
    starts: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[Start, ...]:
    """Random starts of an assembly (one with few knots): screened together, then fitted for a while, best first."""
    found = []
    constants = frozenset(assembly.blueprint.terms[term].name for term in assembly.constant_terms)
    for number, drawn in enumerate(screened(assembly, training, starts, seed)):
        parts = some(training, START_ROWS, torch.Generator().manual_seed(1000 * seed + number))
        take(assembly, drawn)
        lay_over(assembly, parts)
        newton(Problem(assembly, parts, constants), limit=START_STEPS, switch=0.0)
        found.append(Start(score(assembly, validation or parts), parameters_of(assembly)))
        if progress is not None:
            progress(f"start {number + 1} of {starts}: {found[-1].score:.4f} nats an observation kept aside")
    return tuple(sorted(found, key=lambda start: start.score))
