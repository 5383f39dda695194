"""What must hold of a batch, as the greedy choice asks it at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.costs.model import Load
from pajamo.campaigns.predictive import Rows


@dataclass(frozen=True)
class Rules:
    """Constraints on the candidates of a pool.

    Attributes
    ----------
    allowed: candidates that may be chosen; shape (N,).
    must: rows that have to be chosen.
    groups: rows of each group of which only so many may be chosen.
    most_per_group, most_candidates, most_guides: limits, infinite where there is none.
    """

    allowed: NDArray[np.bool_]
    must: Rows
    groups: tuple[Rows, ...] = ()
    most_per_group: float = np.inf
    most_candidates: float = np.inf
    most_guides: float = np.inf

    def open_rows(self, level: Rows) -> Rows:
        """Candidates that may be added, or given more, beside those chosen (level not -1)."""
        chosen = level >= 0
        found = self.allowed.copy()
        for group in self.groups:
            if chosen[group].sum() >= self.most_per_group:
                found[group] = False
        return np.asarray(np.flatnonzero(found | chosen))

    def allows(self, load: Load, control_guides: int) -> Any:
        """Whether batches with such loads keep to the limits on numbers."""
        guides = np.where(load.guides > 0, load.guides + control_guides, 0.0)
        return (load.candidates <= self.most_candidates) & (guides <= self.most_guides)

    def part(self, rows: Rows) -> Rules:
        """The same for some of the candidates, all that must be chosen among them."""
        place = np.full(len(self.allowed), -1)
        place[rows] = np.arange(len(rows))
        groups = tuple(place[group][place[group] >= 0] for group in self.groups)
        return Rules(
            self.allowed[rows],
            place[self.must],
            groups,
            self.most_per_group,
            self.most_candidates,
            self.most_guides,
        )
