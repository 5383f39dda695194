"""Whole numbers of cells: how many of each perturbation and of the control go into each batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.errors import StudyError
from pajamo.protocols.errors.controls import control_share
from pajamo.protocols.errors.groups import Array

FEWEST = 2
"""Cells of a perturbation below which nothing can be said of it."""


@dataclass(frozen=True)
class Allocation:
    """Cells by batch.

    Attributes
    ----------
    perturbed: shape (perturbations, batches).
    control: shape (batches,).
    reference: control cells that each perturbation is compared with; shape (perturbations, batches).
    """

    perturbed: Array
    control: Array
    reference: Array

    @property
    def cells(self) -> int:
        """All cells."""
        return int(self.perturbed.sum() + self.control.sum())

    def table(self) -> pd.DataFrame:
        """One row a batch: control cells, cells of one perturbation of each group, all cells.

        Perturbations that are spread alike form a group; the columns count them.
        """
        rows, first, number = np.unique(self.perturbed, axis=0, return_index=True, return_counts=True)
        columns = {"batch": np.arange(1, len(self.control) + 1), "control": self.control.astype(int)}
        for k, group in enumerate(np.argsort(first, kind="stable")):
            kind = "perturbation" if number[group] == 1 else "perturbations"
            columns[f"group {k + 1} ({number[group]} {kind}), each"] = rows[group].astype(int)
        columns["cells"] = (self.perturbed.sum(axis=0) + self.control).astype(int)
        return pd.DataFrame(columns)

    def summary(self) -> pd.DataFrame:
        """One row a batch: control cells, cells of one perturbation (or from fewest to most), all cells."""
        low, high = self.perturbed.min(axis=0), self.perturbed.max(axis=0)
        each = [f"{a:g}" if a == b else f"{a:g} to {b:g}" for a, b in zip(low, high, strict=True)]
        table = self.table()[["batch", "control", "cells"]]
        table.insert(2, "each perturbation", each)
        return table


def crossed(
    cells: int, perturbations: int, sizes: tuple[float, ...], control: float | None = None
) -> Allocation:
    """Every perturbation and the control in every batch, in proportion to the batches' sizes.

    Parameters
    ----------
    cells: all cells.
    perturbations: their number.
    sizes: relative sizes of the batches.
    control: share of the cells that are controls; by the square-root rule if not given.

    Raises
    ------
    StudyError: more perturbations than the cells can carry.
    """
    share = float(control_share(perturbations)) if control is None else control
    controls = max(round(cells * share), 1)
    each = (cells - controls) // perturbations
    if each < FEWEST:
        raise too_few(cells, perturbations)
    left = cells - controls - each * perturbations
    numbers = np.full(perturbations, each)
    numbers[:left] += 1
    weight = np.array(sizes) / np.sum(sizes)
    control_cells = _rounded(controls * weight)
    perturbed = deal(numbers, weight)
    return Allocation(perturbed, control_cells, np.broadcast_to(control_cells, perturbed.shape))


def too_few(cells: int, perturbations: int) -> StudyError:
    """The complaint about a budget that does not carry its perturbations."""
    fewest = int(np.ceil(FEWEST * (perturbations + np.sqrt(perturbations))))
    return StudyError(
        f"{cells:,} cells cannot carry {perturbations:,} perturbations",
        where="budget",
        why=f"each needs at least {FEWEST} cells, and all of them controls: {fewest:,} cells",
        fix="give more cells, or fewer perturbations",
    )


def deal(numbers: Array, weight: Array) -> Array:
    """Deal each perturbation's cells over batches, remainders to the batches furthest behind.

    Parameters
    ----------
    numbers: cells of each perturbation, whole; shape (perturbations,).
    weight: share of each batch, summing to one; shape (batches,).
    """
    wanted = numbers[:, None] * weight
    table = np.floor(wanted + 1e-9)
    short = wanted.sum(axis=0) - table.sum(axis=0)
    for row, number in zip(table, numbers, strict=True):
        left = round(number - row.sum())
        chosen = np.argsort(-short, kind="stable")[:left]
        row[chosen] += 1
        short[chosen] -= 1
    return table


def _rounded(wanted: Array) -> Array:
    """Whole numbers of the same sum, the largest remainders rounded up."""
    whole = np.floor(wanted + 1e-9)
    left = round(wanted.sum() - whole.sum())
    whole[np.argsort(whole - wanted, kind="stable")[:left]] += 1
    return whole


def blocked(cells: int, perturbations: int, batches: int, *, own_controls: bool) -> Allocation:
    """Each batch holds perturbations of its own; controls in every batch, or all in the first.

    With own controls, each perturbation is compared with those of its batch, which are as many as the
    square-root rule asks for in a batch of so many perturbations.
    """
    home = np.arange(perturbations) % batches
    here = np.maximum(np.bincount(home, minlength=batches), 1)
    units = perturbations + (np.sqrt(here).sum() if own_controls else np.sqrt(perturbations))
    each = cells / units
    perturbed = np.zeros((perturbations, batches))
    perturbed[np.arange(perturbations), home] = each
    control = np.sqrt(here) * each if own_controls else np.eye(batches)[0] * each * np.sqrt(perturbations)
    reference = (
        np.where(perturbed > 0, control, 0.0) if own_controls else np.tile(control, (perturbations, 1))
    )
    return Allocation(perturbed, control, reference)
