"""Single cells of each condition, in the same halves as the means, for models and metrics of distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import random_halves
from pajamo.data.screen import Screen

CELLS_PER_HALF = 100
"""Most cells of each half of a condition."""
MOST_VALUES = 100_000_000
"""Most values (cells times genes) that are held: 400 MB as float32."""

Half = NDArray[np.float32]
Halves = Mapping[Condition, tuple[Half, Half]]


def sample_halves(
    screen: Screen, *, seed: int, most: int = CELLS_PER_HALF, most_values: int = MOST_VALUES
) -> Halves:
    """Take cells of every condition in the halves that `pseudobulk(screen, seed)` made, in one pass.

    Parameters
    ----------
    screen: cells by genes.
    seed: the one given to `pseudobulk`.
    most: cells taken of each half, chosen at random.
    most_values: if more values than this would be held, none are, and the result is empty.

    Returns
    -------
    For each condition both halves in ln(1 + CP10K), each of shape (cells, genes).
    """
    groups = len(screen.conditions)
    label = screen.condition_of * 2 + random_halves(screen.condition_of, groups, seed)
    order = np.random.default_rng([seed, 1]).permutation(screen.n_cells)
    chosen = _first_of_each(label, order, most)
    if len(chosen) * len(screen.genes) > most_values:
        return {}
    values = screen.log_normalised_rows(chosen).toarray().astype(np.float32)
    of = label[chosen]
    return {c: (values[of == 2 * i], values[of == 2 * i + 1]) for i, c in enumerate(screen.conditions)}


def seen_cells(halves: Halves, *, shared_control: bool = False) -> dict[Condition, Half]:
    """What a predictor may see: all sampled cells of perturbed conditions, one half of the controls."""
    return {
        condition: first if condition.is_control and not shared_control else np.concatenate((first, second))
        for condition, (first, second) in halves.items()
    }


def _first_of_each(label: NDArray[np.intp], order: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """The first few cells of each label in the given order, sorted by position."""
    arranged = order[np.argsort(label[order], kind="stable")]
    sizes = np.bincount(label)
    rank = np.arange(len(arranged)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(arranged[rank < most])
