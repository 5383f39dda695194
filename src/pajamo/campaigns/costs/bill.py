"""What a batch costs, line by line; the lines add up exactly, as money is counted in hundredths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
CENTS = 100


@dataclass(frozen=True)
class Line:
    """One line of a bill.

    Attributes
    ----------
    what: is paid for.
    quantity, unit, price: so many of these at that price each.
    cents: quantity times price in hundredths of the currency, rounded.
    """

    what: str
    quantity: float
    unit: str
    price: float
    cents: int

    @property
    def money(self) -> float:
        """In the currency."""
        return self.cents / CENTS


@dataclass(frozen=True)
class Cost:
    """What a batch costs.

    Attributes
    ----------
    lines: with something to pay.
    currency: of all prices.
    days: until the results are in.
    """

    lines: tuple[Line, ...]
    currency: str
    days: float

    @property
    def cents(self) -> int:
        """All lines, in hundredths."""
        return sum(line.cents for line in self.lines)

    @property
    def total(self) -> float:
        """All lines, in the currency."""
        return self.cents / CENTS

    def table(self) -> pd.DataFrame:
        """One row a line, and the total as the last."""
        columns = ["what", "quantity", "unit", "price", "money"]
        rows = [[line.what, line.quantity, line.unit, line.price, line.money] for line in self.lines]
        return pd.DataFrame([*rows, ["total", np.nan, "", np.nan, self.total]], columns=columns)


def in_cents(amount: Array | float) -> NDArray[np.int64]:
    """Money in hundredths, rounded."""
    return np.asarray(np.rint(np.asarray(amount, dtype=float) * CENTS), dtype=np.int64)
