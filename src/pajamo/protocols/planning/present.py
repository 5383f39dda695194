"""A design as it stands: cells of each perturbation and of its control by batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.screen import Screen
from pajamo.protocols.errors.controls import control_ratio
from pajamo.protocols.errors.groups import Array, groups_of
from pajamo.protocols.planning.settings import PresentSettings


@dataclass(frozen=True)
class PresentDesign:
    """Cells of a screen by condition and batch.

    Attributes
    ----------
    name: of the screen.
    conditions: those that are perturbed and have a control in their context at their time.
    batches: names.
    perturbed: cells of each condition; shape (conditions, batches).
    setting: number of each condition's context and time; shape (conditions,).
    guides: effective number of guides of each condition, 1 / sum of squared shares; shape (conditions,).
    control_cells: cells of the control of each setting; shape (settings, batches).
    """

    name: str
    conditions: tuple[str, ...]
    batches: tuple[str, ...]
    perturbed: Array
    setting: NDArray[np.intp]
    guides: Array
    control_cells: Array

    @property
    def control(self) -> Array:
        """Cells of each condition's control by batch; shape (conditions, batches)."""
        return self.control_cells[self.setting]

    @property
    def cells(self) -> int:
        """All cells, each control counted once."""
        return int(self.perturbed.sum() + self.control_cells.sum())

    def spread(self) -> Array:
        """Share of each batch in all cells of a condition's setting; shape (conditions, batches)."""
        cells = self.control_cells.copy()
        np.add.at(cells, self.setting, self.perturbed)
        return np.asarray((cells / cells.sum(axis=1, keepdims=True))[self.setting])

    def best(self) -> tuple[Array, Array]:
        """The same cells at their best: equal perturbations, sqrt(K) controls in each setting, all crossed.

        Returns
        -------
        Perturbed and control cells, not whole numbers; shape (conditions, batches).
        """
        number = np.bincount(self.setting).astype(float)
        perturbed = np.bincount(self.setting, weights=self.perturbed.sum(axis=1))
        ratio = control_ratio(number)
        each = (perturbed + self.control_cells.sum(axis=1)) / (number + ratio)
        spread = self.spread()
        return each[self.setting, None] * spread, (each * ratio)[self.setting, None] * spread

    def in_batch(self) -> NDArray[np.int64]:
        """Number of conditions that each batch holds."""
        return np.asarray((self.perturbed > 0).sum(axis=0))


def present_of_screen(screen: Screen) -> PresentDesign:
    """Count a screen's cells; controls are those of the same context and time.

    Raises
    ------
    DataError: the screen has no batch column.
    """
    groups = groups_of(screen)
    table = np.zeros((len(screen.conditions), len(groups.batches)))
    np.add.at(table, (groups.condition, groups.batch), groups.cells)
    position = {condition: k for k, condition in enumerate(screen.conditions)}
    kept = [c for c in screen.conditions if not c.is_control and c.control in position]
    rows = np.array([position[c] for c in kept], dtype=np.intp)
    controls, setting = np.unique([position[c.control] for c in kept], return_inverse=True)
    return PresentDesign(
        screen.name,
        tuple(map(str, kept)),
        groups.batches,
        table[rows],
        setting.ravel(),
        _effective_guides(groups.condition, groups.guide, groups.cells)[rows],
        table[controls],
    )


def _effective_guides(condition: NDArray[np.intp], guide: NDArray[np.intp], cells: Array) -> Array:
    table = pd.DataFrame({"condition": condition, "guide": guide, "cells": cells})
    each = table.groupby(["condition", "guide"])["cells"].sum()
    total = each.groupby("condition").sum()
    squared = (each**2).groupby("condition").sum()
    return np.asarray(total**2 / squared, dtype=float)


def stated_present(present: PresentSettings, perturbations: int, guides: int) -> PresentDesign:
    """A design as it was stated, its perturbations spread alike."""
    perturbed = np.tile(np.array(present.perturbed, dtype=float) / perturbations, (perturbations, 1))
    control = np.array(present.control, dtype=float)
    return PresentDesign(
        "as it stands",
        tuple(f"perturbation {k + 1}" for k in range(perturbations)),
        tuple(str(k + 1) for k in range(len(control))),
        perturbed,
        np.zeros(perturbations, dtype=np.intp),
        np.full(perturbations, float(guides)),
        control[None],
    )
