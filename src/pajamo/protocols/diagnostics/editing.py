"""Does every perturbed cell carry the edit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.protocols.diagnostics.cells import Array, Cells
from pajamo.protocols.diagnostics.result import Diagnostic, Found, Question, discoveries

LEAST_CELLS = 40
"""Cells below which the share of unedited ones cannot be told."""
SEPARATED = 2.0
"""Standard deviations of control cells by which moved cells must stand apart."""
LEAST_SPREAD = 0.3
"""Smallest standard deviation of moved cells, in that of control cells: none can collapse onto one cell."""
LEAST_SHARE = 0.05
"""Share of control-like cells that is worth naming: a skewed response looks like a few of them."""
RESAMPLES = 200
QUESTION = Question(
    name="control-like cells among perturbed ones",
    assumption="complete-editing",
    can="the share of perturbed cells that look like controls, where the effect moves single cells by more than "
    "two standard deviations",
    cannot="unedited cells where the effect is small; nor edited cells that do not respond, or respond "
    "unevenly, from unedited ones",
)


def complete_editing(cells: Cells, rng: np.random.Generator) -> Diagnostic:
    """Share of control-like cells along the direction of each perturbation's effect.

    The direction comes from one half of the cells, the share from the other: a mixture of the control's own
    distribution and one other normal. It is judged against samples of that other normal alone.
    """
    rows = []
    for condition in cells.perturbed:
        if not cells.has([condition, condition.control], LEAST_CELLS):
            continue
        apart, share, p = _share(cells, condition, rng)
        rows.append((str(condition), len(cells.rows_of[condition]), apart, share, p))
    table = pd.DataFrame(rows, columns=["condition", "cells", "apart", "control_like", "p"])
    if table.empty:
        text = f"no perturbation has {LEAST_CELLS} cells"
        return QUESTION.answered("untested", text)
    told = table["p"].notna()
    if not told.any():
        text = f"none of {len(table)} perturbations moves single cells far enough to tell edited from unedited ones"
        return QUESTION.answered("unclear", text, table)
    table["incomplete"] = False
    table.loc[told, "incomplete"] = discoveries(table.loc[told, "p"].to_numpy())
    table["incomplete"] &= table["control_like"] >= LEAST_SHARE
    return QUESTION.answered(*_verdict(table, int(told.sum())), table)


def _verdict(table: pd.DataFrame, told: int) -> tuple[Found, str]:
    incomplete = table[table["incomplete"]]
    text = f"{len(incomplete)} of {told} perturbations that can be judged hold control-like cells"
    if incomplete.empty:
        return "holds", text
    named = [
        f"{r.condition} {r.control_like:.0%}" for r in incomplete.nlargest(5, "control_like").itertuples()
    ]
    return "broken", f"{text}: {', '.join(named)}"


def _share(cells: Cells, condition: Condition, rng: np.random.Generator) -> tuple[float, float, float]:
    """How far moved cells stand apart in control standard deviations, the control-like share, and its p-value."""
    control, perturbed = (_halves(values, rng) for values in (cells[condition.control], cells[condition]))
    pooled = np.sqrt((control[0].var(axis=0) + perturbed[0].var(axis=0)) / 2 + 1e-3)
    axis = (perturbed[0].mean(axis=0) - control[0].mean(axis=0)) / pooled**2
    reference, seen = control[1] @ axis, perturbed[1] @ axis
    seen = (seen - reference.mean()) / reference.std(ddof=1)
    fit = control_like(seen)
    if float(fit.mean) < SEPARATED:
        return float(fit.mean), np.nan, np.nan
    null = control_like(rng.normal(seen.mean(), seen.std(ddof=1), (RESAMPLES, len(seen)))).gain
    p = (1 + int((null >= fit.gain).sum())) / (1 + RESAMPLES)
    return float(fit.mean), float(fit.share), p


def _halves(values: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    order = rng.permutation(len(values))
    return values[order[::2]], values[order[1::2]]


@dataclass(frozen=True)
class Mixture:
    """A mixture of the standard normal (cells like controls) and one other normal, of one or more samples.

    Attributes
    ----------
    share: of the standard normal.
    mean, sd: of the other.
    gain: by how much twice the log-likelihood grows over that of the other normal alone.
    """

    share: Array
    mean: Array
    sd: Array
    gain: Array


def control_like(seen: Array, steps: int = 100) -> Mixture:
    """Fit the mixture to each sample, shape (..., cells), by expectation-maximisation from two starts."""
    fits = [_fitted(seen, share, steps) for share in (0.1, 0.5)]
    alone = _log_normal(seen, seen.mean(axis=-1), seen.std(axis=-1)).sum(axis=-1)
    # The likelihood can have two maxima.
    better = fits[1][3] > fits[0][3]
    share, mean, sd, likelihood = (np.where(better, b, a) for a, b in zip(*fits, strict=True))
    return Mixture(share, mean, sd, np.maximum(0.0, 2 * (likelihood - alone)))


def _fitted(seen: Array, start: float, steps: int) -> tuple[Array, Array, Array, Array]:
    share = np.full(seen.shape[:-1], start)
    mean, sd = np.quantile(seen, (1 + start) / 2, axis=-1), seen.std(axis=-1)
    for _ in range(steps):
        like, moved = _parts(seen, share, mean, sd)
        weight = moved / (like + moved + 1e-300)
        total = weight.sum(axis=-1) + 1e-300
        share = 1 - weight.mean(axis=-1)
        mean = (weight * seen).sum(axis=-1) / total
        spread = (weight * (seen - mean[..., None]) ** 2).sum(axis=-1) / total
        sd = np.maximum(LEAST_SPREAD, np.sqrt(spread))
    likelihood = np.log(sum(_parts(seen, share, mean, sd)) + 1e-300).sum(axis=-1)
    return share, mean, sd, np.asarray(likelihood)


def _parts(seen: Array, share: Array, mean: Array, sd: Array) -> tuple[Array, Array]:
    """Density of the cells as control-like ones and as moved ones, each times its share."""
    like = np.exp(_log_normal(seen, np.zeros_like(mean), np.ones_like(sd)))
    moved = np.exp(_log_normal(seen, mean, sd))
    return like * share[..., None], moved * (1 - share)[..., None]


def _log_normal(x: Array, mean: Array, sd: Array) -> Array:
    mean, sd = np.asarray(mean)[..., None], np.asarray(sd)[..., None]
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi))
