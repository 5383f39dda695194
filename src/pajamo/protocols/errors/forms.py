"""Quadratic forms whose expectations are sums of variance components, for any unbalanced design.

The model is y = mu_condition + beta_batch + gamma_(batch, condition) + eta_(guide of condition) + epsilon
with conditions fixed and the rest random. Four forms are taken (fitting of constants: Henderson 1953,
Biometrics 9, 226, method 3; conditions are fitted first):

    cell       squares of cells about the mean of their condition, batch and guide
    batch      what batches explain beyond conditions
    condition  what condition-by-batch means vary beyond both
    guide      squares of guide means about the mean of their condition

None of them depends on the conditions' means, and the expectation of each is a known sum of the
components, whatever the numbers of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.protocols.errors.groups import Array, Codes, Groups, GroupSums

COMPONENTS = ("cell", "batch", "batch_by_perturbation", "guide")
"""Names of the components, and of the forms that chiefly measure them, in the order of all arrays here."""
CELL, BATCH, INTERACTION, GUIDE = range(4)
TINY = 1e-9
WORST_CONDITION = 1e9
"""Condition number of the coefficients from which components are one and the same."""


@dataclass(frozen=True)
class Forms:
    """Expectations of the four forms under a design.

    Attributes
    ----------
    coefficients: expectation of form i per unit of component j; shape (4, 4).
    freedom: degrees of freedom of each form; shape (4,).
    known: which components the design can tell apart; shape (4,).
    """

    coefficients: Array
    freedom: Array
    known: NDArray[np.bool_]

    def weights(self) -> Array:
        """Matrix that turns forms into unbiased components; rows of what is not known are NaN."""
        weights = np.full((4, 4), np.nan)
        chosen = np.ix_(self.known, self.known)
        weights[self.known] = 0.0
        weights[chosen] = np.linalg.inv(self.coefficients[chosen])
        return weights


@dataclass(frozen=True)
class Layout:
    """Numbers of cells in every margin of a grouped screen.

    Attributes
    ----------
    groups: the groups themselves.
    cells: condition by batch; shape (conditions, batches).
    pair, arm: for each group, its number among condition-by-batch and among condition-by-guide margins.
    arm_condition: number of the condition of each condition-by-guide margin; shape (arms,).
    """

    groups: Groups
    cells: Array
    pair: Codes
    arm: Codes
    arm_condition: Codes

    @classmethod
    def of(cls, groups: Groups) -> Layout:
        """Take the margins of the groups."""
        _, condition = np.unique(groups.condition, return_inverse=True)
        arms, arm = np.unique(np.stack([condition, groups.guide], axis=1), axis=0, return_inverse=True)
        table = np.zeros((int(condition.max()) + 1, len(groups.batches)))
        np.add.at(table, (condition, groups.batch), groups.cells)
        pair = condition * len(groups.batches) + groups.batch
        return cls(groups, table, pair, arm.ravel(), arms[:, 0])

    @property
    def of_condition(self) -> Array:
        """Cells of each condition."""
        return np.asarray(self.cells.sum(axis=1))

    @property
    def of_arm(self) -> Array:
        """Cells of each guide."""
        return np.bincount(self.arm, weights=self.groups.cells).astype(float)

    def crossing(self) -> Array:
        """What is left of batches once conditions are fitted: diag(n_b) - sum_p n_pb n_pc / n_p."""
        return np.diag(self.cells.sum(axis=0)) - self.cells.T @ (self.cells / self.of_condition[:, None])


def forms_of(layout: Layout) -> Forms:
    """Expectations of the four forms under a design."""
    crossing = layout.crossing()
    inverse, rank = _pseudo_inverse(crossing)
    pairs, conditions, arms = int(np.count_nonzero(layout.cells)), len(layout.cells), len(layout.of_arm)
    batch = [rank, np.trace(crossing), *_explained_by_batches(layout, inverse)]
    between = _between_pairs(layout, pairs - conditions)
    coefficients = np.array(
        [
            [layout.groups.cells.sum() - len(layout.groups), 0, 0, 0],
            batch,
            np.subtract(between, batch),
            _between_guides(layout, arms - conditions),
        ]
    )
    freedom = coefficients[:, 0].copy()
    return Forms(coefficients, freedom, _told_apart(coefficients, freedom))


def _told_apart(coefficients: Array, freedom: Array) -> NDArray[np.bool_]:
    """Components with a form of their own, left out from the last until the rest can be told apart."""
    known = (freedom > TINY) & (np.diag(coefficients) > TINY)
    for component in (GUIDE, INTERACTION, BATCH):
        chosen = coefficients[np.ix_(known, known)]
        if not len(chosen) or np.linalg.cond(chosen / chosen.max(axis=1, keepdims=True)) < WORST_CONDITION:
            break
        known[component] = False
    return known


def values_of(layout: Layout, sums: GroupSums) -> Array:
    """The four forms of each gene; shape (4, genes)."""
    inverse, _ = _pseudo_inverse(layout.crossing())
    pair_cells = layout.cells.ravel()
    pair_sums = _gathered(sums.sums, layout.pair, len(pair_cells))
    by_batch = pair_sums.reshape(*layout.cells.shape, -1)
    means = by_batch.sum(axis=1) / layout.of_condition[:, None]
    fitted = (means**2 * layout.of_condition[:, None]).sum(axis=0)
    left = by_batch.sum(axis=0) - layout.cells.T @ means
    explained = (left * (inverse @ left)).sum(axis=0)
    between = _squares(pair_sums, pair_cells) - fitted
    arm_sums = _gathered(sums.sums, layout.arm, len(layout.of_arm))
    within = sums.squares.sum(axis=0) - _squares(sums.sums, layout.groups.cells)
    return np.stack([within, explained, between - explained, _squares(arm_sums, layout.of_arm) - fitted])


def _explained_by_batches(layout: Layout, inverse: Array) -> list[float]:
    """Share of batch-by-condition and of guide effects in what batches explain."""
    cells, total = layout.cells, layout.of_condition[:, None]
    mixed = (cells**2).T @ (cells / total)
    same = cells.T @ (cells * ((cells**2).sum(axis=1, keepdims=True) / total**2))
    interaction = np.diag((cells**2).sum(axis=0)) - mixed - mixed.T + same
    guides = np.zeros_like(inverse)
    for chosen in _several_guides(layout):
        excess = _excess(layout, chosen)
        guides += excess @ excess.T
    return [float((inverse * interaction).sum()), float((inverse * guides).sum())]


def _several_guides(layout: Layout) -> list[Codes]:
    """The groups of each condition that has more than one guide."""
    number = np.bincount(layout.arm_condition)
    condition = layout.arm_condition[layout.arm]
    order = np.argsort(condition, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(condition[order])) + 1)
    return [part for part in parts if number[condition[part[0]]] > 1]


def _excess(layout: Layout, chosen: Codes) -> Array:
    """Cells of batch by guide beyond those of a proportional table, for the groups of one condition."""
    _, guide = np.unique(layout.arm[chosen], return_inverse=True)
    table = np.zeros((layout.cells.shape[1], int(guide.max()) + 1))
    table[layout.groups.batch[chosen], guide] = layout.groups.cells[chosen]
    return np.asarray(table - np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum())


def _between_pairs(layout: Layout, freedom: int) -> list[float]:
    cells, total = layout.cells, layout.of_condition
    batch = cells.sum() - ((cells**2).sum(axis=1) / total).sum()
    group = layout.groups.cells
    guide = (group**2 / cells.ravel()[layout.pair]).sum()
    guide -= (layout.of_arm**2 / total[layout.arm_condition]).sum()
    return [freedom, batch, batch, guide]


def _between_guides(layout: Layout, freedom: int) -> list[float]:
    cells, total, arms = layout.cells, layout.of_condition, layout.of_arm
    batch = (layout.groups.cells**2 / arms[layout.arm]).sum() - ((cells**2).sum(axis=1) / total).sum()
    return [freedom, batch, batch, arms.sum() - (arms**2 / total[layout.arm_condition]).sum()]


def _pseudo_inverse(crossing: Array) -> tuple[Array, int]:
    values, vectors = np.linalg.eigh(crossing)
    kept = values > TINY * max(float(values.max()), 1.0)
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T, int(kept.sum())


def _gathered(sums: Array, label: Codes, number: int) -> Array:
    indicator = sp.csr_matrix((np.ones(len(label)), (label, np.arange(len(label)))), (number, len(label)))
    return np.asarray(indicator @ sums)


def _squares(sums: Array, cells: Array) -> Array:
    return np.asarray((sums**2 / np.maximum(cells, 1.0)[:, None]).sum(axis=0))
