"""Raw counts of the cells that a model may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import random_halves
from pajamo.data.screen import Screen
from pajamo.errors import DataError


@dataclass(frozen=True)
class CountTable:
    """Counts of the training conditions' cells and of the predictor's half of the controls.

    Attributes
    ----------
    counts: molecules, shape (cells, genes).
    library_size: molecules over all genes, shape (cells,).
    conditions: what was done, controls included, sorted.
    condition_of: index into `conditions` for each cell.
    batches: names of the batches, sorted.
    batch_of: index into `batches` for each cell.
    guides: names of the guides, sorted; empty if the screen names none.
    guide_of: index into `guides` for each cell; None if the screen names none.
    """

    counts: sp.csr_matrix
    library_size: NDArray[np.float64]
    conditions: tuple[Condition, ...]
    condition_of: NDArray[np.intp]
    batches: tuple[str, ...]
    batch_of: NDArray[np.intp]
    guides: tuple[str, ...] = ()
    guide_of: NDArray[np.intp] | None = None

    @classmethod
    def from_screen(
        cls, screen: Screen, training: Sequence[Condition], *, seed: int = 0, shared_control: bool = False
    ) -> CountTable:
        """Take the cells that a training set was made of.

        Parameters
        ----------
        screen: raw counts.
        training: the training conditions; controls of every setting are added.
        seed: the one given to `pseudobulk`, so that both draw the same halves of the controls.
        shared_control: whether the training set uses all control cells.

        Raises
        ------
        DataError: the screen holds normalised values.
        """
        if screen.scale != "counts":
            raise DataError(
                "this screen holds normalised values, not counts",
                where=screen.name,
                why="a model of counts needs molecules as they were counted",
                fix="name the layer with raw counts in [data] layer",
            )
        wanted = sorted({c for c in screen.conditions if c.is_control} | set(training))
        position = {condition: i for i, condition in enumerate(wanted)}
        code = np.array([position.get(condition, -1) for condition in screen.conditions], dtype=np.intp)
        control = np.array([condition.is_control for condition in screen.conditions], dtype=bool)
        half = random_halves(screen.condition_of, len(screen.conditions), seed)
        seen = (code[screen.condition_of] >= 0) & (
            shared_control | ~control[screen.condition_of] | (half == 0)
        )
        rows = np.flatnonzero(seen)
        batches, batch_of = _batches(screen.cells.iloc[rows])
        guides, guide_of = _guides(screen.cells.iloc[rows])
        return cls(
            screen.matrix.rows(rows),
            screen.cells["library_size"].to_numpy(dtype=float)[rows],
            tuple(wanted),
            code[screen.condition_of[rows]],
            batches,
            batch_of,
            guides,
            guide_of,
        )


def _batches(cells: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    if "batch" not in cells:
        return ("all",), np.zeros(len(cells), dtype=np.intp)
    return _coded(cells["batch"])


def _guides(cells: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.intp] | None]:
    return _coded(cells["guide"]) if "guide" in cells else ((), None)


def _coded(column: pd.Series) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    names, codes = np.unique(column.astype(str).to_numpy(dtype=object), return_inverse=True)
    return tuple(str(name) for name in names), codes.astype(np.intp)
