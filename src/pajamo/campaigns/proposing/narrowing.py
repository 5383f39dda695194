"""How far a batch narrows the numbers of a mechanism: in nats, and as intervals in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from pajamo.campaigns.acquisition.linear_information import LinearResults
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.predictive.linear_parameters import LinearParameterPredictive
from pajamo.campaigns.proposing.objectives import Objective

LEVEL = 0.9
"""Coverage of the intervals that are told."""


@dataclass(frozen=True)
class Narrowing(Objective):
    """Expected information about the parameters that the learner names, and their intervals.

    Attributes
    ----------
    predictive: of the pool, with the parameters; results that are awaited conditioned on.
    """

    predictive: LinearParameterPredictive
    unit: ClassVar[str] = "nats about the parameters"

    def gains(self, rows: Rows) -> Array:
        """Nats that each result adds to those before it.

        As `ExpectedInformation` counts them: half the logarithm of how many times the variance of each result, given
        those before it, shrinks once the parameters are known too.
        """
        state = LinearResults(self.predictive.take(rows), self.predictive.loadings)
        found = np.zeros(len(rows))
        for place in range(len(rows)):
            found[place] = state.information()[place]
            state.add(place)
        return found

    def half_widths(self, rows: Rows | None = None, level: float = LEVEL) -> dict[str, float]:
        """Half-width of each parameter's interval, in its unit, now or once these candidates are measured."""
        reach = float(stats.norm.ppf((1.0 + level) / 2.0))
        found = self.predictive.deviations if rows is None else self.predictive.deviations_after(rows)
        return dict(zip(self.predictive.names, (reach * found).tolist(), strict=True))

    def told(self, rows: Rows, others: Sequence[Rows]) -> tuple[str, ...]:
        """A sentence for each parameter: where it lies, and its interval before and after the batch.

        Parameters
        ----------
        rows: of the batch.
        others: random batches of the same size, whose mean half-width is told beside it.
        """
        now, then = self.half_widths(), self.half_widths(rows)
        chance = [self.half_widths(other) for other in others]
        units = dict(zip(self.predictive.names, self.predictive.units, strict=True))
        values = dict(zip(self.predictive.names, self.predictive.values.tolist(), strict=True))
        return tuple(
            f"{name} is {values[name]:.3g} {units[name]} +- {now[name]:.2g} ({LEVEL:.0%}); the batch is expected to "
            f"narrow that to +- {then[name]:.2g}" + _beside(name, chance)
            for name in self.predictive.names
        )


def _beside(name: str, chance: list[dict[str, float]]) -> str:
    if not chance:
        return ""
    return f", a random one to +- {np.mean([widths[name] for widths in chance]):.2g}"
