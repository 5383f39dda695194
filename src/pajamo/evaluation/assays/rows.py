"""What one set of an experiment recorded, and what a model says of it: the two columns that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.evaluation.assays.units import SEQUENCES

Array = NDArray[np.float64]
Kind = Literal["reads", "cuts", "values", "rates", "ratios", "mixed"]
ALL = "all"
"""Stands for all experiments together."""


@dataclass(frozen=True)
class Measured:
    """Rows of one set of one experiment.

    Attributes
    ----------
    experiment, set_name: where the rows come from.
    kind: reads in sorted bins; sites that were cut or not; one value a row; a rate; the ratio of RNA to DNA; or
        several experiments together.
    recorded: reads of each row in each bin, shape (rows, bins), for cuts in two of them (not cut, cut); or the value
        (ln of the ratio, log10 of the rate or of its limit of detection), shape (rows,).
    observations: how many observations each row stands for (reads; 1 for a value), shape (rows,).
    sequences: number of each row's sequence, the same in every experiment, shape (rows,).
    units: number of what the row is resampled with, shape (rows,); its sequence if not given.
    unit: what that is: "sequences", "pairs" or "guides".
    censored: of rates: -1 no faster than the value, 1 no slower, 0 resolved, shape (rows,).
    """

    experiment: str
    set_name: str
    kind: Kind
    recorded: Array
    observations: Array
    sequences: NDArray[np.intp]
    units: NDArray[np.intp] | None = None
    unit: str = SEQUENCES
    censored: Array | None = None

    @property
    def resampled(self) -> NDArray[np.intp]:
        """Number of what each row is resampled with, shape (rows,)."""
        return self.sequences if self.units is None else self.units

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.observations)

    @cached_property
    def summary(self) -> Array:
        """One number a row for a picture: the mean bin of its reads, counted from 1, 1 for cut and 0 for not, or the
        value; shape (rows,)."""
        if self.kind == "cuts":
            return self.recorded[:, 1]
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
    activity: on the mechanism's own scale, shape (rows,).
    coordinate: the activity as the measurement takes it, which loses no digits near 0 and 1, shape (rows,).
    expected: mean of what would be recorded, shape (rows,).
    log_likelihood: ln p of what was recorded of each row, in nats, shape (rows,).
    """

    activity: Array
    coordinate: Array
    expected: Array
    log_likelihood: Array


def pooled(parts: Mapping[str, Measured]) -> Measured:
    """The rows of several experiments together, of which only the observations are alike; one is left as it is."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    observations = np.concatenate([measured.observations for measured in parts.values()])
    sequences = np.concatenate([measured.sequences for measured in parts.values()])
    units = np.concatenate([measured.resampled for measured in parts.values()])
    first = next(iter(parts.values()))
    blank = np.full(len(observations), np.nan)
    return Measured(ALL, first.set_name, "mixed", blank, observations, sequences, units, first.unit)


def pooled_said(parts: Mapping[str, Measured], said: Mapping[str, Said]) -> Said:
    """What a model says of the rows of `pooled`."""
    columns = ("activity", "coordinate", "expected", "log_likelihood")
    return Said(*(np.concatenate([getattr(said[name], column) for name in parts]) for column in columns))
