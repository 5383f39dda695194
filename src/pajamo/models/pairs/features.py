"""What differs at each position of a pair, as a sparse table of zeros and ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pajamo.data.assays.pairs.pairing import CHANNELS, Codes, channels, perfect
from pajamo.models.pairs.base import Task

CHANGES: dict[str, str] = {"rate": "to", "cut": "kind"}
"""How substitutions are told apart. Rates come of one or two guides, which have one base a position: told apart by
both bases, another guide's would all be new."""


def differences(codes: Codes, task: Task) -> sparse.csr_array:
    """One column a position and channel (`pairing.CHANNELS`), shape (pairs, length x channels)."""
    kind = CHANGES[task]
    switched, count = channels(kind), len(CHANNELS[kind])
    rows, places = np.nonzero(~perfect()[codes])
    on, channel = np.nonzero(switched[codes[rows, places]])
    columns = places[on] * count + channel
    shape = (len(codes), codes.shape[1] * count)
    return sparse.csr_array((np.ones(len(on)), (rows[on], columns)), shape=shape)


def shared_differences(codes: Codes, task: Task) -> sparse.csr_array:
    """The same with one more column a position and sort: any substitution, any insertion, any deletion there.

    A guide has one base at a position, and so only three of the four that a target may have instead. What these share
    is what is known of the fourth, which another guide's targets have.
    """
    own = differences(codes, task)
    sorts = _sorts(CHANNELS[CHANGES[task]])
    spread = sparse.kron(sparse.eye_array(codes.shape[1]), sorts, format="csr")
    return sparse.hstack([own, own @ spread], format="csr")


def _sorts(listed: tuple[str, ...]) -> NDArray[np.float64]:
    """Whether each channel is a substitution, an insertion, a deletion; shape (channels, 3)."""
    sort_of = [1 if channel.startswith("+") else 2 if channel == "-" else 0 for channel in listed]
    return np.eye(3)[sort_of]


def how_many(codes: Codes) -> NDArray[np.float64]:
    """Positions at which guide and target do not pair, or behind which bases stand; shape (pairs,)."""
    return np.asarray((~perfect()[codes]).sum(axis=1), dtype=np.float64)
