"""Processes and clusters that do work for this process: started in one way, and ended with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from typing import Any

from pajamo.errors import MissingExtraError


def process_pool(workers: int, begin: Callable[..., None] | None = None, *given: Any) -> ProcessPoolExecutor:
    """Processes that leave Ctrl-C to this one, which ends them.

    They are started afresh: a forked child of a process whose threads hold locks may wait forever.

    Parameters
    ----------
    workers: number of processes.
    begin, given: called with these in each process before its first work.
    """
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(begin, *given))


def _begin(begin: Callable[..., None] | None, *given: Any) -> None:
    # Ctrl-C reaches every process of a terminal: the one that asked for the work ends the others.
    signal(SIGINT, SIG_IGN)
    if begin is not None:
        begin(*given)


@contextmanager
def ray_cluster(purpose: str) -> Iterator[Any]:
    """Ray, connected to the cluster that there is, or to one on this machine that ends with the block.

    Raises
    ------
    MissingExtraError: Ray is not installed; `purpose` says what it was wanted for.
    """
    try:
        ray = import_module("ray")
    except ImportError:
        raise MissingExtraError.for_extra("ray", purpose) from None
    started = not ray.is_initialized()
    if started:
        ray.init(include_dashboard=False, log_to_driver=False)
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()
