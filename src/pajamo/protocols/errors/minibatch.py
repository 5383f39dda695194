"""Control cells in each training minibatch: the square-root rule, within experimental batches."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.errors import DataError
from pajamo.protocols.errors.controls import control_ratio, shared_control_correlation


def minibatch_plan(
    available: pd.DataFrame, cells: int, *, sd_ratio: float = 1.0, perturbations: int | None = None
) -> pd.DataFrame:
    """How to fill a minibatch of each experimental batch, where the loss compares with resampled controls.

    Controls come from the batch of the perturbed cells, so that batch effects cancel in each difference,
    and are sqrt(K) sigma_c / sigma_p times as many as the cells of each of the K perturbations.

    Parameters
    ----------
    available: columns batch, perturbation ("" for control), cells; one row a group.
    cells: of one minibatch.
    sd_ratio: standard deviation of control cells over that of perturbed cells.
    perturbations: at most so many in one minibatch; by default as many as leaves two cells for each.

    Returns
    -------
    One row a batch: perturbations in a minibatch, cells of each, control cells, how often a control cell
    is used in a pass over the batch's perturbed cells, and the correlation of errors that sharing causes.

    Raises
    ------
    DataError: a batch without control cells (named), or a minibatch too small for a comparison.
    """
    table = available.assign(control=available["perturbation"] == "").query("cells > 0")
    rows = [
        _of_batch(str(batch), part, cells, sd_ratio, perturbations)
        for batch, part in table.groupby("batch", sort=True)
    ]
    return pd.DataFrame(rows)


def _of_batch(
    batch: str, part: pd.DataFrame, cells: int, sd_ratio: float, most: int | None
) -> dict[str, object]:
    perturbed = part.loc[~part["control"], "cells"]
    controls = int(part.loc[part["control"], "cells"].sum())
    if controls == 0 and len(perturbed):
        raise DataError(
            f"batch {batch} has no control cells",
            where="training minibatches",
            why="a control of another batch would put the batches' difference into every effect",
            fix="leave that batch out of training, or compare within batches that have controls",
        )
    number = _number(cells, len(perturbed), sd_ratio, most)
    each, shared = _split(cells, number, sd_ratio)
    passes = perturbed.sum() / max(number * each, 1)
    return {
        "batch": batch,
        "perturbations": number,
        "cells_of_each": each,
        "control_cells": shared,
        "uses_of_each_control": passes * shared / max(controls, 1),
        "error_correlation": float(shared_control_correlation(each, shared, sd_ratio)) if number else np.nan,
    }


def _number(cells: int, here: int, sd_ratio: float, most: int | None) -> int:
    """The most perturbations that leave two cells for each; no more than are there or were asked for."""
    counts = np.arange(1, max(min(here, most or here), 1) + 1)
    fitting = counts[2 * (counts + control_ratio(counts, sd_ratio)) <= cells]
    if not len(fitting):
        raise DataError(
            f"a minibatch of {cells} cells cannot hold a comparison",
            where="training minibatches",
            fix=f"take at least {int(np.ceil(2 * (1 + sd_ratio)))} cells",
        )
    return min(int(fitting[-1]), here)


def _split(cells: int, number: int, sd_ratio: float) -> tuple[int, int]:
    if number == 0:
        return 0, cells
    each = int(cells // (number + float(control_ratio(number, sd_ratio))))
    return each, cells - number * each
