"""What a run depends on, as one hash: runs of another task, learner or setting are never taken for this one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from inspect import isroutine
from typing import Any

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.benchmark.task import Task
from pajamo.campaigns.features import blocks

LENGTH = 16
LEFT_OUT = {"features", "title", "ceiling", "licence", "source"}
"""Of a task: hashed by block, or without influence on a run."""


def identity(task: Task, acquisition: Acquisition) -> str:
    """Hash of data, protocol, learner and strategy, hexadecimal."""
    digest = hashlib.sha256(of_task(task).encode())
    _update(digest, acquisition)
    return digest.hexdigest()[:LENGTH]


def of_task(task: Task) -> str:
    """Hash of data, protocol and learner, hexadecimal."""
    digest = hashlib.sha256()
    for _, part in blocks(task.features):
        _update(digest, np.asarray(part))
    for name, value in vars(task).items():
        if name not in LEFT_OUT:
            digest.update(name.encode())
            _update(digest, value)
    return digest.hexdigest()[:LENGTH]


def _update(digest: Any, value: Any) -> None:
    """Numbers and texts by what is written, arrays by their bytes, anything else by its class and what it holds."""
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        for key in value:
            digest.update(repr(key).encode())
            _update(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)}".encode())
        for one in value:
            _update(digest, one)
    elif value is None or isinstance(value, str | int | float | np.generic):
        digest.update(repr(value).encode())
    elif isinstance(value, partial):
        _update(digest, [value.func, value.args, value.keywords])
    elif isinstance(value, type) or isroutine(value):
        digest.update(f"{value.__module__}.{value.__qualname__}".encode())
    else:
        _update(digest, type(value))
        _update(digest, dict(sorted(getattr(value, "__dict__", {}).items())))
