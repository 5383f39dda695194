"""An energy matrix to be drawn: which letter at which position costs or gains how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.errors import DataError

Array = NDArray[np.float64]
ENERGY = "kcal/mol"


@dataclass(frozen=True)
class EnergyMatrix:
    """What a site reads of a sequence.

    Attributes
    ----------
    name: of the site.
    values: weight of each letter at each position, shape (positions, letters), in `unit`.
    alphabet: the letters, in the order of the columns.
    wild_type: the unmutated letters, one a position; "" where they are not known.
    first: number of the first position in the sequence, counted from 0.
    seen: whether a letter occurs at a position in the data, shape (positions, letters); all of them if None.
    unit: of the values.

    Raises
    ------
    DataError: shapes that do not fit.
    """

    name: str
    values: Array
    alphabet: str
    wild_type: str = ""
    first: int = 0
    seen: NDArray[np.bool_] | None = None
    unit: str = "kcal/mol"

    def __post_init__(self) -> None:
        shape = (len(self.wild_type) or len(self.values), len(self.alphabet))
        if self.values.shape != shape or (self.seen is not None and self.seen.shape != shape):
            raise DataError(
                f"the energy matrix of {self.name} has shape {self.values.shape}, not {shape}",
                where="EnergyMatrix",
                fix="give one row a position of the wild type and one column a letter",
            )

    @property
    def length(self) -> int:
        """Number of positions."""
        return len(self.values)

    @property
    def is_energy(self) -> bool:
        """Whether a lower value strengthens; ln of rates and traits work the other way."""
        return self.unit == ENERGY

    @property
    def strengths(self) -> Array:
        """How much a letter strengthens, about the mean of its position; 0 where it was never seen."""
        return np.asarray(np.nan_to_num(-self.centred if self.is_energy else self.centred))

    @property
    def positions(self) -> NDArray[np.intp]:
        """Numbers of the positions in the sequence."""
        return np.arange(self.first, self.first + self.length)

    @property
    def centred(self) -> Array:
        """Values about the mean of each position, shape (positions, letters); letters never seen have none."""
        shown = self.values if self.seen is None else np.where(self.seen, self.values, np.nan)
        count = np.maximum(np.isfinite(shown).sum(axis=1, keepdims=True), 1)
        return np.asarray(shown - np.nansum(shown, axis=1, keepdims=True) / count)

    def marked(self) -> list[tuple[int, int]]:
        """Position in the window and column of each wild-type letter."""
        return [
            (place, self.alphabet.index(letter))
            for place, letter in enumerate(self.wild_type)
            if letter in self.alphabet
        ]
