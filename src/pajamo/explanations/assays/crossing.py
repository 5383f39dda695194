"""Where a drop of the likelihood passes a target."""

from __future__ import annotations

import math
from collections.abc import Callable

MOST = 30
EDGE = 0.05
"""Share of the bracket at either end that is not tried."""


def crossing(
    drop: Callable[[float], float], inside: float, outside: float, target: float, accuracy: float
) -> float:
    """Find where `drop` passes `target` between a place below it and one above, to an accuracy.

    The root of a drop is nearly straight (it is exactly so for a quadratic), and its root is found by false position,
    with the weight of an end that stays halved (Illinois).
    """
    below, above = _height(drop(inside), target), _height(drop(outside), target)
    last = 0
    guess = inside
    for _ in range(MOST):
        before, share = guess, below / (below - above)
        guess = inside + min(max(share, EDGE), 1 - EDGE) * (outside - inside)
        height = _height(drop(guess), target)
        if height > 0:
            outside, above, below, last = guess, height, below / 2 if last > 0 else below, 1
        else:
            inside, below, above, last = guess, height, above / 2 if last < 0 else above, -1
        if abs(outside - inside) < accuracy or abs(guess - before) < accuracy / 4:
            break
    return guess


def _height(drop: float, target: float) -> float:
    return math.sqrt(max(drop, 0.0)) - math.sqrt(target)
