"""Looking up many places of an order at once and handing them out batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray[Any], ...]
PLANNED = 1 << 14
"""Places that are looked up at once: enough that numpy's calls cost nothing a place, few enough for the cache."""


class Planner:
    """Batches of consecutive places; any step may be asked for, the next one costs least.

    Parameters
    ----------
    batch_size: places of a batch.
    look_up: gives, for places, one or several arrays with an entry each; it must not remember anything.
    """

    def __init__(self, batch_size: int, look_up: Callable[[NDArray[np.int64]], Columns]) -> None:
        self.batch_size, self._look_up = batch_size, look_up
        self._steps = max(1, PLANNED // batch_size)
        self._planned: tuple[int, Columns] = (-1, ())

    def batch(self, step: int) -> Columns:
        """What was looked up for the places of one step.

        Raises
        ------
        IndexError: a negative step.
        """
        if step < 0:
            raise IndexError("steps are counted from 0")
        number, within = divmod(step, self._steps)
        held, columns = self._planned
        if held != number:
            size = self._steps * self.batch_size
            columns = self._look_up(np.arange(number * size, (number + 1) * size))
            self._planned = number, columns
        first = within * self.batch_size
        return tuple(column[first : first + self.batch_size] for column in columns)
