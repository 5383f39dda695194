"""Rows kept aside within a training set: what a hypothesis has to predict before anything is tested."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.pairs.pairing import parts, perfect
from pajamo.errors import SplitError

Folds = NDArray[np.int64]
Inner = Literal["pair", "place", "guide"]


def inner_folds(codes: Codes, kind: Inner, folds: int, seed: int) -> Folds:
    """The fold in which each row is kept aside, shape (rows,).

    Parameters
    ----------
    codes: guide-target pairs, shape (rows, positions).
    kind: "pair": equal pairs together, drawn at random. "place": pairs together whose changes are at the same
        positions, so that effects have to carry over to other positions. "guide": all pairs of a guide together.
    folds: how many.
    seed: of the draw.

    Raises
    ------
    SplitError: there are fewer groups than folds.
    """
    group = groups(codes, kind)
    count = int(group.max(initial=-1)) + 1
    if count < folds:
        raise SplitError(
            f"{count} groups cannot be divided into {folds} folds",
            where=f'search.inner = "{kind}"',
            why="all pairs of a group are kept aside together"
            + (": there is one guide" if count == 1 else ""),
            fix='give more guides, fewer `folds`, or another `inner`, one of "pair", "place", "guide"',
        )
    rng = np.random.default_rng(seed)
    return np.asarray((rng.permutation(count) % folds)[group])


def groups(codes: Codes, kind: Inner) -> Folds:
    """A number for the group of each row."""
    if kind == "pair":
        keys = codes
    elif kind == "place":
        keys = (~perfect()[codes]).astype(np.uint8)
    else:
        keys = parts(np.minimum(codes, LAST))[0]
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


LAST = len(perfect()) - 2
"""The greatest code; the missing one, beyond it, stands where a guide is shorter."""
