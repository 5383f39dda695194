"""What one set of an experiment recorded, and what a model says of it: the two columns that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["reads", "values", "ratios", "mixed"]
ALL = "all"
"""Stands for all experiments together."""


@dataclass(frozen=True)
class Measured:
    """Rows of one set of one experiment.

    Attributes
    ----------
    experiment, set_name: where the rows come from.
    kind: reads in sorted bins; one value a row; the ratio of RNA to DNA; or several experiments together.
    recorded: reads of each row in each bin, shape (rows, bins), or the value (ln of the ratio), shape (rows,).
    observations: how many observations each row stands for (reads; 1 for a value), shape (rows,).
    sequences: number of each row's sequence, the same in every experiment, shape (rows,).
    """

    experiment: str
    set_name: str
    kind: Kind
    recorded: Array
    observations: Array
    sequences: NDArray[np.intp]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.observations)

    @cached_property
    def summary(self) -> Array:
        """One number a row for a picture: the mean bin of its reads, counted from 1, or the value; shape (rows,)."""
        if self.kind != "reads":
            return self.recorded
        reads = self.recorded.sum(axis=1)
        blank = np.full(len(reads), np.nan)
        places = self.recorded @ np.arange(1, self.recorded.shape[1] + 1)
        return np.asarray(np.divide(places, reads, out=blank, where=reads > 0))


@dataclass(frozen=True)
class Said:
    """What a model says of the same rows.

    Attributes
    ----------
    activity: on the scale that the measurement takes, shape (rows,).
    expected: mean of what would be recorded, shape (rows,).
    log_likelihood: ln p of what was recorded of each row, in nats, shape (rows,).
    """

    activity: Array
    expected: Array
    log_likelihood: Array


def pooled(parts: Mapping[str, Measured]) -> Measured:
    """The rows of several experiments together, of which only the observations are alike; one is left as it is."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    observations = np.concatenate([measured.observations for measured in parts.values()])
    sequences = np.concatenate([measured.sequences for measured in parts.values()])
    set_name = next(iter(parts.values())).set_name
    return Measured(ALL, set_name, "mixed", np.full(len(observations), np.nan), observations, sequences)


def pooled_said(parts: Mapping[str, Measured], said: Mapping[str, Said]) -> Said:
    """What a model says of the rows of `pooled`."""
    columns = ("activity", "expected", "log_likelihood")
    return Said(*(np.concatenate([getattr(said[name], column) for name in parts]) for column in columns))
