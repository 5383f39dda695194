"""Where runs are done: in this process, in processes of their own, or on a Ray cluster; the same bits everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children
from typing import Any, Literal, TypeVar

from pajamo.errors import ModelError
from pajamo.workers import process_pool, ray_cluster

Where = Literal["here", "processes", "ray"]
Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


def executed(
    work: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Sequence[Item],
    *,
    where: Where = "here",
    workers: int = 1,
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as soon as it is there; in order only in this process.

    What is shared (the tasks) goes to each worker once. Interrupted, no worker goes on.

    Raises
    ------
    MissingExtraError: Ray is asked for and not installed.
    ModelError: a worker was ended from outside.
    """
    if where == "here":
        for item in items:
            yield item, work(shared, item)
    elif where == "processes":
        yield from _in_processes(work, shared, items, workers)
    else:
        yield from _on_ray(work, shared, items, workers)


_SHARED: list[Any] = []
"""In a worker: the work and what it shares, handed over when the process began."""


def _begin(work: Callable[..., Any], shared: Any) -> None:
    _SHARED[:] = [work, shared]


def _one(item: Any) -> Any:
    work, shared = _SHARED
    return work(shared, item)


def _in_processes(
    work: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    others = set(active_children())
    with process_pool(workers, _begin, work, shared) as pool:
        try:
            waiting = {pool.submit(_one, item): item for item in items}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BrokenProcessPool:
            raise ModelError(
                "a process that ran strategies was ended from outside",
                where="simulation",
                why="as happens when memory runs out",
                fix="run the same command with fewer `workers`: finished runs are kept",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(active_children()) - others:
                child.terminate()
            raise


def _on_ray(
    work: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    with ray_cluster("a simulation on a Ray cluster") as ray:
        remote, common = ray.remote(num_cpus=1)(work), ray.put(shared)
        left: list[Item] = list(reversed(items))
        running: dict[Any, Item] = {}
        while left or running:
            while left and len(running) < workers:
                item = left.pop()
                running[remote.remote(common, item)] = item
            done, _ = ray.wait(list(running), num_returns=1)
            for reference in done:
                yield running.pop(reference), ray.get(reference)
