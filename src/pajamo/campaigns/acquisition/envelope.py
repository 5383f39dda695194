"""The upper envelope of lines, and how much it is expected to exceed its value at zero."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from pajamo.campaigns.predictive import Array

FARTHEST = 8.0
"""Standard deviations beyond which a line that is best there only adds less than rounding (1e-16 of its slope)."""
BLOCK = 2048
"""Lines looked at together: their slopes stay in the processor's cache."""


def expected_rise(intercepts: Array, slopes: Array, weights: Array | None = None) -> Array:
    """E max_i (a_i + b_i Z) - max_i a_i of a standard normal Z, exactly; one number for each column of slopes.

    Parameters
    ----------
    intercepts: a, shape (N,); minus infinity for lines that do not count.
    slopes: b, shape (N, K).
    weights: by which the columns of slopes are multiplied; shape (K,), ones if not given.

    Source: Frazier, Powell and Dayanik 2009, equations 13 and 14, O(n log n) in the lines that are ever best.
    """
    scale = np.ones(slopes.shape[1]) if weights is None else weights
    top = int(np.argmax(intercepts))
    behind, apart = _near(intercepts[top] - intercepts, slopes, slopes[top].copy(), scale)
    reach = FARTHEST * np.abs(apart) > behind[:, None]
    return np.array(
        [_rise(behind[reach[:, column]], apart[reach[:, column], column]) for column in range(len(scale))]
    )


def _near(behind: Array, slopes: Array, highest: Array, scale: Array) -> tuple[Array, Array]:
    """Lines that reach the highest one within FARTHEST for any column: how far behind, and slopes less its own."""
    rows, parts = [], []
    for start in range(0, len(slopes), BLOCK):
        apart = slopes[start : start + BLOCK] - highest
        apart *= scale
        widest = np.maximum(apart.max(axis=1), -apart.min(axis=1))
        near = np.flatnonzero(FARTHEST * widest > behind[start : start + BLOCK])
        rows.append(start + near)
        parts.append(apart[near])
    return behind[np.concatenate(rows)], np.concatenate(parts)


def two_line_rise(ahead: Array, apart: Array) -> Array:
    """E max(0, x + y Z) - max(0, x), for differences x of intercepts and y of slopes; shape (N,)."""
    steep = np.abs(apart)
    z = np.divide(-np.abs(ahead), steep, out=np.full_like(steep, -np.inf), where=steep > 0.0)
    return np.asarray(steep * normal_loss(z))


def normal_loss(z: Array) -> Array:
    """phi(z) + z Phi(z), the expected amount by which a standard normal exceeds -z; 0 at minus infinity."""
    bounded = np.maximum(z, -40.0)
    return np.asarray(
        np.maximum(np.exp(-0.5 * bounded**2) / np.sqrt(2.0 * np.pi) + bounded * ndtr(bounded), 0.0)
    )


def _rise(behind: Array, apart: Array) -> float:
    """The rise over a flat line at 0 by lines that start at -behind <= 0 with slopes `apart`."""
    ordered = _flattest_first(np.append(-behind, 0.0), np.append(apart, 0.0))
    starts, slopes = (part.tolist() for part in ordered)
    kept = [0]
    meets = [-np.inf]
    for line in range(1, len(slopes)):
        while True:
            last = kept[-1]
            crossing = (starts[last] - starts[line]) / (slopes[line] - slopes[last])
            if crossing > meets[-1]:
                break
            kept.pop()
            meets.pop()
        kept.append(line)
        meets.append(crossing)
    return float(np.diff(ordered[1][kept]) @ normal_loss(-np.abs(np.array(meets[1:]))))


def _flattest_first(starts: Array, slopes: Array) -> tuple[Array, Array]:
    """Lines by rising slope; of those of one slope only the highest."""
    order = np.lexsort((starts, slopes))
    starts, slopes = starts[order], slopes[order]
    last = np.append(slopes[1:] > slopes[:-1], True)
    return starts[last], slopes[last]
