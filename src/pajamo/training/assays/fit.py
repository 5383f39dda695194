"""Fit a model of an assay: one function for every mechanism, encoder and measurement."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from pajamo.data.assays.assay import Assay
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import FitReport
from pajamo.training.assays.starts import best_start, lay_over

MOST_ROUNDS = 6
"""How often the instruments' scales are laid anew over the activities that a fit arrived at."""


def fit_assay(
    model: AssayModel, assay: Assay, *, starts: int = 8, steps: int = 200, progress: Callable[[str], None] | None = None
) -> FitReport:
    """Fit a model to the training set of an assay; the validation set chooses starts and stops black boxes.

    Raises
    ------
    ModelError: nothing to learn from, or an objective that is not finite.
    """
    began = time.process_time()
    training, validation = assay.part("training"), assay.part("validation")
    rows = rows_of(training)
    sketch = model.build(training, knots=12)
    tried = best_start(sketch, rows, rows_of(validation), starts, model.seed, progress)
    assembly = model.build(training)
    with torch.no_grad():
        for name, values in assembly.named_parameters():
            if name in tried[0].weights:
                values.copy_(tried[0].weights[name])
        lay_over(assembly, rows)
    problem = Problem(assembly, rows)
    done = newton(problem, limit=steps, progress=progress)
    history = list(done.history)
    for _ in range(MOST_ROUNDS):
        before = done.objective
        problem.lay()
        done = newton(problem, limit=steps, progress=progress)
        history += done.history
        if progress is not None:
            progress(f"laid anew: {before:.2f} to {done.objective:.2f} nats")
        if abs(done.objective - before) < 0.1:
            break
    return FitReport(
        done.objective, done.gap, len(history), tuple(s.score for s in tried), time.process_time() - began, tuple(history)
    )
