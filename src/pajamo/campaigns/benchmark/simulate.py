"""Strategies by tasks by seeds, and what came out, kept run by run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.benchmark.curves import area
from pajamo.campaigns.benchmark.executing import Where, executed
from pajamo.campaigns.benchmark.identity import LENGTH, identity
from pajamo.campaigns.benchmark.record_file import RecordFile
from pajamo.campaigns.benchmark.running import recorded, run
from pajamo.campaigns.benchmark.task import Task
from pajamo.errors import PajamoError, StudyError


class Job(NamedTuple):
    """One run that is asked for."""

    task: str
    strategy: str
    seed: int


class Plan(NamedTuple):
    """What every worker knows."""

    tasks: dict[str, Task]
    strategies: dict[str, Acquisition]


def simulate(
    tasks: Sequence[Task],
    strategies: Mapping[str, Acquisition],
    seeds: int | Iterable[int],
    out: Path | str,
    *,
    workers: int = 1,
    where: Where | None = None,
    progress: Callable[[str], object] | None = None,
) -> list[dict[str, Any]]:
    """Run every strategy on every task with every seed, or go on where that was broken off.

    Seeds are paired: the same seed gives every strategy the same held-out candidates and the same start. A run's
    record is a line of `runs.jsonl` in `out`, appended when the run is finished; after an interruption, even
    kill -9, the same call does what is missing. Records are the same bits in one process, several, and on Ray.

    Parameters
    ----------
    tasks: with different names (`pajamo.campaigns.benchmark.tasks`).
    strategies: acquisitions by the name under which they are shown.
    seeds: the seeds, or how many from 0 on.
    out: folder of the records.
    workers: processes, or runs at a time on Ray.
    where: "here", "processes", or "ray"; by default here for one worker, else in processes.
    progress: called with a line after each run.

    Returns
    -------
    The records asked for, by task, strategy, and seed as given; see `running.run` for what stands in one.

    Raises
    ------
    StudyError: no worker, names that are there twice, or a folder with runs of another task or setting.
    ModelError: a strategy does not go with a task's learner.
    """
    plan = Plan(_by_name(tasks), dict(strategies))
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    jobs = [Job(task, strategy, seed) for task in plan.tasks for strategy in strategies for seed in numbers]
    _require_sense(jobs, workers)
    file = RecordFile(Path(out))
    found = _finished(file, plan)
    missing = [job for job in jobs if job not in found]
    said = progress or (lambda _line: None)
    if len(missing) < len(jobs):
        said(f"{len(jobs) - len(missing)} of {len(jobs)} runs are finished already")
    where = where or ("here" if workers == 1 else "processes")
    for job, record in executed(done, plan, missing, where=where, workers=workers):
        file.append(record)
        found[job] = record
        said(f"{_count(found, jobs)} of {len(jobs)}: {line(plan.tasks[job.task], record)}")
    return [found[job] for job in jobs]


def done(plan: Plan, job: Job) -> dict[str, Any]:
    """The record of one run."""
    task, acquisition = plan.tasks[job.task], plan.strategies[job.strategy]
    try:
        found = run(task, acquisition, job.seed)
    except PajamoError as error:
        place = f"task {job.task}, strategy {job.strategy}, seed {job.seed}"
        where = f"{place}; {error.where}" if error.where else place
        raise type(error)(error.what, where=where, why=error.why, fix=error.fix) from None
    return job._asdict() | {"identity": identity(task, acquisition)} | found


def line(task: Task, record: Mapping[str, Any]) -> str:
    """A run in one line."""
    curve = recorded(record["metrics"][task.figure])
    under, spent = area(record["labels"], curve), sum(sum(part) for part in record["seconds"].values())
    return (
        f"{record['task']}, {record['strategy']}, seed {record['seed']}: {task.figure} {curve[-1]:.4g}, "
        f"area {under:.4g}, {spent:.1f} CPU s"
    )


def _count(found: Mapping[Job, Any], jobs: Sequence[Job]) -> int:
    return sum(job in found for job in jobs)


def _by_name(tasks: Sequence[Task]) -> dict[str, Task]:
    found = {task.name: task for task in tasks}
    if len(found) < len(tasks):
        raise StudyError(
            "two tasks have the same name", where="simulation", fix="give each a name of its own"
        )
    return found


def _require_sense(jobs: Sequence[Job], workers: int) -> None:
    if workers < 1:
        raise StudyError(f"{workers} workers are asked for", where="simulation", fix="give at least 1")
    if not jobs or len(set(jobs)) < len(jobs):
        raise StudyError(
            "a simulation needs tasks, strategies and seeds, each seed once",
            where="simulation",
            fix="give at least one of each",
        )


def _finished(file: RecordFile, plan: Plan) -> dict[Job, dict[str, Any]]:
    """Finished runs of the folder that belong to the plan's tasks and strategies."""
    known: dict[tuple[str, str], str] = {}
    found = {}
    for record in file.read():
        job = Job(record["task"], record["strategy"], record["seed"])
        if job.task not in plan.tasks or job.strategy not in plan.strategies:
            continue
        key = (job.task, job.strategy)
        known[key] = known.get(key) or identity(plan.tasks[job.task], plan.strategies[job.strategy])
        if record["identity"] != known[key]:
            raise StudyError(
                f"the folder holds a run of {job.strategy} on another {job.task}",
                where=str(file.path),
                why=f"data, protocol, learner or settings differ ({record['identity'][:LENGTH]}, not {known[key]})",
                fix="give another folder, or delete the old runs",
            )
        found[job] = record
    return found
