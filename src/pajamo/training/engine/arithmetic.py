"""A CPU that computes for hours: numbers and memory that would slow it down."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

LARGEST_IN_HEAP: Final = 1 << 20
"""Bytes; arrays that are larger are given back to the system when they are freed."""
_MMAP_THRESHOLD: Final = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h."""


@contextmanager
def steady(device: torch.device) -> Iterator[torch.device]:
    """Keep steps of a training on a CPU as fast, and its memory as small, as they were at first; a GPU needs nothing.

    Numbers below 1e-38 become zero, as long as this context lasts: a CPU takes up to a hundred times longer over
    them, and attention that has learned to look away, or a running mean that fades, is full of them. A step of an 8M
    model took 1.5 s at first and 3.5 s an hour later.

    Large arrays are mapped one by one. By default glibc takes them from its heap once one was freed; packs hold
    proteins of ever other lengths, arrays have ever other sizes, and in that hour the heap grew from 1.5 to 4 GiB.
    """
    if device.type != "cpu":
        yield device
        return
    _map_large_arrays()
    torch.set_flush_denormal(True)
    try:
        yield device
    finally:
        torch.set_flush_denormal(False)


def _map_large_arrays() -> None:
    try:
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGEST_IN_HEAP)
    except (AttributeError, OSError):  # another C library than glibc
        return
