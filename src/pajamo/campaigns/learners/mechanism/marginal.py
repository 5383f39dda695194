"""What is known of one number of a mechanism, whatever all its other numbers are: its marginal posterior.

A promoter's model has hundreds of energies of letters that a few hundred variants leave half open. Where they are at
their best all together, a number such as an interaction energy is seldom in the middle of what it may be: at other
values of it there may be many more sets of letters' energies that explain the records nearly as well. Laplace's
approximation about the optimum does not see this, nor does a profile, and intervals of both miss the truth too often.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import CubicSpline

from pajamo.campaigns.learners.mechanism.posterior import determined
from pajamo.campaigns.predictive import Array
from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauging import buffer, linear_readers, twin
from pajamo.explanations.assays.held import HeldProblem
from pajamo.explanations.assays.quantities import Quantity
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.loop import newton

STEP = 1.0
"""Distance of the places that are looked at, in standard deviations of Laplace's approximation."""
FALL = 4.0
"""Nats below the highest place at which a side ends: less than a hundredth of the probability lies beyond."""
MOST = 12
"""Most places on a side."""
FEWEST = 6
"""Places within the fall; where there are fewer, those between them are looked at too."""
STEPS, TIGHT = 40, 1e-3
"""Most Newton steps at a place, and nats that one more may promise."""
FINE = 4001
VAGUE = 2.0
"""Standard deviation of a letter's prior, in kT, from which it counts as not known beforehand."""


@dataclass(frozen=True)
class Marginal:
    """The density of a number, as ln relative to its highest place; between places a cubic spline.

    Attributes
    ----------
    places: values of the number, in the unit in which it is reported, rising; shape (places,).
    heights: ln of its density there, shape (places,).
    """

    places: NDArray[np.float64]
    heights: NDArray[np.float64]

    def quantiles(self, shares: tuple[float, ...]) -> Array:
        """Values below which these shares of the probability lie."""
        at = np.linspace(self.places[0], self.places[-1], FINE)
        density = np.exp(CubicSpline(self.places, self.heights - self.heights.max())(at))
        below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        return np.asarray(np.interp(shares, below / below[-1], at))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Both ends of the interval that leaves equal shares beyond."""
        low, high = self.quantiles(((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    def summary(self, level: float = 0.9) -> tuple[float, float]:
        """Centre, and the standard deviation with which a normal distribution has this marginal's interval."""
        low, high = self.interval(level)
        return (low + high) / 2, (high - low) / 2 / float(stats.norm.ppf((1 + level) / 2))


def marginal_of(model: AssayModel, assay: Assay, quantity: Quantity, deviation: float) -> Marginal:
    """The marginal posterior of a number, all others integrated out by Laplace's method at each of its values.

    ln density(value) = -objective(value) - 1/2 ln det curvature(value): the best posterior with the number held, and
    how much room the others have there (Tierney and Kadane 1986, eq. 4.1; the number's own prior counts).

    Parameters
    ----------
    model: at its optimum.
    assay: that it was fitted to.
    quantity: the number.
    deviation: its standard deviation by Laplace's approximation about the optimum, in the reported unit.
    """
    line = _Line(model, assay, quantity)
    step = STEP * deviation / quantity.scale
    middle = line.problem.value
    for side in (1.0, -1.0):
        line.follow(middle, side * step)
    while line.rough:
        line.halve()
    places = np.array(sorted(line.heights))
    heights = np.array([line.heights[float(place)] for place in places])
    return Marginal(places * quantity.scale, heights - heights.max())


def known_beforehand(model: AssayModel) -> bool:
    """Whether priors hold what letters add at every site, so that their room is small before anything is measured."""
    readers = linear_readers(model.assembly).values()
    return all(float(buffer(reader, "prior_sd")[1:].max()) <= VAGUE for reader in readers)


class _Line:
    """Places along one number, each with everything else at its best and the room that it has."""

    def __init__(self, model: AssayModel, assay: Assay, quantity: Quantity) -> None:
        self.problem = HeldProblem(twin(model).assembly, rows_of(assay.part("training")), quantity)
        self.problem.lay()
        self._unit = self.problem.expand(True).scale
        self.heights: dict[float, float] = {}
        self._kept: dict[float, dict[str, torch.Tensor]] = {}

    @property
    def rough(self) -> bool:
        """Whether too few places lie where the probability is."""
        top = max(self.heights.values())
        return sum(height > top - FALL for height in self.heights.values()) < FEWEST

    def follow(self, start: float, step: float) -> None:
        """Go from a place to one side until the density has fallen."""
        for number in range(MOST + 1):
            height = self.look(start + number * step)
            if height < max(self.heights.values()) - FALL:
                return

    def halve(self) -> None:
        """Look between neighbours of which one lies where the probability is."""
        places, top = sorted(self.heights), max(self.heights.values())
        for one, other in pairwise(places):
            if max(self.heights[one], self.heights[other]) > top - FALL:
                self.look((one + other) / 2)

    def look(self, place: float) -> float:
        """ln density at a place, everything else being fitted from the nearest one that is known."""
        if place not in self.heights:
            if self._kept:
                self.problem.restore(self._kept[min(self._kept, key=lambda known: abs(known - place))])
            self.problem.put(place)
            best = newton(self.problem, limit=STEPS, tolerance=TIGHT).objective
            self.heights[place] = -best - 0.5 * determined(self.problem, self._unit)
            self._kept[place] = self.problem.snapshot()
        return self.heights[place]
