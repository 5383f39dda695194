"""Variance components of a screen: how much cells, batches, batches by perturbation, and guides vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.screen import Screen
from pajamo.errors import DataError
from pajamo.protocols.errors.forms import COMPONENTS, GUIDE, Forms, Layout, forms_of, values_of
from pajamo.protocols.errors.groups import Array, Groups, GroupSums, Values, group_sums, groups_of
from pajamo.protocols.errors.intervals import jackknife, large_sample

LEAST_BATCHES = 3
"""Batches from which leaving one out in turn gives an interval."""
MOST_BLOCKS = 20
"""Blocks of conditions that are left out in turn for the interval of what guides do."""


@dataclass(frozen=True)
class Variances:
    """Variance components of one gene, or of several pooled; in squared units of the values.

    Attributes
    ----------
    cell: between cells of one condition, batch and guide.
    batch: between batches, of all conditions alike.
    batch_by_perturbation: between batches, of one condition beyond the others.
    guide: between guides of one perturbation.
    control_cell: between control cells, if it differs from `cell`.
    """

    cell: float
    batch: float = 0.0
    batch_by_perturbation: float = 0.0
    guide: float = 0.0
    control_cell: float | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in (*COMPONENTS, "control_cell")}
        wrong = {k: v for k, v in given.items() if v is not None and not (v >= 0 and np.isfinite(v))}
        if wrong or self.cell == 0:
            raise DataError(
                f"a variance must be a finite number, not negative, and that of cells above zero: {wrong or given}",
                where="variance components",
                fix="give variances in squared units of the values, 0 where there is none",
            )

    @property
    def of_controls(self) -> float:
        """Variance between control cells."""
        return self.cell if self.control_cell is None else self.control_cell


@dataclass(frozen=True)
class VarianceComponents:
    """Variance components of every gene of a screen, and pooled over genes.

    Attributes
    ----------
    genes: names.
    estimate: unbiased, so it may be negative; NaN where the design cannot tell a component from others;
        shape (genes, 4), columns as in `COMPONENTS`.
    low, high: 95 % interval of each gene (chi-square forms combined); same shape.
    mean: mean value of each gene over all cells; shape (genes,).
    pooled: sum over genes with its interval, from leaving out one batch at a time (for guides: one block
        of conditions), and the share of the whole; indexed by component.
    forms: what the design can tell apart.
    n_batches: number of batches.
    """

    genes: pd.Index
    estimate: Array
    low: Array
    high: Array
    mean: Array
    pooled: pd.DataFrame
    forms: Forms
    n_batches: int

    @property
    def unknown(self) -> tuple[str, ...]:
        """Components that the design cannot tell from others; they are taken as zero in formulas."""
        return tuple(name for name, known in zip(COMPONENTS, self.forms.known, strict=True) if not known)

    def variances(self) -> Variances:
        """Mean components over genes, negative and unknown ones as zero."""
        values = np.nan_to_num(self.pooled["sum"].to_numpy()) / len(self.genes)
        return Variances(*(float(value) for value in np.maximum(values, 0.0)))

    def to_frame(self) -> pd.DataFrame:
        """One row a gene: mean, each component, and the ends of its interval."""
        parts = {"mean": self.mean}
        for k, name in enumerate(COMPONENTS):
            parts |= {name: self.estimate[:, k]}
            parts |= {f"{name}_low": self.low[:, k], f"{name}_high": self.high[:, k]}
        return pd.DataFrame(parts, index=self.genes.rename("gene"))


def variance_components(screen: Screen, *, values: Values = "log", guides: bool = True) -> VarianceComponents:
    """Estimate variance components by the method of moments (Henderson 1953, method 3), streaming over cells.

    Parameters
    ----------
    screen: with a batch column; guides are used where they were recorded.
    values: "log" for ln(1 + CP10K), "linear" for CP10K (needs counts).
    guides: False to leave guides out of the model.

    Raises
    ------
    DataError: no batch column; logarithms where counts are needed; no condition with two cells in a
        batch, so that nothing varies.
    """
    return components_of(screen, groups_of(screen, guides=guides), values)


def components_of(screen: Screen, groups: Groups, values: Values = "log") -> VarianceComponents:
    """The same for groups that were made already."""
    layout = Layout.of(groups)
    forms = forms_of(layout)
    if not forms.known[0]:
        raise DataError(
            "no two cells share condition, batch and guide",
            where=screen.name,
            why="noise between cells cannot be told from what the design varies",
            fix="leave guides out (guides=False), or give more cells",
        )
    parts = _parts(groups, forms)
    found = [_of_some(sums, groups, layout, forms, parts) for sums in group_sums(screen, groups, values)]
    estimate, low, high, mean = (np.concatenate([part[k] for part in found]) for k in range(4))
    replicates = np.sum([part[4] for part in found], axis=0)
    pooled = _pooled(estimate.sum(axis=0), replicates, _batch_parts(groups))
    return VarianceComponents(screen.genes, estimate, low, high, mean, pooled, forms, len(groups.batches))


Part = tuple[NDArray[np.bool_], Layout, Array]
Found = tuple[Array, Array, Array, Array, Array]


def _parts(groups: Groups, forms: Forms) -> list[Part]:
    """Which groups are left without each batch, then without each block of conditions, and their weights.

    What guides do is sampled by conditions, all else by batches.
    """
    kept = [groups.batch != batch for batch in range(_batch_parts(groups))]
    if forms.known[GUIDE]:
        block = np.unique(groups.condition, return_inverse=True)[1] % MOST_BLOCKS
        kept += [block != one for one in range(int(block.max()) + 1)]
    layouts = [Layout.of(groups.part(chosen)) for chosen in kept]
    return [(c, layout, forms_of(layout).weights()) for c, layout in zip(kept, layouts, strict=True)]


def _batch_parts(groups: Groups) -> int:
    """How many of the parts leave a batch out."""
    return len(groups.batches) if len(groups.batches) >= LEAST_BATCHES else 0


def _of_some(sums: GroupSums, groups: Groups, layout: Layout, forms: Forms, parts: list[Part]) -> Found:
    values, weights = values_of(layout, sums), forms.weights()
    low, high = large_sample(weights, values, forms.freedom)
    replicates = [
        weight @ values_of(part, GroupSums(sums.columns, sums.sums[kept], sums.squares[kept])).sum(axis=1)
        for kept, part, weight in parts
    ]
    mean = sums.sums.sum(axis=0) / groups.cells.sum()
    return (weights @ values).T, low.T, high.T, mean, np.array(replicates).reshape(-1, len(COMPONENTS))


def _pooled(total: Array, replicates: Array, batches: int) -> pd.DataFrame:
    columns: dict[str, Array] = {}
    for name, of in (("sum", _same), ("share", _shares)):
        made = np.array([of(one) for one in replicates]).reshape(-1, len(total))
        low, high = jackknife(of(total), made[:batches])
        guide_low, guide_high = jackknife(of(total), made[batches:])
        low[GUIDE], high[GUIDE] = guide_low[GUIDE], guide_high[GUIDE]
        columns |= {name: of(total), f"{name}_low": low, f"{name}_high": high}
    return pd.DataFrame(columns, index=pd.Index(COMPONENTS, name="component"))


def _same(total: Array) -> Array:
    return total


def _shares(total: Array) -> Array:
    return total / np.nansum(total)
