"""Once the validation set has chosen a fit, it can be learned from too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, objective, rows_of
from pajamo.training.assays.adam import fit_by_epochs
from pajamo.training.assays.converging import converged
from pajamo.training.assays.fit import is_linear
from pajamo.training.assays.recipe import recipe_for
from pajamo.training.assays.report import FitReport
from pajamo.training.assays.starts import bind_weakly, randomise

TEST = SETS.index("test")
GENTLY = 0.25
"""Share of a first fit's learning rate with which weights that are linear in the letters go on: at the full rate, and
with instruments laid anew, one refit of MPSA left its optimum for one that is .09 nats a row worse."""


def refit_assay(
    model: AssayModel,
    assay: Assay,
    chosen: FitReport,
    *,
    steps: int = 200,
    progress: Callable[[str], None] | None = None,
) -> FitReport:
    """Fit a chosen model once more, to the training and validation rows together.

    The validation set has done its work when starts and epochs are chosen, and its rows then tell of the sequences as
    much as others do. A fit by Newton steps, or of weights that are linear in the letters, goes on from where it
    stands, so that it stays in the optimum that was chosen; a black box starts anew from its own seed, as more epochs
    from where it was stopped would overfit. Epochs are as many as validation chose, on a learning rate that falls to
    zero over them. Nothing is stopped or chosen any more, and the validation rows are no longer held out: score them
    by the model as it was before (keep a copy; this one is fitted in place).

    On rows outside of two folds of MPSA's training and validation rows, a third more rows to learn from lowered minus
    the log-likelihood of the pairwise map from .040 to .036 and from .150 to .075 nats a row; on one of them, that of
    the network from -.042 to -.046.

    Parameters
    ----------
    model: as `fit_assay` left it.
    assay: with its training and validation sets, as it was then.
    chosen: what `fit_assay` reported.
    steps: most Newton steps.
    progress: is told a line now and then.

    Returns
    -------
    How it went; `starts` are still those chosen among on the validation set. The report given, and the model
    as it was, where there are no validation rows or where the objective on all rows ends above that of the model as
    it was chosen.

    Raises
    ------
    ModelError: the model is not fitted, or a loss is not finite.
    """
    if not chosen.validated:
        return chosen
    began, rows = time.process_time(), rows_of(seen(assay).part("training"))
    assembly = model.assembly
    before = {name: values.clone() for name, values in assembly.state_dict().items()}
    first = _reached(assembly, rows)
    report = (
        _by_epochs(model, rows, chosen, progress)
        if chosen.best
        else converged(assembly, rows, steps, progress)
    )
    if not _reached(assembly, rows) <= first:
        assembly.load_state_dict(before)
        return chosen
    spent = chosen.cpu_seconds + time.process_time() - began
    return replace(report, starts=chosen.starts, cpu_seconds=spent, refitted=True)


def seen(assay: Assay) -> Assay:
    """The same assay with its validation rows among the training rows."""
    return replace(assay, experiments=tuple(map(_seen, assay.experiments)))


def _seen(experiment: Experiment) -> Experiment:
    learned = np.where(experiment.set_of == TEST, TEST, 0).astype(np.int8)
    return replace(experiment, set_of=learned)


def _by_epochs(
    model: AssayModel,
    rows: tuple[Rows, ...],
    chosen: FitReport,
    progress: Callable[[str], None] | None,
) -> FitReport:
    assembly = model.assembly
    recipe = recipe_for(assembly, rows, chosen.best)
    linear = is_linear(assembly)
    if not linear:
        randomise(assembly, rows, torch.Generator().manual_seed(model.seed))
        bind_weakly(assembly, rows)
    done = fit_by_epochs(
        assembly,
        rows,
        epochs=chosen.best,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate * (GENTLY if linear else 1.0),
        seed=model.seed,
        progress=progress,
    )
    reached = _reached(assembly, rows)
    return FitReport(reached, float("nan"), done.epochs, (), 0.0, done.training, best=done.best)


def _reached(assembly: Assembly, rows: tuple[Rows, ...]) -> float:
    with torch.no_grad():
        return float(objective(assembly, rows))
