"""One hash of everything that predictions depend on; the record of a round keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike


def fingerprint(name: str, parts: Mapping[str, ArrayLike]) -> str:
    """Sha256, hexadecimal, over names, types, shapes and bytes of arrays, in the order of their names.

    Parameters
    ----------
    name: of the kind of learner.
    parts: whatever predictions depend on; numbers and words are taken as arrays of none dimensions.
    """
    found = hashlib.sha256(name.encode())
    for key in sorted(parts):
        array = np.ascontiguousarray(np.asarray(parts[key]))
        found.update(f"|{key}|{array.dtype.str}|{array.shape}|".encode())
        found.update(array.tobytes())
    return found.hexdigest()
