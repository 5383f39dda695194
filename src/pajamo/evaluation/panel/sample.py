"""Counted cells of held-out conditions and of controls, in the halves that the means were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import random_halves
from pajamo.data.screen import Screen
from pajamo.evaluation.panel.group import Group

CELLS_PER_HALF = 100
"""Most cells of each half of a perturbed condition."""
CONTROLS_PER_HALF = 1000
"""Most cells of each half of a control."""
MOST_CONDITIONS = 50
"""Most conditions of a fold; of more, these are drawn at random."""

Halves = Mapping[Condition, tuple[Group, Group]]


def sample_counts(screen: Screen, conditions: Sequence[Condition], *, seed: int) -> Halves:
    """Take counted cells of some conditions and of their controls, in the halves of `pseudobulk(screen, seed)`.

    Conditions with fewer than two cells in a half are left out: without a second cell there is no noise to
    take off. Of large screens, cells and conditions are drawn, so that time and memory are bounded.

    Returns
    -------
    Both halves of each condition; empty where the screen holds no counts or nothing is left.
    """
    if screen.scale != "counts":
        return {}
    half = random_halves(screen.condition_of, len(screen.conditions), seed)
    rng = np.random.default_rng([seed, 2])
    position = {condition: i for i, condition in enumerate(screen.conditions)}

    def taken(condition: Condition) -> tuple[Group, Group] | None:
        cells = np.flatnonzero(screen.condition_of == position[condition])
        most = CONTROLS_PER_HALF if condition.is_control else CELLS_PER_HALF
        sides = [_some(cells[half[cells] == side], most, rng) for side in (0, 1)]
        return None if min(map(len, sides)) < 2 else (_read(screen, sides[0]), _read(screen, sides[1]))

    chosen = [conditions[i] for i in _some(np.arange(len(conditions)), MOST_CONDITIONS, rng)]
    controls = {c: taken(c) for c in sorted({condition.control for condition in chosen} & position.keys())}
    kept = [condition for condition in chosen if controls.get(condition.control) is not None]
    found = controls | {condition: taken(condition) for condition in kept}
    sampled = {condition: groups for condition, groups in found.items() if groups is not None}
    return sampled if any(not condition.is_control for condition in sampled) else {}


def _some(rows: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows


def _read(screen: Screen, rows: NDArray[np.intp]) -> Group:
    counts = sp.csr_matrix(screen.matrix.rows(rows), dtype=np.float64)
    counts.eliminate_zeros()
    return Group(counts, screen.cells["library_size"].to_numpy(dtype=float)[rows])
