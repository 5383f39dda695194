"""Cells of a combination: measured cells of its parents, brought to a predicted mean gene by gene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.models.base import Array

LOG_FACTORS = float(np.log(0.05)), float(np.log(20.0))
"""Range of the logarithm of the factor on a gene's expression."""
NEWTON_STEPS = 12
REACHED = 1e-6
"""A mean that is this close to its target is the target; zeros then stay exactly zero."""


@dataclass(frozen=True)
class Shape:
    """What the distribution of a combination's cells is, beside its mean; one for all combinations.

    Attributes
    ----------
    balance: parents contribute in proportion to (norm of their effect)^balance; 0 is half and half.
    spread: factor on each cell's distance from the mean, in ln(1 + CP10K); 1 leaves the parents' own.
    """

    balance: float = 0.0
    spread: float = 1.0

    def shares(self, log_norms: Array) -> Array:
        """Share of each parent, adding up to 1."""
        weight = np.exp(self.balance * (log_norms - log_norms.max()))
        return np.asarray(weight / weight.sum())

    def spread_out(self, cells: Array) -> Array:
        """Move cells away from or towards their mean; nothing falls below zero."""
        if self.spread == 1.0:
            return cells
        mean = cells.mean(axis=0)
        return np.asarray(np.maximum(mean + self.spread * (cells - mean), 0.0))


def rescale_to_mean(cells: Array, target: Array) -> Array:
    """Multiply each gene's CP10K by one factor so that the mean of ln(1 + CP10K) becomes the target.

    Zeros stay zeros and the relation of variance and mean stays that of the cells. What a factor of
    1/20 to 20 cannot reach (a gene that no cell expressed) is added as a shift.

    Parameters
    ----------
    cells: ln(1 + CP10K), shape (cells, genes).
    target: mean of ln(1 + CP10K) to reach, not negative, shape (genes,).
    """
    expression = np.expm1(cells)
    low, high = (np.full(cells.shape[1], bound) for bound in LOG_FACTORS)
    factor = np.zeros(cells.shape[1])
    for _ in range(NEWTON_STEPS):
        scaled = expression * np.exp(factor)
        gap = np.log1p(scaled).mean(axis=0) - target
        low, high = np.where(gap < 0, factor, low), np.where(gap < 0, high, factor)
        slope = np.maximum((scaled / (1.0 + scaled)).mean(axis=0), 1e-12)
        newton = factor - gap / slope
        # The mean is convex and rising in the factor: Newton converges wherever the bracket lets it.
        factor = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2.0)
    reached = np.log1p(expression * np.exp(factor))
    gap = target - reached.mean(axis=0)
    return np.maximum(reached + np.where(gap > REACHED, gap, 0.0), 0.0)


@dataclass(frozen=True)
class ParentCells:
    """Cells of singles and controls, ln(1 + CP10K), each of shape (cells, genes)."""

    cells: Mapping[Condition, NDArray[np.float32]]

    @classmethod
    def of(cls, training: TrainingSet) -> ParentCells:
        """Keep the cells of singles and controls."""
        return cls({c: training.cells[c] for c in sorted(training.cells) if c.order <= 1})

    def pools(self, condition: Condition) -> dict[str, Array]:
        """Cells of each parent that has some, by gene; the control's (under "") where no parent has.

        Raises
        ------
        ModelError: no cells of the parents nor of the control.
        """
        found = {part.genes[0]: self.cells[part] for part in condition.parts() if part in self.cells}
        if not found and condition.control in self.cells:
            found = {"": self.cells[condition.control]}
        if not found:
            raise ModelError(
                f"no cells were kept to draw {condition} from",
                why="predicted cells are measured cells of the parents, rescaled",
                fix="keep cells in the training set, or predict only the mean",
            )
        return {gene: np.asarray(pool, dtype=float) for gene, pool in found.items()}

    def draw(
        self,
        condition: Condition,
        mean: Array,
        log_norms: Mapping[str, float],
        shape: Shape,
        n: int,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Draw n cells whose expected mean is `mean`; the control's cells are drawn as they are.

        Parameters
        ----------
        mean: predicted level, shape (genes,).
        log_norms: logarithm of the norm of each perturbed gene's effect.
        """
        pools = self.pools(condition)
        strengths = np.array([log_norms.get(gene, 0.0) for gene in pools])
        sizes = _apportioned(shape.shares(strengths), n)
        drawn = []
        for size, pool in zip(sizes, pools.values(), strict=True):
            ready = (
                pool if condition.is_control else rescale_to_mean(shape.spread_out(pool), np.maximum(mean, 0))
            )
            drawn.append(ready[rng.integers(len(ready), size=size)])
        return np.concatenate(drawn).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {f"cells.{i}": pool for i, pool in enumerate(self.cells.values())}

    def facts(self) -> list[list[object]]:
        """Whose cells are kept."""
        return [condition.to_list() for condition in self.cells]

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], kept: object) -> ParentCells:
        """Read what `state` and `facts` gave."""
        listed = cast("list[list[object]]", kept)
        return cls({Condition.from_list(c): state[f"cells.{i}"] for i, c in enumerate(listed)})


def _apportioned(shares: Array, n: int) -> NDArray[np.intp]:
    """Whole numbers that add up to n, as near to the shares as can be; the first takes the odd one."""
    ends = np.ceil(np.cumsum(shares) * n - 1e-9).astype(np.intp)
    ends[-1] = n
    return np.diff(np.concatenate([[0], ends]))
