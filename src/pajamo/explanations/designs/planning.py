"""How many variants and reads a wanted interval needs, before the experiment is done.

A simulated library says how much information a variant brings on average, at each mutation rate and number of reads;
information adds up over variants. Intervals are those of the normal approximation (inverse information), to which
profile likelihoods come near where an energy is well measured.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError, nearest, shorten
from pajamo.explanations.designs.instruments import lay_instrument
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.designs.quantities import Quantity, quantities_of
from pajamo.explanations.designs.simulation import frame_of, simulate
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import rows_of
from pajamo.training.assays.newton.problem import Problem

MOST_VARIANTS = 10_000_000


@dataclass(frozen=True)
class LibraryPlan:
    """What libraries would measure.

    Attributes
    ----------
    table: one row a mutation rate, number of variants and reads a variant: `rate`, `variants`, `reads`,
        `total_reads`, and for each quantity the expected half-width of its interval (kcal/mol; ln for rates).
    needed: one row a mutation rate and reads a variant: the fewest `variants` at which every wanted half-width is
        reached, and their `total_reads`; missing where ten million do not suffice.
    smallest: the row of `needed` with the fewest reads in all; None if nothing suffices or nothing was asked for.
    level: coverage of the intervals.
    """

    table: pd.DataFrame
    needed: pd.DataFrame
    smallest: pd.Series | None
    level: float


@dataclass(frozen=True)
class Yield:
    """The information that one variant brings, and what is known without any.

    Attributes
    ----------
    each: mean over variants, shape (size, size).
    prior: shape (size, size).
    quantities: by name.
    """

    each: Tensor
    prior: Tensor
    quantities: dict[str, Quantity]

    def half_widths(self, variants: float, level: float) -> dict[str, float]:
        """Expected half-width of each quantity's interval after so many variants."""
        information = self.prior + variants * self.each
        scale = information.diagonal().clamp(min=1e-12).rsqrt()
        values, vectors = torch.linalg.eigh(information * scale[:, None] * scale)
        covariance = (vectors / values.clamp(min=1e-10)) @ vectors.T * scale[:, None] * scale
        reach = float(stats.norm.ppf((1 + level) / 2))
        return {name: reach * each.standard_error(covariance) for name, each in self.quantities.items()}


def plan_library(
    model: AssayModel,
    wanted: Mapping[str, float] | None = None,
    *,
    rates: Sequence[float] = (0.05, 0.1, 0.2),
    variants: Sequence[int] = (300, 1000, 3000, 10_000, 30_000),
    reads: Sequence[float] = (10.0, 100.0),
    error: float | None = None,
    inputs: Mapping[str, Mapping[str, float]] | None = None,
    sample: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> LibraryPlan:
    """Find the library that measures energies as finely as wanted.

    Parameters
    ----------
    model: fitted to a first experiment, or declared with supposed energies.
    wanted: half-widths in kcal/mol by the name of a quantity: an interaction as "CRP+RNAP", the wild type's binding
        energy as "CRP", what letters of a site add as "CRP matrix".
    rates, variants, reads: mutation rates, numbers of variants, and mean reads a variant that are compared.
    error, inputs: as for `simulate`.
    sample: simulated variants from which the information of one is taken.
    level: coverage of the intervals.
    seed: of the simulated libraries.

    Raises
    ------
    ModelError: a quantity that the mechanism does not have, or a half-width that is not above 0.
    """
    asked = dict(wanted or {})
    table, needed = [], []
    for rate in rates:
        library = Mutagenesis(variants=sample, rate=rate, repeats=True)
        for depth in reads:
            assay = simulate(model, library, reads=depth, error=error, inputs=inputs, seed=seed)
            found = information_yield(model, assay)
            _require_known(asked, found)
            for number in variants:
                widths = found.half_widths(number, level)
                table.append(_row(rate, number, depth) | widths)
            fewest = _fewest(found, asked, level) if asked else float("nan")
            needed.append(_row(rate, fewest, depth))
    listed = pd.DataFrame(needed)
    enough = listed.dropna()
    smallest = enough.iloc[int(np.argmin(enough["total_reads"]))] if len(enough) else None
    return LibraryPlan(pd.DataFrame(table), listed, smallest, level)


def information_yield(model: AssayModel, assay: Assay) -> Yield:
    """What a variant of a simulated assay tells of the parameters, the instruments' own being fitted with them.

    The information is that of the model at its own parameters (Gauss-Newton, which is Fisher's in the mean).
    """
    assembly: Assembly = copy.deepcopy(model.assembly)
    parts = rows_of(assay)
    for rows in parts:
        with torch.no_grad():
            activity = assembly.recorded(assembly.activity(rows.codes, rows.name, rows.inputs), rows.name)
            activity = assembly.settle(activity, rows.name)
        lay_instrument(assembly.measurement(rows.name), activity, rows.recorded)
    problem = Problem(assembly, parts)
    prior = torch.diag(problem.coordinates.precision())
    information = problem.expand(True).hessian
    count = max(len(rows) for rows in parts)
    wild_type: Codes = frame_of(model).padded([frame_of(model).wild_type])[0]
    return Yield(
        (information - prior) / count, prior, quantities_of(assembly, problem.coordinates, wild_type)
    )


def _fewest(found: Yield, wanted: Mapping[str, float], level: float) -> float:
    """The fewest variants at which every wanted half-width is reached; nan if too many."""

    def reached(variants: float) -> bool:
        widths = found.half_widths(variants, level)
        return all(widths[name] <= width for name, width in wanted.items())

    if not reached(MOST_VARIANTS):
        return float("nan")
    low, high = 0.0, np.log(MOST_VARIANTS)
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(np.exp(middle)) else (middle, high)
    return float(np.ceil(np.exp(high)))


def _row(rate: float, variants: float, reads: float) -> dict[str, float]:
    return {"rate": rate, "variants": variants, "reads": reads, "total_reads": variants * reads}


def _require_known(wanted: Mapping[str, float], found: Yield) -> None:
    for name, width in wanted.items():
        if name not in found.quantities:
            raise ModelError(
                f"the mechanism has no quantity {name!r}",
                where="wanted",
                fix=f"{nearest(name, found.quantities)}there are: {shorten(found.quantities, 20)}",
            )
        if not width > 0:
            raise ModelError(f"a half-width of {width:g} cannot be reached", where=f"wanted, {name!r}")
