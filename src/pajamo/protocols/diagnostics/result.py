"""What one test found, in a form that a table can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Found = Literal["holds", "broken", "unclear", "untested"]
"""What a test says of an assumption: nothing speaks against it; the data speak against it; the data are confounded
or too few to say; the screen has nothing to test it with."""

RATE = 0.05
"""Rate of false discoveries among the perturbations that a test names."""


@dataclass(frozen=True)
class Question:
    """What a test asks of the data.

    Attributes
    ----------
    name: name of the test.
    assumption: name of the assumption that it tests.
    can: what the test can tell.
    cannot: what it cannot.
    """

    name: str
    assumption: str
    can: str
    cannot: str

    def answered(self, found: Found, sentence: str, table: pd.DataFrame | None = None) -> Diagnostic:
        """What the data say."""
        return Diagnostic(self, found, sentence, pd.DataFrame() if table is None else table)


@dataclass(frozen=True)
class Diagnostic:
    """What one test of one assumption found.

    Attributes
    ----------
    question: what was asked.
    found: what the data say.
    sentence: what was seen, with numbers.
    table: one row a comparison; empty if there was none.
    """

    question: Question
    found: Found
    sentence: str
    table: pd.DataFrame


def discoveries(p: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which hypotheses are rejected at a false discovery rate of `RATE` (Benjamini and Hochberg 1995)."""
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= RATE * np.arange(1, len(p) + 1) / len(p))
    rejected = np.zeros(len(p), dtype=bool)
    if len(below):
        rejected[order[: below[-1] + 1]] = True
    return rejected
