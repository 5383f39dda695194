"""Is the share of variance between batches more than chance? Batches are dealt anew within conditions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from pajamo.data.screen import Screen
from pajamo.errors import DataError
from pajamo.protocols.errors.forms import BATCH, Layout, forms_of, values_of
from pajamo.protocols.errors.groups import Array, Codes, Groups, GroupSums, groups_of

MOST_CELLS = 10_000
"""Most cells looked at, drawn at random."""
MOST_SUMS = 1_000_000
"""Most sums (groups times genes) made in each permutation; the genes that vary most are kept."""


@dataclass(frozen=True)
class BatchTest:
    """The share of variance between batches, against the same with batches dealt at random.

    Attributes
    ----------
    share: pooled over genes, of the cells and genes looked at.
    null: the share under each permutation.
    """

    share: float
    null: Array

    @property
    def z(self) -> float:
        """How many standard deviations of chance the share lies above chance."""
        return float((self.share - self.null.mean()) / self.null.std(ddof=1))

    @property
    def p(self) -> float:
        """Share of permutations, the observed order included, that reach as far."""
        return float((1 + (self.null >= self.share).sum()) / (1 + len(self.null)))


def batch_test(screen: Screen, *, permutations: int = 50, seed: int = 0) -> BatchTest:
    """Deal the batch labels anew within each condition, and see how large the batch share becomes.

    Raises
    ------
    DataError: no batch column, one batch only, conditions that do not cross batches, or fewer than two
        permutations.
    """
    if permutations < 2:
        raise DataError(
            f"{permutations} permutations say nothing", where="permutations", fix="give 20 or more"
        )
    random = np.random.default_rng(seed)
    sample, batch = _sample(screen, random)
    share = sample.share(batch)
    if not np.isfinite(share):
        raise DataError(
            "no condition was measured in two batches",
            where=screen.name,
            why="what batches do cannot be told from what perturbations do",
            fix="measure at least the control in every batch",
        )
    null = [sample.share(_dealt(sample.condition, batch, random)) for _ in range(permutations)]
    return BatchTest(share, np.array(null))


@dataclass(frozen=True)
class _Sample:
    """Cells and genes that are looked at, the sum of squares of each gene, and each cell's condition."""

    values: sp.csr_matrix
    squares: Array
    condition: Codes
    batches: tuple[str, ...]

    def share(self, batch: Codes) -> float:
        """Share of the variance between batches if the cells lay in these."""
        key, of_cell = np.unique(self.condition * len(self.batches) + batch, return_inverse=True)
        condition, home = np.divmod(key, len(self.batches))
        cells = np.bincount(of_cell).astype(float)
        layout = Layout.of(Groups(condition, home, np.zeros_like(key), cells, of_cell, self.batches))
        indicator = sp.csr_matrix((np.ones(len(of_cell)), (of_cell, np.arange(len(of_cell)))))
        columns = np.arange(self.values.shape[1])
        sums = GroupSums(columns, (indicator @ self.values).toarray(), self.squares)
        parts = forms_of(layout).weights() @ values_of(layout, sums).sum(axis=1)
        return float(parts[BATCH] / np.nansum(parts))


def _sample(screen: Screen, random: np.random.Generator) -> tuple[_Sample, Codes]:
    """Some cells and the genes that vary most, and the cells' batches."""
    groups = groups_of(screen, guides=False)
    chosen = np.arange(screen.n_cells)
    if screen.n_cells > MOST_CELLS:
        chosen = np.sort(random.choice(screen.n_cells, MOST_CELLS, replace=False))
    of = groups.of_cell[chosen]
    values = screen.log_normalised_rows(chosen)
    values = sp.csr_matrix(values[:, _most_variable(values, MOST_SUMS // groups.margins)])
    squares = np.asarray(values.multiply(values).sum(axis=0)).reshape(1, -1)
    return _Sample(values, squares, groups.condition[of], groups.batches), groups.batch[of]


def _most_variable(values: sp.csr_matrix, most: int) -> Codes:
    mean = np.asarray(values.mean(axis=0)).ravel()
    variance = np.asarray(values.multiply(values).mean(axis=0)).ravel() - mean**2
    return np.sort(np.argsort(-variance, kind="stable")[: max(most, 1)])


def _dealt(condition: Codes, batch: Codes, random: np.random.Generator) -> Codes:
    """Batch labels shuffled among the cells of each condition."""
    dealt = np.empty_like(batch)
    dealt[np.argsort(condition, kind="stable")] = batch[np.lexsort((random.random(len(batch)), condition))]
    return dealt
