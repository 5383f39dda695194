"""Which candidates are held out, which are in the pool, and which are measured first: the same for every strategy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from pajamo.campaigns.benchmark.oracle import mean_of
from pajamo.campaigns.benchmark.task import Task
from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.predictive import Array, Rows
from pajamo.errors import DataError

BLOCK = 1024
"""Candidates whose distances are held at once."""


@dataclass(frozen=True)
class Beginning:
    """Rows of the task: held out, in the pool; and the places in the pool that are measured first."""

    test: Rows
    pool: Rows
    start: Rows


def begin(task: Task, seed: int) -> Beginning:
    """Split and start of one seed.

    Raises
    ------
    DataError: a class without a candidate in the pool, or more classes than the start has places.
    """
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(task.measurements))
    if isinstance(task.test, int):
        test, rest = order[: task.test], order[task.test :]
    else:
        test = np.asarray(task.test, dtype=np.intp)
        rest = order[~np.isin(order, test)]
    pool = np.sort(rest if task.pool is None else rest[: task.pool])
    return Beginning(np.sort(test), pool, _start(task, pool, rng))


def _start(task: Task, pool: Rows, rng: np.random.Generator) -> Rows:
    """Places in the pool, drawn as the protocol says; the rest at random."""
    number, how = task.protocol.start, task.protocol.begin
    first = np.zeros(0, dtype=np.intp)
    if how == "one per class":
        first = _one_per_class(task, pool, rng)
    elif how == "most distant":
        first = np.array(most_distant(task.features[pool]), dtype=np.intp)
    if len(first) > number:
        raise DataError(
            f"{len(first)} candidates are needed for {how}, and the start is {number}",
            where=f"task {task.name}",
            fix="make the start larger",
        )
    others = rng.permutation(np.setdiff1d(np.arange(len(pool)), first))
    return np.concatenate([first, others[: number - len(first)]])


def _one_per_class(task: Task, pool: Rows, rng: np.random.Generator) -> Rows:
    truth = mean_of(task.measurements)[:, 0]
    classes, known = np.unique(truth[np.isfinite(truth)]), truth[pool]
    missing = [int(c) for c in classes if not (known == c).any()]
    if missing:
        raise DataError(f"no candidate of the pool is of class {missing[0]}", where=f"task {task.name}")
    return np.array([rng.choice(np.flatnonzero(known == c)) for c in classes], dtype=np.intp)


def most_distant(features: Features) -> tuple[int, int]:
    """The two candidates that are furthest apart, by blocks: the matrix of distances is never whole."""
    whole = np.asarray(features[slice(0, features.shape[0])], dtype=float)
    best, found = -1.0, (0, 0)
    for part, own in blocks(whole, BLOCK):
        for other, others in blocks(whole[part.start :], BLOCK):
            far = cdist(np.asarray(own, dtype=float), np.asarray(others, dtype=float), "sqeuclidean")
            place = np.unravel_index(int(far.argmax()), far.shape)
            if far[place] > best:
                best = float(far[place])
                found = (part.start + int(place[0]), part.start + other.start + int(place[1]))
    return found


def scale_of(truth: Array) -> Array:
    """Standard deviation of each output over candidates, 1 where it does not vary; shape (D,)."""
    spread = truth[np.isfinite(truth).all(axis=1)].std(axis=0) if np.isfinite(truth).any() else np.zeros(1)
    return np.where(spread > 0, spread, 1.0)
