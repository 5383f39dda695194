"""What an experiment shows of any activity, laid out on a grid once, so that a large pool costs next to nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.campaigns.learners.mechanism.fisher import shown
from pajamo.campaigns.learners.mechanism.posterior import Posterior
from pajamo.campaigns.learners.mechanism.readings import Plan

EVEN, CROWDED = 65, 128
"""Activities on the grid: at even distances, and where candidates are."""


@dataclass(frozen=True)
class InstrumentGrid:
    """Records of activities, linear between the places of a grid.

    Attributes
    ----------
    places: activities, rising, shape (G,).
    mean, slopes, noise: as in `Shown`, shape (G, D).
    drift: how the activity that records stand for moves with the posterior's unknowns because the instrument does;
        shape (G, K).
    aside: what records show of the instrument beside, in units of their noise, shape (G, D, K).
    """

    places: Tensor
    mean: Tensor
    slopes: Tensor
    noise: Tensor
    drift: Tensor
    aside: Tensor

    @classmethod
    def of(cls, posterior: Posterior, plan: Plan, activity: Tensor) -> InstrumentGrid:
        """The grid over the span of some activities."""
        places = _places(activity)
        found = shown(posterior.assembly.measurement(plan.experiment), plan, places)
        drift, aside = (part.double() @ posterior.instrument for part in (found.drift, found.aside))
        return cls(places, found.mean, found.slopes, found.noise, drift, aside)

    def at(self, activity: Tensor, values: Tensor) -> Tensor:
        """Values given on the grid, (G, ...), at other activities."""
        left, share = self.between(activity)
        share = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[left] * (1.0 - share) + values[left + 1] * share

    def nearest(self, activity: Tensor) -> Tensor:
        """The place nearest to each activity, shape (rows,)."""
        left, share = self.between(activity)
        return left + (share > 0.5)

    def between(self, activity: Tensor) -> tuple[Tensor, Tensor]:
        """The place below each activity, and how far it is to the next, shape (rows,) each."""
        left = (torch.searchsorted(self.places, activity) - 1).clamp(0, len(self.places) - 2)
        start, end = self.places[left], self.places[left + 1]
        return left, ((activity - start) / (end - start)).clamp(0.0, 1.0)


def _places(activity: Tensor) -> Tensor:
    """Even places over the span of activities, and their quantiles; rising, each once."""
    low, high = float(activity.min()), float(activity.max())
    margin = 1e-6 * max(abs(low), abs(high), 1.0)
    even = torch.linspace(low - margin, high + margin, EVEN, dtype=torch.float64)
    ranked = activity.sort().values
    crowded = ranked[torch.linspace(0, len(ranked) - 1, CROWDED).round().long()]
    found: Tensor = torch.cat([even, crowded.double()]).sort().values
    return found[torch.cat([torch.ones(1, dtype=torch.bool), found.diff() > 0])]
