"""Effects of perturbations in a screen: a few numbers each, with what cells, guides and batches add to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from pajamo.campaigns.predictive import Array
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.screen import Screen
from pajamo.errors import DataError, StudyError, nearest, shorten

PROFILE = "profile"
"""The readout that is all genes together, in components."""


@dataclass(frozen=True)
class Effects:
    """What each perturbation of a screen does, against control cells.

    Attributes
    ----------
    conditions: perturbed ones.
    values: effect of each on each output, in ln(1 + CP10K) along the component or gene; shape (conditions, K).
    noise: sampling variance of each effect, from its own cells and from the controls; same shape.
    cell_variance: variance between cells of one condition, pooled over conditions; shape (K,).
    cells: of each condition.
    outputs: names.
    explained: share of the variance between effects that the outputs hold; 1 for a gene.
    genes, directions: what of a cell is read: weights of each gene in each output, shape (genes, K).
    """

    conditions: tuple[Condition, ...]
    values: Array
    noise: Array
    cell_variance: Array
    cells: Array
    outputs: tuple[str, ...]
    explained: float
    genes: pd.Index
    directions: Array


def effects_of(screen: Screen, readout: str, components: int) -> Effects:
    """Effects on a gene, or on the main components of effects on all genes.

    Parameters
    ----------
    screen: of one context and time.
    readout: "profile" or the name of a gene.
    components: of a profile; principal components of the effects, not centred, as no effect is the origin.

    Raises
    ------
    DataError: several contexts or times, fewer than two perturbations, or an unknown gene.
    """
    _one_setting(screen)
    means = pseudobulk(screen).whole.mean
    perturbed = [n for n, one in enumerate(screen.conditions) if not one.is_control]
    control = next(n for n, one in enumerate(screen.conditions) if one.is_control)
    if len(perturbed) < 2:
        raise DataError("fewer than two perturbations were measured", where=screen.name)
    directions, explained = _directions(screen, means[perturbed] - means[control], readout, components)
    names = (
        (readout,) if readout != PROFILE else tuple(f"component {k + 1}" for k in range(directions.shape[1]))
    )
    return _along(screen, directions, names, explained)


def _one_setting(screen: Screen) -> None:
    settings = {condition.setting for condition in screen.conditions}
    if len(settings) > 1:
        raise DataError(
            f"the screen has {len(settings)} contexts or times",
            where=screen.name,
            why="what is to be measured next is planned for one of them",
            fix="leave `context` and `time` out, or give a screen of one context and time",
        )


def _along(screen: Screen, directions: Array, names: tuple[str, ...], explained: float) -> Effects:
    perturbed = [n for n, one in enumerate(screen.conditions) if not one.is_control]
    control = next(n for n, one in enumerate(screen.conditions) if one.is_control)
    cells, mean, variance = _projected(screen, directions)
    freedom = np.maximum(cells - 1, 0)
    pooled = np.asarray((freedom[:, None] * variance).sum(axis=0) / freedom.sum())
    return Effects(
        conditions=tuple(screen.conditions[n] for n in perturbed),
        values=mean[perturbed] - mean[control],
        noise=pooled / cells[perturbed, None] + pooled / cells[control],
        cell_variance=pooled,
        cells=cells[perturbed],
        outputs=names,
        explained=explained,
        genes=screen.genes,
        directions=directions,
    )


def effects_along(screen: Screen, like: Effects) -> Effects:
    """Effects of another screen on the same outputs, against its own control cells.

    Raises
    ------
    DataError: genes of the outputs that this screen does not have; several contexts or times.
    """
    _one_setting(screen)
    needed = np.abs(like.directions).max(axis=1) > 0
    place = screen.genes.get_indexer(like.genes)
    if (place[needed] < 0).any():
        missing = like.genes[needed & (place < 0)]
        raise DataError(
            f"genes of the first screen are missing: {shorten(missing)}",
            where=screen.name,
            why="effects are read along the same genes, or they would not be the same quantity",
            fix="give counts of all genes of the first screen",
        )
    directions = np.zeros((len(screen.genes), like.directions.shape[1]))
    directions[place[needed]] = like.directions[needed]
    return _along(screen, directions, like.outputs, like.explained)


def _directions(screen: Screen, effects: Array, readout: str, components: int) -> tuple[Array, float]:
    """Columns along which cells are read, shape (genes, K), and the share of the effects' variance that they hold."""
    if readout != PROFILE:
        if readout not in screen.genes:
            raise StudyError(
                f"gene {readout!r} was not measured",
                where="readout",
                fix=f"{nearest(readout, screen.genes)}give the name of a gene, or 'profile'",
            )
        return np.asarray(screen.genes == readout, dtype=float)[:, None], 1.0
    _, singular, rows = np.linalg.svd(effects, full_matrices=False)
    kept = rows[: min(components, len(rows))]
    # A component may be turned around; the largest weight is positive in all of them.
    kept = kept * np.sign(kept[np.arange(len(kept)), np.abs(kept).argmax(axis=1)])[:, None]
    return np.asarray(kept.T), float((singular[: len(kept)] ** 2).sum() / (singular**2).sum())


def _projected(screen: Screen, directions: Array) -> tuple[Array, Array, Array]:
    """Cells, mean and variance between cells of every condition along the directions, in one pass over the cells."""
    groups, width = len(screen.conditions), directions.shape[1]
    total, squares = np.zeros((groups, width)), np.zeros((groups, width))
    for start, block in screen.log_normalised_blocks():
        scores = np.asarray(sp.csr_matrix(block) @ directions)
        which = screen.condition_of[start : start + len(scores)]
        member = sp.csr_matrix(
            (np.ones(len(which)), (which, np.arange(len(which)))), shape=(groups, len(which))
        )
        total += member @ scores
        squares += member @ scores**2
    cells = np.bincount(screen.condition_of, minlength=groups).astype(float)
    mean = total / np.maximum(cells, 1)[:, None]
    spread = np.maximum(squares - cells[:, None] * mean**2, 0.0)
    return cells, mean, spread / np.maximum(cells - 1, 1)[:, None]
