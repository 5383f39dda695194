"""Where hypotheses are trained: in this process, in several processes, or on a Ray cluster; the same bits everywhere.

A generation is cut into chunks that depend on its candidates alone, and each chunk is trained with one thread in the
same way wherever that happens, so that a search may go on elsewhere than where it began.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import torch

from pajamo.config.assays import SearchSettings
from pajamo.errors import ModelError
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate
from pajamo.workers import process_pool, ray_cluster

CHUNK = 8
"""Hypotheses of one scheme that are trained at once: enough for large products of matrices, which stay in cache."""
T = TypeVar("T")


class Executor(ABC):
    """Trains the chunks of a generation."""

    def rewards(self, task: Task, candidates: Sequence[Candidate], steps: int) -> dict[Candidate, float]:
        """The reward of each candidate."""
        chunks = list(chunked(candidates))
        found: dict[Candidate, float] = {}
        for chunk, rewards in zip(chunks, self._train(task, chunks, steps), strict=True):
            found |= dict(zip(chunk, rewards, strict=True))
        return found

    @abstractmethod
    def _train(self, task: Task, chunks: Sequence[Sequence[Candidate]], steps: int) -> list[list[float]]:
        """Rewards of each chunk, in order."""


def chunked(candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, ...]]:
    """At most CHUNK candidates of one scheme at a time."""
    for name in dict.fromkeys(candidate.mechanism for candidate in candidates):
        own = tuple(candidate for candidate in candidates if candidate.mechanism == name)
        for first in range(0, len(own), CHUNK):
            yield own[first : first + CHUNK]


def train_chunk(task: Task, steps: int, chunk: Sequence[Candidate]) -> list[float]:
    """Rewards of one chunk, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return task.rewards(chunk, steps)
    finally:
        torch.set_num_threads(threads)


class Here(Executor):
    """In this process."""

    def _train(self, task: Task, chunks: Sequence[Sequence[Candidate]], steps: int) -> list[list[float]]:
        return [train_chunk(task, steps, chunk) for chunk in chunks]


class Processes(Executor):
    """In processes of their own on this machine."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def _train(self, task: Task, chunks: Sequence[Sequence[Candidate]], steps: int) -> list[list[float]]:
        try:
            return list(self._pool.map(partial(train_chunk, task, steps), chunks))
        except BrokenProcessPool:
            raise ModelError(
                "a process that trained hypotheses was ended from outside",
                where="search",
                why="as happens when memory runs out",
                fix="run the search again with fewer `workers`: it goes on where it stood",
            ) from None


class Ray(Executor):
    """In tasks of a Ray cluster; without an address that is one on this machine."""

    def __init__(self, ray: Any, workers: int) -> None:
        self._ray, self._workers = ray, workers
        self._remote = ray.remote(num_cpus=1)(train_chunk)

    def _train(self, task: Task, chunks: Sequence[Sequence[Candidate]], steps: int) -> list[list[float]]:
        shared, found = self._ray.put(task), []
        for first in range(0, len(chunks), self._workers):
            block = chunks[first : first + self._workers]
            found += self._ray.get([self._remote.remote(shared, steps, chunk) for chunk in block])
        return found


@contextmanager
def executor_of(settings: SearchSettings) -> Iterator[Executor]:
    """The executor that a study asks for, shut down at the end also when interrupted.

    Raises
    ------
    MissingExtraError: Ray is asked for and not installed.
    """
    if settings.executor == "here":
        yield Here()
    elif settings.executor == "processes":
        with process_pool(settings.workers) as pool:
            try:
                yield Processes(pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    else:
        with ray_cluster("a search on a Ray cluster") as ray:
            yield Ray(ray, settings.workers)
