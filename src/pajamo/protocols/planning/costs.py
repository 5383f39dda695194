"""What a design costs in variance: the same cells laid out in other ways, and as they are laid out now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pajamo.protocols.errors.components import Variances
from pajamo.protocols.errors.differences import variance_of_difference, within_batch
from pajamo.protocols.errors.groups import Array
from pajamo.protocols.planning.allocation import Allocation, blocked, crossed

CROSSED = "crossed"
"""Every perturbation and sqrt(K) times as many controls in every batch."""
FEW_CONTROLS = "crossed, few controls"
"""The same with as many controls as cells of a perturbation."""
FEWER_BATCHES = "crossed, {} batches"
"""The same in some of the batches only, where there are too few cells for all of them."""
ONE_BATCH = "controls in one batch"
"""Every perturbation in every batch, the controls in the first."""
BLOCKED = "blocked, own controls"
"""Every perturbation in one batch, with controls in each."""
BLOCKED_ONE = "blocked, controls in one"
"""Every perturbation in one batch, the controls in the first."""


def compare_layouts(
    cells: int, perturbations: int, sizes: tuple[float, ...], variances: Variances, guides: float
) -> pd.DataFrame:
    """Mean variance of a difference when the same cells are laid out in several ways.

    Returns
    -------
    One row a layout: control cells, variance of pooled means by source, and the variance that remains with
    the better of pooling and of weighing within batches. The recommended layout stands first.
    """
    batches = len(sizes)
    layouts = {
        CROSSED: crossed(cells, perturbations, sizes),
        FEW_CONTROLS: crossed(cells, perturbations, sizes, control=1 / (perturbations + 1)),
    }
    if batches > 1:
        layouts[ONE_BATCH] = _in_one_batch(layouts[CROSSED])
        layouts[BLOCKED] = blocked(cells, perturbations, batches, own_controls=True)
        layouts[BLOCKED_ONE] = blocked(cells, perturbations, batches, own_controls=False)
    rows = [
        cost_of(name, one.perturbed, one.reference, variances, guides, float(one.control.sum()))
        for name, one in layouts.items()
    ]
    return pd.DataFrame(rows)


def fewer_batches(
    cells: int, perturbations: int, batches: int, variances: Variances, guides: float
) -> pd.DataFrame:
    """The best crossed layout over some of the batches, of equal size; one row, or none for a single batch."""
    rows = []
    for number in sorted(
        {max(1, round(batches / part)) for part in (1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)}
    ):
        if number < batches:
            one = crossed(cells, perturbations, (1.0,) * number)
            name = FEWER_BATCHES.format(number)
            controls = float(one.control.sum())
            rows.append(cost_of(name, one.perturbed, one.reference, variances, guides, controls))
    return pd.DataFrame(rows).nsmallest(1, "variance") if rows else pd.DataFrame()


def with_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Add the ratio of each variance to the smallest one."""
    return table.assign(times_best=table["variance"] / table["variance"].min())


def cost_of(
    name: str,
    perturbed: Array,
    control: Array,
    variances: Variances,
    guides: npt.ArrayLike,
    control_cells: float,
) -> dict[str, object]:
    """The row of a layout: mean variance over perturbations by source, and of the better analysis.

    Parameters
    ----------
    name: of the layout.
    perturbed, control: cells of each perturbation and of its control; shape (perturbations, batches).
    variances: of cells, batches, batches by perturbation, guides.
    guides: effective number of guides of each perturbation.
    control_cells: all of them, each counted once.
    """
    pooled = variance_of_difference(perturbed, control, variances, guides=guides)
    return {
        "layout": name,
        "control_cells": round(control_cells),
        "from_cells": float(pooled.cells.mean()),
        "from_batches": float(pooled.batch.mean()),
        "from_batch_by_perturbation": float(pooled.batch_by_perturbation.mean()),
        "from_guides": float(pooled.guide.mean()),
        "variance": float(best_analysis(perturbed, control, variances, guides).mean()),
    }


def best_analysis(perturbed: Array, control: Array, variances: Variances, guides: npt.ArrayLike) -> Array:
    """Variance of each difference, pooled over batches or weighed within them, whichever is smaller."""
    pooled = variance_of_difference(perturbed, control, variances, guides=guides)
    within = within_batch(perturbed, control, variances).variance + pooled.guide
    return np.minimum(pooled.total, within)


def _in_one_batch(layout: Allocation) -> Allocation:
    control = np.eye(len(layout.control))[0] * layout.control.sum()
    return Allocation(layout.perturbed, control, np.tile(control, (len(layout.perturbed), 1)))
