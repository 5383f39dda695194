"""Fit a model of an assay: one function for every mechanism, encoder and measurement."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from numpy import inf, nan_to_num

from pajamo.data.assays.assay import Assay
from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.errors import ModelError
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, objective, rows_of
from pajamo.training.assays.adam import fit_by_epochs
from pajamo.training.assays.converging import converged, gauged, newton_report
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.physical import fit_physical, is_physical
from pajamo.training.assays.recipe import Recipe, recipe_for
from pajamo.training.assays.report import FitReport
from pajamo.training.assays.starts import (
    best_start,
    bind_weakly,
    lay_over,
    parameters_of,
    randomise,
    score,
    screened,
    take,
)

Progress = Callable[[str], None]
FEW_KNOTS = 12
MOST_PARAMETERS = 1500
MOST_WORK = 4e11
"""Rows times squared parameters: beyond, a second-order step takes minutes."""
FEW_ROWS = 20_000
GENTLE_EPOCHS = 2
POLISHING_STEPS = 40


def fit_assay(
    model: AssayModel,
    assay: Assay,
    *,
    starts: int = 4,
    steps: int = 200,
    progress: Progress | None = None,
) -> FitReport:
    """Fit a model to the training set of an assay; the validation set chooses among starts and stops black boxes.

    Where every reader is linear and the instrument's own parameters make a convex problem, random starts are
    screened together, the best are fitted for a while, and the best of those goes on with exact Newton steps until
    one more promises next to nothing. Otherwise Adam takes epochs with the best weights on the validation set
    restored, and Newton steps finish a mechanism that is small enough.

    Parameters
    ----------
    model: not yet fitted; it is fitted in place.
    assay: with its training and validation sets.
    starts: random starts that are fitted for a while.
    steps: most Newton steps, or epochs.
    progress: is told a line now and then.

    Raises
    ------
    ModelError: nothing to learn from, or an objective that is not finite.
    """
    began = time.process_time()
    training = assay.part("training")
    rows, kept = rows_of(training), rows_of(assay.part("validation"))
    if not rows:
        raise ModelError("there is nothing to learn from", where="training set", why="it has no rows")
    assembly = model.build(training)
    if is_physical(assembly) and is_small(assembly, sum(map(len, rows))):
        report = fit_physical(assembly, rows, kept, starts, steps, model.seed, progress)
    elif suits_newton(assembly, rows):
        report = _by_newton(model, training, rows, kept, starts, steps, progress)
    else:
        report = _by_epochs(model, rows, kept, starts, steps, progress)
    if not abs(report.objective) < float("inf"):
        raise ModelError(
            f"the objective of {model.name} is not finite", fix="look for extreme values in the table"
        )
    return replace(report, cpu_seconds=time.process_time() - began, validated=bool(kept))


def suits_newton(assembly: Assembly, rows: tuple[Rows, ...]) -> bool:
    """Whether exact steps from random starts are quick: convex instruments, or nothing but few readings to fit."""
    if not assembly.readers() and sum(map(len, rows)) <= FEW_ROWS:
        return True
    projected = is_linear(assembly) and all(measurement.convex for measurement in assembly.measurements)
    return projected and is_small(assembly, sum(map(len, rows)))


def is_small(assembly: Assembly, rows: int) -> bool:
    """Whether second-order steps on so many rows take seconds."""
    if not is_linear(assembly):
        return False
    size = Coordinates(assembly).size
    return size <= MOST_PARAMETERS and rows * size**2 <= MOST_WORK


def is_linear(assembly: Assembly) -> bool:
    """Whether every reader of the sequence is linear in its weights."""
    return all(isinstance(encoder, LinearEncoder) for _, encoder in assembly.readers())


def _by_newton(
    model: AssayModel,
    training: Assay,
    rows: tuple[Rows, ...],
    kept: tuple[Rows, ...],
    starts: int,
    steps: int,
    progress: Progress | None,
) -> FitReport:
    if not model.assembly.readers():
        lay_over(model.assembly, rows)
        return converged(model.assembly, rows, steps, progress)
    tried = best_start(model.build(training, knots=FEW_KNOTS), rows, kept, starts, model.seed, progress)
    assembly = model.build(training)
    take(assembly, tried[0].parameters)
    lay_over(assembly, rows)
    return replace(converged(assembly, rows, steps, progress), starts=tuple(start.score for start in tried))


def _by_epochs(
    model: AssayModel,
    rows: tuple[Rows, ...],
    kept: tuple[Rows, ...],
    starts: int,
    steps: int,
    progress: Progress | None,
) -> FitReport:
    assembly = model.assembly
    recipe = recipe_for(assembly, rows, steps)
    if recipe.screened:
        drawn = screened(assembly, rows, starts, model.seed)[: recipe.full_fits]
    else:
        randomise(assembly, rows, torch.Generator().manual_seed(model.seed))
        bind_weakly(assembly, rows)
        drawn = [parameters_of(assembly)]
    found = []
    for parameters in drawn:
        take(assembly, parameters)
        lay_over(assembly, rows)
        found.append(_epochs(model, rows, kept, recipe, progress))
    reports, states = zip(*found, strict=True)
    best = min(range(len(found)), key=lambda number: nan_to_num(reports[number].starts[0], nan=inf))
    assembly.load_state_dict(states[best])
    tried = tuple(sorted(report.starts[0] for report in reports))
    report = replace(reports[best], starts=tried)
    # A map without a mechanism has nothing to be read off its optimum, and predicts best where it was stopped.
    if assembly.blueprint.settings.kind == "latent" or not is_small(assembly, sum(map(len, rows))):
        return report
    done = newton(gauged(assembly, rows), limit=min(steps, POLISHING_STEPS), progress=progress)
    return replace(newton_report(done, list(done.history)), starts=(score(assembly, kept or rows),))


def _epochs(
    model: AssayModel,
    rows: tuple[Rows, ...],
    kept: tuple[Rows, ...],
    recipe: Recipe,
    progress: Progress | None,
) -> tuple[FitReport, dict[str, torch.Tensor]]:
    """Epochs from where the model stands: how they went, and the state that they left."""
    assembly = model.assembly
    plan = {"seed": model.seed, "batch": recipe.batch, "progress": progress}
    if is_linear(assembly):
        # The first activities hardly differ: instruments laid over them would saturate on those of the long fit.
        fit_by_epochs(assembly, rows, epochs=GENTLE_EPOCHS, **plan)
        lay_over(assembly, rows)
    done = fit_by_epochs(
        assembly, rows, kept, epochs=recipe.epochs, learning_rate=recipe.learning_rate, **plan
    )
    with torch.no_grad():
        reached = float(objective(assembly, rows))
    report = FitReport(
        reached,
        float("nan"),
        done.epochs,
        (score(assembly, kept or rows),),
        0.0,
        done.training,
        best=done.best,
    )
    return report, {name: values.clone() for name, values in assembly.state_dict().items()}
