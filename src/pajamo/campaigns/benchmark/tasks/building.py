"""What tasks have in common: learners by kind, and the two usual beginnings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.learners.gaussian_process import GaussianProcess
from pajamo.campaigns.learners.trees import RandomForest
from pajamo.errors import DataError

Start = Literal["usual", "warm", "cold"]
WARM = 0.1
"""Share of the candidates that are not held out which a warm start measures."""


def classes(features: ArrayLike, labels: ArrayLike, learner: Learner | None = None, **rest: Any) -> Task:
    """A task of classes, with a random forest of 100 trees unless another learner is given."""
    table, found = np.asarray(features, dtype=float), np.asarray(labels)
    names, numbers = np.unique(found, return_inverse=True)
    forest = learner or RandomForest(100, records="classes", classes=len(names))
    measurements = numbers.astype(float).reshape(-1, 1, 1)
    return Task(features=table, measurements=measurements, learner=forest, kind="classes", **rest)


def values(features: ArrayLike, recorded: ArrayLike, learner: Learner | None = None, **rest: Any) -> Task:
    """A task of values, with a Gaussian process with one length scale a feature unless another learner is given."""
    table, found = np.asarray(features, dtype=float), np.asarray(recorded, dtype=float)
    process = learner or GaussianProcess()
    return Task(features=table, measurements=found.reshape(-1, 1, 1), learner=process, kind="values", **rest)


def begun(task: Task, start: Start) -> Task:
    """The task with another beginning.

    "warm": a tenth of the candidates at random. "cold": one candidate of each class, or the two that are furthest
    apart. "usual": as the task's protocol says.

    Raises
    ------
    DataError: another word.
    """
    if start == "usual":
        return task
    if start == "warm":
        held = task.test if isinstance(task.test, int) else len(task.test)
        first = max(2, round(WARM * (len(task.measurements) - held)))
        return replace(task, protocol=replace(task.protocol, start=first, begin="random"))
    if start == "cold":
        return replace(task, protocol=_cold(task))
    raise DataError(
        f"a start {start!r}", where=f"task {task.name}", fix='choose one of "usual", "warm", "cold"'
    )


def _cold(task: Task) -> Protocol:
    if task.kind == "values":
        return replace(task.protocol, start=2, begin="most distant")
    number = len(np.unique(task.measurements[np.isfinite(task.measurements)]))
    return replace(task.protocol, start=number, begin="one per class")
