"""Power-BALD: BALD with a little chance, so that a batch is not the same result many times over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.bald import information
from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class PowerBald(Acquisition):
    """Candidates drawn without replacement, with probability in proportion to BALD to a power.

    Attributes
    ----------
    power: the exponent (beta); 0 is random, a very large one is BALD.
    """

    name: ClassVar[str] = "power-bald"
    source: ClassVar[str] = "Kirsch et al. 2021 (arXiv 2106.12059), section 3"
    unit: ClassVar[str] = "nats"

    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.power < np.inf:
            raise StudyError(
                f"a power of {self.power}", where="power-bald", fix="give a power of 0 or more, usually 1"
            )

    def choose(self, situation: Situation, number: int) -> Selection:
        """The highest power x log(BALD) + Gumbel noise, which is a draw without replacement."""
        scores = open_scores(situation, information(situation))
        rate = self.power * np.log(np.maximum(scores, np.finfo(float).tiny))
        rows = best_rows(rate + situation.rng.gumbel(size=len(scores)), number, situation.rng)
        return Selection(rows, scores[rows], scores)

    def why(self, selection: Selection, place: int) -> str:
        """What the result would tell."""
        return (
            f"drawn in proportion to what its result is expected to tell: {selection.gains[place]:.3g} nats"
        )
