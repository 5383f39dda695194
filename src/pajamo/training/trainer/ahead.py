"""The next step's data are read while this step is computed; what is read does not depend on when."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pajamo.errors import DataError
from pajamo.training.engine.devices import make_current
from pajamo.training.engine.processes import Processes
from pajamo.training.trainer.task import Facts, Measured, Task, Work


@dataclass(frozen=True)
class Share:
    """What one process does in a global step.

    Attributes
    ----------
    plans: of all micro-batches of the global step.
    micros: this process's, ready on its device, as many as any process has.
    idle: how many of them, at the end, stand in for nothing: they are computed so that exchanges match, and count
        nothing.
    weight: of this process's losses.
    work: of this process, without what counts nothing.
    after: position in the data behind the step.
    """

    plans: Sequence[Any]
    micros: list[Any]
    idle: int
    weight: float
    work: Work
    after: Facts


class Ahead:
    """Reads one step ahead in a thread."""

    def __init__(self, task: Task, processes: Processes) -> None:
        self._task, self._processes = task, processes
        # A new thread has GPU 0 as its current one, whichever the process has.
        self._reader = ThreadPoolExecutor(
            1, "next step", initializer=make_current, initargs=(processes.device,)
        )
        self._next: tuple[Facts, Future[Share]] | None = None

    def take(self, position: Facts, more: bool) -> Share:
        """The share of the step at a position; the one behind it is begun if there is `more`."""
        if self._next is None or self._next[0] != position:
            self._next = (position, self._reader.submit(_prepared, self._task, position, self._processes))
        share = self._next[1].result()
        self._next = None
        if more:
            self._next = (
                share.after,
                self._reader.submit(_prepared, self._task, share.after, self._processes),
            )
        return share

    def close(self) -> None:
        """Stop reading."""
        self._reader.shutdown(wait=True, cancel_futures=True)


def _prepared(task: Task, position: Facts, processes: Processes) -> Share:
    plans, after = task.plan(position)
    if not plans:
        raise DataError(
            "the stream has no data for a step",
            where=f"position {position}",
            fix="look at what was kept for training",
        )
    own = processes.share(plans)
    idle = -(-len(plans) // processes.world) - len(own)
    # Whoever has less to do repeats a micro-batch that another one has, and does not count it: all then exchange
    # gradients equally often, and nothing has to work for empty data.
    micros = [task.micro_batch(plan, processes.device) for plan in [*own, *plans[:idle]]]
    counted = micros[: len(own)]
    return Share(plans, micros, idle, float(sum(map(task.weight, counted))), _work(task, counted), after)


def _work(task: Task, micros: list[Any]) -> Work:
    if not isinstance(task, Measured):
        return Work(0, 0, 0.0)
    each = [task.work(micro) for micro in micros]
    return Work(sum(w.tokens for w in each), sum(w.places for w in each), sum(w.flops for w in each))
