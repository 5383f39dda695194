"""The design of a screen: cells, guides, controls and batches for a budget, and what can be seen with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.errors import StudyError
from pajamo.protocols.errors.components import Variances
from pajamo.protocols.errors.controls import control_ratio, shared_control_correlation
from pajamo.protocols.errors.differences import variance_of_difference
from pajamo.protocols.planning.allocation import Allocation, crossed, too_few
from pajamo.protocols.planning.costs import compare_layouts, cost_of, fewer_batches, with_ratio
from pajamo.protocols.planning.present import PresentDesign
from pajamo.protocols.planning.reference import Reference
from pajamo.protocols.planning.seeing import Seen, cells_wanted, seen_genes
from pajamo.protocols.planning.settings import DesignSettings

FEWEST_GUIDES = 2
"""One guide cannot tell what it does to its target from what it does elsewhere."""
AT_BEST = ", laid out best"
"""Behind the name of a present design: the same cells and perturbations, laid out as well as can be."""
GOOD_ENOUGH = 1.01
"""More guides are not asked for where they lower the variance by less than this ratio."""


@dataclass(frozen=True)
class Plan:
    """A design and what it can do.

    Attributes
    ----------
    settings: what was asked.
    reference: what cells are like.
    allocation: whole numbers of cells by batch.
    guides: of each perturbation.
    money: what it costs, or None without costs.
    layouts: variance of a difference of the median expressed gene, in this layout (first) and in others,
        and its ratio to the best; a design as it stands is compared with its own cells laid out best.
    seen: power, detectable effect and cells needed of each gene.
    """

    settings: DesignSettings
    reference: Reference
    allocation: Allocation
    guides: int
    money: float | None
    layouts: pd.DataFrame
    seen: Seen

    @property
    def cells(self) -> int:
        """All cells."""
        return self.allocation.cells

    @property
    def controls(self) -> int:
        """Control cells."""
        return int(self.allocation.control.sum())

    @property
    def cells_each(self) -> float:
        """Mean cells of a perturbation."""
        return float(self.allocation.perturbed.sum(axis=1).mean())

    @property
    def error_correlation(self) -> float:
        """Correlation that sharing the control puts between two perturbations that do nothing."""
        return float(shared_control_correlation(self.cells_each, self.controls))


def plan_design(settings: DesignSettings, reference: Reference, present: PresentDesign | None = None) -> Plan:
    """Find the design with the smallest variance of a difference that the budget pays for.

    Raises
    ------
    StudyError: a budget that does not carry its perturbations, or batches that do not hold the cells.
    """
    guides, cells = _guides_and_cells(settings, reference)
    allocation = crossed(cells, settings.perturbations, settings.sizes)
    typical = reference.typical(settings.testing.expressed)
    layouts = with_ratio(_layouts(settings, cells, typical, guides))
    if present is not None:
        layouts = pd.concat([layouts, with_ratio(_present_rows(present, typical))], ignore_index=True)
    between = _between(allocation, reference, guides)
    seen = seen_genes(settings, reference, allocation, between)
    return Plan(settings, reference, allocation, guides, _money(settings, guides, cells), layouts, seen)


def _layouts(settings: DesignSettings, cells: int, variances: Variances, guides: int) -> pd.DataFrame:
    """This layout and others; fewer batches only if they hold the cells and are better."""
    number = settings.perturbations
    table = compare_layouts(cells, number, settings.sizes, variances, guides)
    if settings.capacity is not None or settings.n_batches == 1:
        return table
    fewer = fewer_batches(cells, number, settings.n_batches, variances, guides)
    better = float(fewer["variance"].iloc[0]) * GOOD_ENOUGH < float(table["variance"].iloc[0])
    return pd.concat([table, fewer], ignore_index=True) if better else table


def _present_rows(present: PresentDesign, variances: Variances) -> pd.DataFrame:
    """The design as it stands, and the same cells and perturbations laid out as recommended."""
    best, best_control = present.best()
    first = np.unique(present.setting, return_index=True)[1]
    rows = [
        cost_of(
            present.name, present.perturbed, present.control, variances, present.guides,
            float(present.control_cells.sum()),
        ),
        cost_of(
            f"{present.name}{AT_BEST}", best, best_control, variances, present.guides,
            float(best_control[first].sum()),
        ),
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _guides_and_cells(settings: DesignSettings, reference: Reference) -> tuple[int, int]:
    """Number of guides with the smallest variance, and the cells that remain in the budget."""
    if settings.guides is not None:
        return settings.guides, _cells(settings, reference, settings.guides)
    options = range(FEWEST_GUIDES, settings.most_guides + 1)
    cells = [_cells_or_none(settings, reference, guides) for guides in options]
    possible = [(g, n) for g, n in zip(options, cells, strict=True) if n is not None]
    if not possible:
        return FEWEST_GUIDES, _cells(settings, reference, FEWEST_GUIDES)
    variance = [_variance(settings, reference, guides, number) for guides, number in possible]
    return next(
        one for one, found in zip(possible, variance, strict=True) if found <= GOOD_ENOUGH * min(variance)
    )


def _cells_or_none(settings: DesignSettings, reference: Reference, guides: int) -> int | None:
    try:
        return _cells(settings, reference, guides)
    except StudyError:
        return None


def _variance(settings: DesignSettings, reference: Reference, guides: int, cells: int) -> float:
    typical = reference.typical(settings.testing.expressed)
    number = settings.perturbations
    each = cells / (number + float(control_ratio(number)))
    return typical.cell * (1 + 1 / float(control_ratio(number))) / each + typical.guide / guides


def _cells(settings: DesignSettings, reference: Reference, guides: int) -> int:
    """Cells that the budget pays for, or that the power wanted needs.

    Raises
    ------
    StudyError: too few for the perturbations; more than the batches hold.
    """
    budget = settings.budget
    if budget.money is not None:
        cells = _affordable(settings, budget.money, guides)
    elif budget.cells is not None:
        cells = budget.cells
    else:
        cells = _wanted(settings, reference, guides)
    if settings.capacity is not None and cells > settings.capacity:
        if budget.money is None:
            raise _no_room(cells, settings.capacity)
        cells = settings.capacity
    return cells


def _no_room(cells: int, capacity: int) -> StudyError:
    return StudyError(
        f"{cells:,} cells do not fit into batches that hold {capacity:,}",
        where="batches",
        fix="give more or larger batches, fewer cells, or ask for less power",
    )


def _affordable(settings: DesignSettings, money: float, guides: int) -> int:
    cost = settings.cost
    fixed = cost.batch * settings.n_batches + cost.guide * guides * settings.perturbations
    cells = int((money - fixed) / cost.cell)
    if cells < 1:
        raise StudyError(
            f"nothing is left for cells: guides and batches cost {fixed:,.0f} of {money:,.0f}",
            where="budget",
            why=f"{guides} guides for each of {settings.perturbations:,} perturbations, "
            f"{settings.n_batches} batches",
            fix="give more money, or plan fewer perturbations, guides or batches",
        )
    if cells < 2 * (settings.perturbations + 1):
        raise too_few(cells, settings.perturbations)
    return cells


def _wanted(settings: DesignSettings, reference: Reference, guides: int) -> int:
    """Cells with which half of the expressed genes reach the power wanted."""
    number = settings.perturbations
    between = reference.guide / guides + 2 * reference.batch_by_perturbation / settings.n_batches
    each = cells_wanted(settings, reference, between)
    if not np.isfinite(each):
        raise StudyError(
            f"no number of cells shows a log fold change of {settings.effect:g} with the power wanted",
            where="effect",
            why=f"batches and guides alone vary with a standard deviation of {np.sqrt(between):.2g}",
            fix="plan more batches or guides, a larger effect, or less power",
        )
    return int(np.ceil(max(each, 2.0) * (number + float(control_ratio(number))))) + number


def _between(allocation: Allocation, reference: Reference, guides: int) -> float:
    """Variance of a log ratio that more cells in the same batches do not lower."""
    typical = Variances(1.0, reference.batch, reference.batch_by_perturbation, reference.guide)
    found = variance_of_difference(allocation.perturbed, allocation.reference, typical, guides=guides)
    return float((found.total - found.cells).mean())


def _money(settings: DesignSettings, guides: int, cells: int) -> float | None:
    cost = settings.cost
    total = cost.cell * cells + cost.guide * guides * settings.perturbations + cost.batch * settings.n_batches
    return total if total > 0 else None
