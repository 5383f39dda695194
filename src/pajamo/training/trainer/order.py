"""A hash of the data in the order in which they were trained on: two runs with the same one saw the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def order_after(before: str, plans: object) -> str:
    """Hash of everything so far: of what came before and of the plans of one global step.

    Parameters
    ----------
    before: what this function gave for the step before; empty at first.
    plans: dataclasses, sequences, arrays, numbers and texts, in their global order.
    """
    digest = hashlib.blake2b(before.encode(), digest_size=8)
    for part in _parts(plans):
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif is_dataclass(value):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        yield f"[{len(value)}".encode()
        for item in value:
            yield from _parts(item)
    else:
        # numpy's numbers print with their type, Python's without: the same number must give the same hash.
        yield f"{value.item() if isinstance(value, np.generic) else value!r};".encode()
