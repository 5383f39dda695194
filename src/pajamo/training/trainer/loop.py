"""The loop over global steps: the same on one processor and on hundreds, to be stopped and gone on with anywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from pajamo.config.proteins.training import TrainingSettings
from pajamo.training.engine.processes import Processes, processes
from pajamo.training.trainer.folder import TrainingFolder
from pajamo.training.trainer.report import StepReport, TrainingResult
from pajamo.training.trainer.run import Run
from pajamo.training.trainer.stopping import Stopping
from pajamo.training.trainer.task import Task
from pajamo.training.trainer.validation import Validate


def train(
    task: Task,
    settings: TrainingSettings,
    folder: Path,
    *,
    seed: int = 0,
    on_step: Callable[[StepReport], None] | None = None,
    validate: Validate | None = None,
    among: Processes | None = None,
) -> TrainingResult:
    """Train a task, going on from the newest whole checkpoint of the folder, if it has one.

    Every process that torchrun starts calls this with the same arguments. A global step is what `task.plan` says; the
    processes share out its micro-batches, and the weights follow from the sum of all losses over the sum of all
    weights: the result does not depend on how many processes there are, beyond the rounding of sums.

    Parameters
    ----------
    task: module, data and loss.
    settings: steps, optimiser, precision, what is kept.
    folder: of the run: checkpoints (step_N), metrics.jsonl.
    seed: of the first weights, where the task's module has none yet.
    on_step: called in the first process after each step.
    validate: called in all processes every `validate_every` steps and at the end.
    among: processes that were joined already (`pajamo.training.engine.processes`); joined here if None.

    Raises
    ------
    ModelError: a GPU is asked for where there is none; the checkpoint is of another model or other data; training
        keeps going wrong after going back; the last checkpoint stays.
    DataError: another run trains in the folder.
    IntegrityError: there are checkpoints, and none is whole.
    StorageError: the disk is full; the last checkpoint stays.
    ProcessLost: another process died or failed.
    """
    with ExitStack() as stack:
        joined = among if among is not None else stack.enter_context(processes(settings.device))
        stopping = stack.enter_context(Stopping(settings.minutes))
        place = TrainingFolder(folder, joined.first)
        stack.callback(place.close)
        run = Run(task, settings, place, joined, seed)
        stack.callback(run.close)
        return run.to_end(stopping, on_step, validate)
