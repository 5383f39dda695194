"""Terms, and how each enters every row of a mechanism."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.models.assays.blueprint import Term

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Terms with their incidence, shape (rows, terms): the factor with which each enters each row."""

    terms: tuple[Term, ...]
    incidence: Array


def joined(parts: Sequence[Columns], rates: int) -> Array:
    """The incidence of all terms, and of as many fitted rates, which enter no row; shape (rows, terms)."""
    rows = len(parts[0].incidence)
    blocks = [part.incidence for part in parts if part.terms]
    return np.concatenate([np.zeros((rows, 0)), *blocks, np.zeros((rows, rates))], axis=1)
