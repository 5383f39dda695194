"""Profile-likelihood intervals: how far a quantity can be moved before the data object, everything else refitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.errors import warn
from pajamo.explanations.assays.crossing import crossing
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.profile_points import LOWER, ProfilePoint, Profiler, profiled_quantity
from pajamo.explanations.assays.quantities import Quantity
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.models.assays.model import AssayModel

REACH = 20.0
"""How far from zero, in kT (or in ln of a rate), an end is looked for."""
SHOWN = 6.0
"""Nats above the optimum up to which the curve is followed on both sides, so that another optimum is not missed."""
GROWTH = 1.7
ROUNDS = 3
"""How often the search begins anew from a better optimum."""
NOTABLE = 0.1
"""Nats by which a better optimum is worth a word."""
NO_OPTIMUM = (
    "THE FIT WAS NO OPTIMUM: the profile met one that is {:.2f} nats better and began anew from it, so that "
    "the other parameters are to be fitted again from more starts"
)
ACCURACY = 0.02
"""Accuracy of the ends, in kcal/mol or the ln of a rate."""


@dataclass(frozen=True)
class Profile:
    """A profile of one quantity.

    Attributes
    ----------
    name: of the quantity.
    unit: "kcal/mol", or that of its term.
    level: coverage.
    value: of the optimum, in `unit`.
    low, high: ends of the interval; infinite where the data set none.
    curve: one row a point, in order: `value`, `drop` (nats above the optimum), `log_likelihood_drop` (that of the
        likelihood of the training set alone), `test` (nats per observation), `gap`, `converged`; and `gained`, the
        same in every row.
    points: as computed, from which the profile can be resumed.
    verdict: what the data say, in a sentence.
    gained: nats by which a better optimum was met than the one that was given; the profile then began anew from it.
    """

    name: str
    unit: str
    level: float
    value: float
    low: float
    high: float
    curve: pd.DataFrame
    points: tuple[ProfilePoint, ...]
    verdict: str
    gained: float = 0.0


def profile(
    model: AssayModel,
    assay: Assay,
    name: str,
    *,
    level: float = 0.9,
    known: Sequence[ProfilePoint] = (),
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Profile one quantity and find the interval in which twice the drop stays below the chi-square quantile.

    It is held along a grid that grows on both sides of the optimum, all other parameters following by Newton steps;
    ends are found to 0.02 kcal/mol. A point that lies on another branch of solutions than its neighbours is tried
    again from them, and the lowest objective counts. A constant's own prior does not count, so that the interval
    says what the data say; the priors of the others do. Where a discrete symmetry turns the constant into minus
    itself, values beyond zero are the same mechanism in another frame, and the profile ends there. (Venzon and
    Moolgavkar 1988.)

    Parameters
    ----------
    model: at its optimum, in the frame in which it is reported.
    assay: that it was fitted to; the profile is made on its training set.
    name: of a constant, as "CRP+RNAP" or "ln rate of active"; or of the energy of a site, "CRP at the wild type".
    level: coverage.
    known: points of an interrupted profile, which are not computed again.
    progress: is told a line after each point.

    Warns where the profile meets an optimum that is better than the one it was given.

    Raises
    ------
    ModelError: there is no such quantity, or it is fixed.
    """
    quantity = profiled_quantity(model, assay, name)
    profiler = Profiler(model, assay, quantity)
    turns = quantity.features is None and turned_by_symmetry(model, name)
    search = _Search(profiler, quantity, _first_step(model, assay, quantity), level, turns, progress)
    profiler.points.update({point.value: point for point in known})
    low, high = search.run()
    scale = quantity.scale
    points = tuple(sorted(profiler.points.values(), key=lambda point: point.value))
    gained = profiler.optima[0] - min(profiler.optima)
    curve = _curve(points, profiler.lowest, scale).assign(gained=gained)
    verdict = _verdict(name, quantity.unit, level, (low * scale, high * scale), curve)
    if gained >= NOTABLE:
        verdict += f"; {NO_OPTIMUM.format(gained)}"
        warn(f"profile of {name} in {model.name}: {NO_OPTIMUM.format(gained)}")
    best = profiler.lowest.value * scale
    return Profile(
        name, quantity.unit, level, best, low * scale, high * scale, curve, points, verdict, gained
    )


def turned_by_symmetry(model: AssayModel, name: str) -> bool:
    """Whether a discrete symmetry of the mechanism turns a constant into minus itself."""
    place = model.assembly.blueprint.term(name)
    opposite = -np.eye(len(model.assembly.blueprint.terms))[place]
    return any(
        np.array_equal(symmetry.matrix[place], opposite) and symmetry.shift[place] == 0
        for symmetry in all_symmetries(model)
    )


def _first_step(model: AssayModel, assay: Assay, quantity: Quantity) -> float:
    found = information(model, assay)
    return float(np.clip(found.error(quantity.direction(found)) / quantity.scale, 0.02, 2.0))


class _Search:
    """How far to go, and what was found; with a mirror image beyond zero, that is where the search ends."""

    def __init__(
        self,
        profiler: Profiler,
        quantity: Quantity,
        error: float,
        level: float,
        turns: bool,
        progress: Callable[[str], None] | None,
    ) -> None:
        self.profiler, self._quantity, self._turns, self._progress = profiler, quantity, turns, progress
        self.target = quantile(level)
        self._step = error * math.sqrt(2 * self.target)
        self._accuracy = ACCURACY / quantity.scale

    def run(self) -> tuple[float, float]:
        """Both ends, in the term's unit; looked for anew while points turn out to lie on a worse branch."""
        self._curve()
        for _ in range(ROUNDS):
            mended, best = self.profiler.mended, self.profiler.lowest
            ends = self._end(-1.0), self._end(1.0)
            if self.profiler.mended == mended and self.profiler.lowest.objective > best.objective - LOWER:
                break
            self._curve()
        return ends

    def _curve(self) -> None:
        """Both sides of the optimum, and of any better one that is met."""
        best = self.profiler.freed()
        for _ in range(ROUNDS):
            mended = self.profiler.mended
            for side in (-1.0, 1.0):
                self._explore(best.value, side)
            better = self.profiler.lowest.objective < best.objective - LOWER
            if not better and self.profiler.mended == mended:
                break
            if better:
                best = self.profiler.freed()

    def _explore(self, start: float, side: float) -> None:
        """Go outwards in growing steps until the drop is large, or the reach is."""
        for value in self._outwards(start, side):
            if self._drop(value) > max(SHOWN, self.target):
                return

    def _outwards(self, start: float, side: float) -> Iterator[float]:
        step, limit = self._step, side * REACH
        if self._turns and side * start < 0:
            # At zero itself the other energies lose their meaning, and the curve is not continuous.
            limit = -side * min(self._accuracy, abs(start) / 2)
        elif side * (limit - start) <= 0:
            limit = start + side * REACH
        value = start
        while side * (limit - value) > 0:
            value = limit if side * (limit - value) <= step else value + side * step
            step *= GROWTH
            yield value

    def _drop(self, value: float) -> float:
        new = value not in self.profiler.points
        point = self.profiler.at(value)
        drop = point.objective - self.profiler.lowest.objective
        if new and self._progress is not None:
            place = f"{value * self._quantity.scale:.3f} {self._quantity.unit}"
            self._progress(f"at {place}: {drop:+.2f} nats, gap {point.gap:.2g}")
        return drop

    def _end(self, side: float) -> float:
        """The first place beyond the optimum where the drop passes the target; infinite if there is none."""
        best = self.profiler.lowest.value
        beyond = sorted((v for v in self.profiler.points if side * (v - best) >= 0), key=lambda v: side * v)
        for inside, outside in pairwise(beyond):
            if self._drop(outside) > self.target:
                return crossing(self._drop, inside, outside, self.target, self._accuracy)
        return 0.0 if self._turns and side * best < 0 else side * math.inf


def quantile(level: float) -> float:
    """Nats that the objective may drop within an interval: half the chi-square quantile."""
    return 0.5 * float(stats.chi2.ppf(level, 1))


def _curve(points: tuple[ProfilePoint, ...], best: ProfilePoint, scale: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [p.value * scale for p in points],
            "drop": [p.objective - best.objective for p in points],
            "log_likelihood_drop": [best.log_likelihood - p.log_likelihood for p in points],
            "test": [p.test for p in points],
            "gap": [p.gap for p in points],
            "converged": [p.converged for p in points],
        }
    )


def _verdict(name: str, unit: str, level: float, ends: tuple[float, float], curve: pd.DataFrame) -> str:
    low, high = ends
    parts = []
    if math.isinf(low):
        parts.append(f"not bounded below {curve['value'].min():.3g} {unit}")
    if math.isinf(high):
        parts.append(f"not bounded above {curve['value'].max():.3g} {unit}")
    if parts:
        text = f"{name} is {' and '.join(parts)}: the data do not say"
    elif 0.0 in ends:
        text = f"{name} reaches zero (from {low + high:.3g} {unit}), beyond which lies its mirror image"
    else:
        text = f"{name} lies between {low:.3g} and {high:.3g} {unit} ({100 * level:.0f} % profile likelihood)"
    # What is far above the target even if it promises more nats moves no end.
    near = curve["drop"] - curve["gap"] < quantile(level)
    failed = int((near & ~curve["converged"]).sum())
    return text + (
        f"; {failed} of {len(curve)} points did not converge, so that it may be wider" if failed else ""
    )
