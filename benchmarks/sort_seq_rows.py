"""A row of the table of joint_sort_seq.py: the interaction of a variant, its interval, and what the fit is worth."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pandas as pd

from forcier import DIRECT
from pajamo.explanations.assays.information import information
from pajamo.explanations.assays.profile import turned_by_symmetry
from pajamo.explanations.assays.profile_points import Profiler, profiled_quantity
from pajamo.training.assays.report import CONVERGED_BELOW
from sort_seq_fits import Fitted, constants, difference, sorted_likelihood
from sort_seq_variants import INTERACTION, VARIANTS

QUANTILE = 1.645
"""Signed root of twice the drop at the ends of a 90 % interval."""
DOUBLINGS = 6
"""How often a profile goes twice as far for an end that it has not met."""
LARGEST_ERROR = 0.6
"""kcal/mol; a profile's first points lie no further out, whatever the curvature says."""
Row = dict[str, Any]


def row(fit: Fitted, base: pd.DataFrame) -> Row:
    """One line of the table; numbers that do not exist are None."""
    began = time.process_time()
    found, name = constants(fit.model.assembly), contact(fit)
    test, kind = sorted_likelihood(fit), VARIANTS[fit.name].interval
    line: Row = {"variant": fit.name, "contact": name, "interval": kind}
    line |= profiled(fit, name) if kind == "profile" else approximate(fit, name)
    more, low, high = difference(test, base)
    line |= {key: activity(found, key) for key in ("full-500", "full-150")}
    line |= {
        "test bits": float((test["bits"] * test["reads"]).sum() / test["reads"].sum()),
        "nats a read": float(test["nats"].sum() / test["reads"].sum()),
        "10^-3 more": f"{more:+.2f} [{low:+.2f}, {high:+.2f}]",
        "other constants": others(found, name),
        "converged": "yes" if fit.gap < CONVERGED_BELOW else f"NO, {fit.gap:.1g} nats left",
        "CPU s": fit.seconds + time.process_time() - began,
    }
    return line


def contact(fit: Fitted) -> str:
    """The name of the interaction; the strongest where there is one for each register."""
    found = constants(fit.model.assembly)
    return min((name for name in found if name.startswith(INTERACTION)), key=lambda name: found[name])


def activity(found: dict[str, float], experiment: str) -> float | None:
    """CRP's activity in an experiment, relative to wild-type cells."""
    return math.exp(found[f"ln crp in {experiment}"]) if f"ln crp in {experiment}" in found else None


def others(found: dict[str, float], name: str) -> str:
    """What else was fitted and does not depend on the sequence."""
    left = (k for k in found if k != name and not k.startswith("ln crp in full-"))
    return ", ".join(f"{key} {found[key]:.2f}" for key in left)


def approximate(fit: Fitted, name: str) -> Row:
    """Laplace: the interval that the curvature at the optimum gives."""
    best, error = constants(fit.model.assembly)[name], standard_error(fit, name)
    return {
        "dG_I": best,
        "low": best - QUANTILE * error,
        "high": best + QUANTILE * error,
        "lost at -4.04": None,
    }


def standard_error(fit: Fitted, name: str) -> float:
    """By the curvature of the posterior, kcal/mol."""
    found = information(fit.model, fit.assay)
    return found.error(found.of_constant(name)) * fit.model.assembly.blueprint.kT


def profiled(fit: Fitted, name: str) -> Row:
    """Profile likelihood from a few points: the signed root of twice the drop is nearly a line, read at both ends."""
    profiler = Profiler(fit.model, fit.assay, profiled_quantity(fit.model, fit.assay, name))
    kT, best = fit.model.assembly.blueprint.kT, profiler.freed()
    reach = QUANTILE * min(standard_error(fit, name), LARGEST_ERROR) / kT
    turns = turned_by_symmetry(fit.model, name)
    for side in (-1.0, 1.0):
        for doubling in range(DOUBLINGS):
            value = best.value + side * reach * 2**doubling
            # Beyond zero lies the mirror image of the same mechanism.
            if turns and value * best.value <= 0:
                break
            if 2 * (profiler.at(value).objective - best.objective) > QUANTILE**2:
                break
    lost = profiler.at(DIRECT / kT).objective - profiler.lowest.objective
    low, high = ends(profiler, kT)
    return {"dG_I": profiler.lowest.value * kT, "low": low, "high": high, "lost at -4.04": lost}


def ends(profiler: Profiler, kT: float) -> tuple[float | None, float | None]:
    """Where the signed root passes the quantile, kcal/mol; None where no point lies beyond."""
    lowest = profiler.lowest
    points = sorted(profiler.points.values(), key=lambda point: point.value)
    values = np.array([point.value * kT for point in points])
    drops = np.array([max(point.objective - lowest.objective, 0.0) for point in points])
    roots = np.sign([point.value - lowest.value for point in points]) * np.sqrt(2 * drops)
    return tuple(
        float(np.interp(end, roots, values)) if roots[0] < end < roots[-1] else None
        for end in (-QUANTILE, QUANTILE)
    )
