"""Which part of an axis to show when one poor model would squeeze all others together."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

KEPT = 0.6
"""Share of the rows, best first, that an axis always shows in full."""
REACH = 0.8
"""Others are shown in place if they lie within this share of those rows' span."""
PADDING = 0.06


def visible(rows: pd.DataFrame, anchors: tuple[float, ...] = ()) -> tuple[float, float]:
    """Range of an axis.

    Parameters
    ----------
    rows: columns value, low, high, the best row first; NaN ends stand for no interval.
    anchors: values that must be visible, such as zero.

    Returns
    -------
    The two ends. Rows beyond them are to be drawn as arrows at the edge.
    """
    ends = rows[["value", "low", "high"]].to_numpy(dtype=float)
    ends = ends[np.isfinite(ends[:, 0])]
    if not len(ends) and not anchors:
        return 0.0, 1.0
    kept = ends[: max(3, math.ceil(KEPT * len(ends)))]
    low = float(np.nanmin([*kept.ravel(), *anchors]))
    high = float(np.nanmax([*kept.ravel(), *anchors]))
    reach = REACH * (high - low)
    for row in ends[len(kept) :]:
        if low - reach <= np.nanmin(row) and np.nanmax(row) <= high + reach:
            low, high = min(low, float(np.nanmin(row))), max(high, float(np.nanmax(row)))
    padding = PADDING * (high - low) or max(abs(high), 1.0) * PADDING
    return low - padding, high + padding
