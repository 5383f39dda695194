"""Which control is the right one for each group of perturbed cells: same time, same protocol, same batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.protocols.protocol import Protocol


def matched_references(
    protocol: Protocol,
    conditions: Sequence[Condition],
    condition_of: NDArray[np.intp],
    batch: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The matched control of each perturbed condition, or why there is none.

    Arguments
    ---------
    conditions: all that the screen holds.
    condition_of: for each cell, the position of its condition.
    batch: for each cell, its batch, where batches were recorded.

    Returns
    -------
    One row a perturbed condition: condition, cells, reference (empty if missing), reference_cells, found,
    in_batches (share of its cells whose batch holds cells of the reference; NaN without batches), reason.
    """
    cells = np.bincount(condition_of, minlength=len(conditions))
    counts = None if batch is None else _by_batch(condition_of, batch, len(conditions))
    rows = []
    for i, condition in enumerate(conditions):
        if condition.is_control:
            continue
        control = conditions.index(condition.control) if condition.control in conditions else None
        shared = _shared(counts, i, control)
        reason = _reason(protocol, conditions, condition, shared)
        found = control is not None and not reason.startswith("the control")
        rows.append(
            (str(condition), cells[i], str(condition.control) if control is not None else "",
             0 if control is None else cells[control], found, shared, reason)
        )  # fmt: skip
    names = ["condition", "cells", "reference", "reference_cells", "found", "in_batches", "reason"]
    return pd.DataFrame(rows, columns=names)


def _by_batch(condition_of: NDArray[np.intp], batch: Sequence[str], n: int) -> NDArray[np.int64]:
    codes, names = pd.factorize(pd.Series(batch), sort=True)
    table = np.zeros((n, len(names)), dtype=np.int64)
    np.add.at(table, (condition_of, codes), 1)
    return table


def _shared(counts: NDArray[np.int64] | None, row: int, control: int | None) -> float:
    if counts is None or control is None:
        return float("nan")
    return float(counts[row][counts[control] > 0].sum() / counts[row].sum())


def _reason(protocol: Protocol, conditions: Sequence[Condition], condition: Condition, shared: float) -> str:
    if condition.control not in conditions:
        times = sorted({c.time for c in conditions if c.is_control and c.context == condition.context})
        others = (
            f"that context has controls at {', '.join(f'{t:g}' for t in times)}" if times else "none there"
        )
        return f"no control cells in its context at its time ({others})"
    if protocol.history(condition).without_edits() != protocol.history(condition.control).without_edits():
        return "the control went through another protocol"
    same = "same context, time and protocol"
    if np.isnan(shared):
        return f"{same}; batches were not recorded"
    if shared == 1.0:
        return f"{same}; control cells in all of its batches"
    if shared == 0.0:
        return f"{same}; none of its batches holds control cells: its effect and the batch's cannot be told apart"
    return f"{same}; {1 - shared:.0%} of its cells are in batches without control cells"
