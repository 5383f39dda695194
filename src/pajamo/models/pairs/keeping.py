"""Rows that are kept aside to stop or choose by, and few of the very many sites that were not found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.assay import SETS
from pajamo.data.assays.pairs.pairing import Codes

Array = NDArray[np.float64]
Places = NDArray[np.intp]
SHARE = 0.15
"""Of the training rows, kept aside where the study has no validation set."""
FEWEST_GUIDES = 4
"""From so many on whole guides are kept aside, below pairs."""


def kept_aside(
    codes: Codes,
    value: Array,
    set_of: NDArray[np.int8],
    groups: NDArray[np.float64] | NDArray[np.intp] | None,
    *,
    seed: int,
    labels: bool,
) -> tuple[Places, Places]:
    """Places of the rows to learn from and of those kept aside: the validation set, or some of the training set.

    A pair that is in several rows is on one side only. With `labels` both sides hold sites that were found, if
    several were.
    """
    training = np.flatnonzero(set_of == SETS.index("training"))
    validation = np.flatnonzero(set_of == SETS.index("validation"))
    usable = len(np.unique(value[validation])) > 1
    if usable:
        return training, validation
    rng = np.random.default_rng(seed)
    for unit in _units(codes[training], None if groups is None else groups[training]):
        aside = _drawn(unit, rng)
        sides = [training[~aside], training[aside]]
        mixed = all(len(np.unique(value[side])) > 1 for side in sides)
        if min(map(len, sides)) and (mixed or not labels):
            return sides[0], sides[1]
    return training, training


def _units(codes: Codes, groups: NDArray[np.float64] | NDArray[np.intp] | None) -> list[Places]:
    """Numbers of what stays together: guides if there are enough, else pairs."""
    pairs = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    if groups is None or len(np.unique(groups)) < FEWEST_GUIDES:
        return [pairs]
    return [np.unique(groups, return_inverse=True)[1], pairs]


def _drawn(unit: Places, rng: np.random.Generator) -> NDArray[np.bool_]:
    count = int(unit.max()) + 1
    chosen = rng.permutation(count)[: max(round(SHARE * count), 1)]
    return np.asarray(np.isin(unit, chosen))


def fewer(value: Array, places: Places, most: int, rng: np.random.Generator) -> tuple[Places, Array]:
    """At most so many rows, all that were found among them, and what each of them stands for.

    Sites that were not found outnumber the others by thousands to one, and a share of them says the same.
    """
    if len(places) <= most:
        return places, np.ones(len(places))
    found, others = places[value[places] > 0], places[value[places] <= 0]
    room = max(most - len(found), 1)
    drawn = rng.choice(others, size=min(room, len(others)), replace=False)
    weights = np.append(np.ones(len(found)), np.full(len(drawn), len(others) / len(drawn)))
    return np.append(found, drawn), weights
