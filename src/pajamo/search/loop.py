"""The search itself: propose a generation, train it, put it on record, until the evaluations are used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pajamo.errors import IntegrityError
from pajamo.search.executing import Executor
from pajamo.search.methods import propose
from pajamo.search.record import Evaluation, Record
from pajamo.search.rewarding import Task

Progress = Callable[[str], None]


def search(
    task: Task, record: Record, executor: Executor, progress: Progress = lambda _: None
) -> list[Evaluation]:
    """Evaluate hypotheses from where the record stands; a search that was stopped ends as one that never was.

    Raises
    ------
    IntegrityError: the record is of another search.
    StorageError: the disk refuses.
    """
    _require_own(task, record.evaluations)
    settings = task.settings
    while len(record.evaluations) < settings.evaluations:
        proposal = propose(task.space, settings, task.study.seed, record.evaluations)
        rewards = executor.rewards(task, proposal.candidates, proposal.steps)
        first = len(record.evaluations)
        record.add(
            [Evaluation(first + n, c, rewards[c], proposal.steps) for n, c in enumerate(proposal.candidates)]
        )
        progress(_line(record.evaluations, settings.evaluations))
    return record.evaluations


def _require_own(task: Task, evaluations: Sequence[Evaluation]) -> None:
    for one in evaluations:
        if not task.space.holds(one.candidate):
            raise IntegrityError(
                "the record is of another search",
                where=f"evaluation {one.number}: {one.candidate.key}",
                why="it holds a hypothesis that this search cannot make",
                fix="start the search in another folder",
            )


def _line(evaluations: Sequence[Evaluation], most: int) -> str:
    best = max(evaluations, key=lambda one: one.reward)
    latest = evaluations[-1]
    return (
        f"{len(evaluations)}/{most} hypotheses tried; best {best.reward:.4f} ({best.candidate.mechanism}), "
        f"latest {latest.reward:.4f}"
    )
