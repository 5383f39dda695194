"""Profile-likelihood intervals: how far a constant can be moved before the data object, everything else refitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.crossing import crossing
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.profile_points import ProfilePoint, Profiler
from pajamo.explanations.assays.symmetries import all_symmetries
from pajamo.models.assays.model import AssayModel

REACH = 20.0
"""How far from zero, in kT (or in ln of a rate), an end is looked for."""
SHOWN = 6.0
"""Nats above the optimum up to which the curve is followed on both sides, so that another optimum is not missed."""
GROWTH = 1.7
LOWER = 0.01
"""Nats by which a point must be better than the optimum to be a better one."""
ACCURACY = 0.02
"""Accuracy of the ends, kcal/mol."""


@dataclass(frozen=True)
class Profile:
    """A profile of one constant.

    Attributes
    ----------
    name: of the constant.
    unit: "kcal/mol", or that of its term.
    level: coverage.
    value: of the optimum, in `unit`.
    low, high: ends of the interval; infinite where the data set none.
    curve: one row a point, in order: `value`, `drop` (nats above the optimum), `log_likelihood_drop` (that of the
        likelihood of the training set alone), `test` (nats per observation), `gap`, `converged`.
    points: as computed, from which the profile can be resumed.
    verdict: what the data say, in a sentence.
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


def profile(
    model: AssayModel,
    assay: Assay,
    name: str,
    *,
    level: float = 0.9,
    known: Sequence[ProfilePoint] = (),
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Profile one constant and find the interval in which twice the drop stays below the chi-square quantile.

    The constant is held along a grid that grows on both sides of the optimum, all other parameters following by
    Newton steps; ends are found to 0.02 kcal/mol. The constant's own prior does not count, so that the interval says
    what the data say; the priors of the others do. Where a discrete symmetry turns the constant into minus itself,
    values beyond zero are the same mechanism in another frame, and the profile ends there. (Venzon and Moolgavkar
    1988.)

    Parameters
    ----------
    model: at its optimum, in the frame in which it is reported.
    assay: that it was fitted to; the profile is made on its training set.
    name: of the term, as "CRP+RNAP" or "ln rate of active".
    level: coverage.
    known: points of an interrupted profile, which are not computed again.
    progress: is told a line after each point.

    Raises
    ------
    ModelError: there is no such constant, or it is fixed.
    """
    profiler = Profiler(model, assay, name)
    turns = turned_by_symmetry(model, name)
    search = _Search(profiler, _first_step(model, assay, name), level, turns, progress)
    search.profiler.points.update({point.value: point for point in known})
    low, high = search.run()
    term = model.assembly.blueprint.terms[model.assembly.blueprint.term(name)]
    scale = model.assembly.blueprint.kT if term.unit == "kT" else 1.0
    unit = "kcal/mol" if term.unit == "kT" else term.unit
    points = tuple(sorted(search.profiler.points.values(), key=lambda point: point.value))
    curve = _curve(points, search.profiler.lowest, scale)
    verdict = _verdict(name, unit, level, (low * scale, high * scale), curve)
    best = search.profiler.lowest.value * scale
    return Profile(name, unit, level, best, low * scale, high * scale, curve, points, verdict)


def turned_by_symmetry(model: AssayModel, name: str) -> bool:
    """Whether a discrete symmetry of the mechanism turns a constant into minus itself."""
    place = model.assembly.blueprint.term(name)
    opposite = -np.eye(len(model.assembly.blueprint.terms))[place]
    return any(
        np.array_equal(symmetry.matrix[place], opposite) and symmetry.shift[place] == 0
        for symmetry in all_symmetries(model)
    )


def _first_step(model: AssayModel, assay: Assay, name: str) -> float:
    found = information(model, assay)
    return float(np.clip(found.error(found.of_constant(name)), 0.02, 2.0))


class _Search:
    """How far to go, and what was found; with a mirror image beyond zero, that is where the search ends."""

    def __init__(
        self,
        profiler: Profiler,
        error: float,
        level: float,
        turns: bool,
        progress: Callable[[str], None] | None,
    ) -> None:
        self.profiler, self._turns, self._progress = profiler, turns, progress
        self.target = 0.5 * float(stats.chi2.ppf(level, 1))
        self._step = error * math.sqrt(2 * self.target)
        kT = profiler.model.assembly.blueprint.kT
        self._accuracy = ACCURACY / kT

    def run(self) -> tuple[float, float]:
        """Both ends, in the term's unit."""
        best = self.profiler.freed()
        for _ in range(3):
            for side in (-1.0, 1.0):
                self._explore(best.value, side)
            better = self.profiler.lowest
            if better.objective > best.objective - LOWER:
                break
            best = self.profiler.freed()
        return self._end(-1.0), self._end(1.0)

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
            value = value + side * min(step, side * (limit - value))
            step *= GROWTH
            yield value

    def _drop(self, value: float) -> float:
        new = value not in self.profiler.points
        point = self.profiler.at(value)
        drop = point.objective - self.profiler.lowest.objective
        if new and self._progress is not None:
            kT = self.profiler.model.assembly.blueprint.kT
            self._progress(
                f"at {value:.3f} kT ({value * kT:.3f} kcal/mol): {drop:+.2f} nats, gap {point.gap:.2g}"
            )
        return drop

    def _end(self, side: float) -> float:
        """The first place beyond the optimum where the drop passes the target; infinite if there is none."""
        best = self.profiler.lowest.value
        beyond = sorted((v for v in self.profiler.points if side * (v - best) >= 0), key=lambda v: side * v)
        for inside, outside in pairwise(beyond):
            if self._drop(outside) > self.target:
                return crossing(self._drop, inside, outside, self.target, self._accuracy)
        return 0.0 if self._turns and side * best < 0 else side * math.inf


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
    failed = int((~curve["converged"]).sum())
    return text + (
        f"; {failed} of {len(curve)} points did not converge, so that it may be wider" if failed else ""
    )
