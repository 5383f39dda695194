"""Thompson sampling: each member of a batch is the best candidate of one world that the model holds possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.readout import readout_of
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class Thompson(Acquisition):
    """One coherent world per member of the batch: all candidates are drawn together, so that alike ones agree.

    Scores are the shares of these worlds in which a candidate is among the best `number`.

    Attributes
    ----------
    spread: how far worlds lie from the expected readouts, as a share of how far the model's draws do. 1 is Thompson
        sampling; less relies more on what is expected, which finds more hits in screens with few rounds (of 0.5, an
        ensemble's worlds are as far from its mean as means of four members are); 0 is greedy.
    """

    name: ClassVar[str] = "thompson"
    source: ClassVar[str] = "Thompson 1933 (Biometrika 25, 285); batches: Kandasamy et al. 2018, algorithm 2"
    unit: ClassVar[str] = "of the worlds have it among their best"

    spread: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.spread <= 1.0:
            raise StudyError(f"a spread of {self.spread}", where=self.name, fix="give one from 0 to 1")

    def choose(self, situation: Situation, number: int) -> Selection:
        """The best candidate of each world that no earlier world has taken."""
        shares = np.zeros(situation.size)
        free = situation.available.copy()
        rows: list[int] = []
        readout = readout_of(situation)
        for part in readout.worlds(number, situation.rng):
            for drawn in part:
                world = drawn if self.spread == 1.0 else readout.mean + self.spread * (drawn - readout.mean)
                shares[_best(open_scores(situation, world), number)] += 1.0 / number
                rows.append(best_row(np.where(free, world, np.nan), situation.rng))
                free[rows[-1]] = False
        scores = open_scores(situation, shares)
        return Selection(np.array(rows, dtype=np.intp), scores[rows], scores)

    def why(self, selection: Selection, place: int) -> str:
        """In how many worlds it is good."""
        return (
            "the best of those left in a world that the model holds possible; "
            f"among the best {len(selection.rows)} in {100 * selection.gains[place]:.0f} % of such worlds"
        )


def _best(world: Array, number: int) -> Rows:
    keys = np.where(np.isnan(world), -np.inf, world)
    return np.asarray(np.argpartition(keys, len(keys) - number)[len(keys) - number :], dtype=np.intp)
