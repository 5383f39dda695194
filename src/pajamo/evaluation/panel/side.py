"""One side of a comparison: profiles, their noise, and differential expression of each condition's cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.differential import FALSE_DISCOVERY_RATE, benjamini_hochberg
from pajamo.evaluation.panel.group import Group
from pajamo.evaluation.panel.rank_test import RankTest

Mask = NDArray[np.bool_]

TESTED_ABOVE: Final = 5.0
"""Mean counts per million among controls above which a gene is tested."""
EPSILON: Final = 1e-9
"""Added to mean counts per million before their ratio is taken."""


@dataclass(frozen=True)
class Controls:
    """Control cells of one setting, and what is computed of them once."""

    cells: Group

    @cached_property
    def mean(self) -> Array:
        """Mean counts per million, shape (genes,)."""
        return np.asarray(self.cells.per_million.mean(axis=0), dtype=float).ravel()

    @property
    def tested(self) -> Mask:
        """Genes expressed highly enough among the controls."""
        return self.mean > TESTED_ABOVE

    @cached_property
    def test(self) -> RankTest:
        """The rank-sum test against these controls."""
        return RankTest(self.cells.per_million)


@dataclass(frozen=True)
class Side:
    """Predicted or measured cells against controls; arrays are (conditions, genes) unless said otherwise.

    Attributes
    ----------
    profile: logarithmic profile of each condition.
    noise: its variance from the choice of cells, summed over genes, shape (conditions,).
    origin, origin_noise: the same of the controls.
    log_fold: log2 ratio of mean counts per million.
    p, adjusted: two-sided rank-sum p-value, and adjusted over the tested genes of a condition; 1 if not tested.
    tested: genes whose controls are expressed highly enough.
    """

    profile: Array
    noise: Array
    origin: Array
    origin_noise: Array
    log_fold: Array
    p: Array
    adjusted: Array
    tested: Mask

    @property
    def delta(self) -> Array:
        """Change of the profile against the controls."""
        return self.profile - self.origin

    @property
    def significant(self) -> Mask:
        """Genes called changed at a false discovery rate of 5 % within the condition."""
        return self.tested & (self.adjusted < FALSE_DISCOVERY_RATE)

    def rows(self, keep: NDArray[np.intp]) -> Side:
        """The side of some of the conditions."""
        return Side(*(getattr(self, item.name)[keep] for item in fields(self)))

    @classmethod
    def of(cls, groups: Iterable[tuple[Group, Controls]]) -> Side:
        """Summarise the cells of each condition against its controls; one group is held at a time."""
        rows = [_row(cells, controls) for cells, controls in groups]
        arrays = [np.array(column) for column in zip(*rows, strict=True)]
        profile, noise, origin, origin_noise, log_fold, p, tested = arrays
        return cls(profile, noise, origin, origin_noise, log_fold, p, benjamini_hochberg(p, tested), tested)


def _row(cells: Group, controls: Controls) -> tuple[Array, float, Array, float, Array, Array, Mask]:
    own = controls.cells
    mean = np.asarray(cells.per_million.mean(axis=0), dtype=float).ravel()
    log_fold = np.log2((mean + EPSILON) / (controls.mean + EPSILON))
    p = np.where(controls.tested, controls.test.p_values(cells.per_million), 1.0)
    return cells.profile, cells.noise, own.profile, own.noise, log_fold, p, controls.tested
