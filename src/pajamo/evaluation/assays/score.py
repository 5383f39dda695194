"""One figure of one model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One figure with its 95 % interval; `note` says why there is none."""

    metric: str
    value: float
    low: float
    high: float
    note: str = ""
