"""What may be bought: candidates by what each can be given, with the precision that this would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.costs.allocation import Allocation, candidate_name
from pajamo.campaigns.costs.model import CostModel, Load
from pajamo.campaigns.predictive import Array, Rows
from pajamo.errors import DataError, StudyError


@dataclass(frozen=True)
class Pool:
    """Candidates of a campaign.

    Attributes
    ----------
    targets: perturbations that each combines; one for singles, N of these.
    measured: by row, what a candidate was given in earlier rounds.
    available: which may be chosen, shape (N,); all if not given. Pending ones may not.
    repeats: whether measured candidates may be measured again.
    """

    targets: Sequence[tuple[str, ...]]
    measured: Mapping[int, Allocation] = field(default_factory=dict)
    available: NDArray[np.bool_] | None = None
    repeats: bool = False

    def __post_init__(self) -> None:
        if len(self.targets) == 0:
            raise DataError(
                "the pool of candidates is empty", where="candidates", fix="give candidates to choose from"
            )
        if self.available is not None and len(self.available) != self.size:
            raise DataError(
                f"{len(self.available):,} marks of what is available, for {self.size:,} candidates",
                where="candidates",
            )

    @property
    def size(self) -> int:
        """Number of candidates, N."""
        return len(self.targets)

    def open(self) -> NDArray[np.bool_]:
        """Candidates that may be chosen as far as the pool itself says; shape (N,)."""
        found = np.ones(self.size, dtype=bool) if self.available is None else self.available.copy()
        if not self.repeats:
            found[list(self.measured)] = False
        return found

    def name(self, row: int) -> str:
        """How a candidate is written."""
        return candidate_name(self.targets[row])


@dataclass(frozen=True)
class Options:
    """Everything that may be bought, as arrays.

    Attributes
    ----------
    menu: allocations, L of them.
    before: precision of each candidate from earlier rounds, shape (N,).
    after: precision with each allocation added, shape (N, L).
    kind: of each candidate, candidates of one kind cost the same; shape (N,).
    loads: by kind and allocation, what one candidate takes.
    """

    menu: tuple[Allocation, ...]
    before: Array
    after: Array
    kind: Rows
    loads: tuple[tuple[Load, ...], ...]

    def part(self, rows: Rows) -> Options:
        """The same for some of the candidates."""
        return Options(self.menu, self.before[rows], self.after[rows], self.kind[rows], self.loads)

    def of_menu(self, levels: Rows) -> Options:
        """The same with some of the allocations."""
        menu = tuple(self.menu[level] for level in levels)
        loads = tuple(tuple(one[level] for level in levels) for one in self.loads)
        return Options(menu, self.before, self.after[:, levels], self.kind, loads)


def options_of(pool: Pool, menu: Sequence[Allocation], costs: CostModel) -> Options:
    """Work out what each candidate's precision would be with each allocation.

    What was measured before counts: a candidate's new cells join the old ones, of the same guides.

    Raises
    ------
    StudyError: no allocation to choose from.
    """
    if not menu:
        raise StudyError(
            "there is no allocation to choose from", where="menu", fix="give guides, cells, repeats"
        )
    allocations = tuple(dict.fromkeys(menu))
    usual = np.array([1.0 / costs.noise((), one) for one in allocations])
    before, after = np.zeros(pool.size), np.tile(usual, (pool.size, 1))
    for row in sorted(_special(pool, costs)):
        before[row], after[row] = _precision(pool, row, allocations, costs)
    kind, kinds = _kinds(pool)
    loads = tuple(tuple(costs.load_of(one, order, made=made) for one in allocations) for order, made in kinds)
    return Options(allocations, before, after, kind, loads)


def _special(pool: Pool, costs: CostModel) -> set[int]:
    """Rows of which the precision is not the usual one."""
    found = set(pool.measured)
    if costs.of_target:
        found |= {row for row in range(pool.size) if pool.name(row) in costs.of_target}
    return found


def _precision(
    pool: Pool, row: int, menu: tuple[Allocation, ...], costs: CostModel
) -> tuple[float, list[float]]:
    targets, old = pool.targets[row], pool.measured.get(row)
    if old is None:
        return 0.0, [1.0 / costs.noise(targets, one) for one in menu]
    return 1.0 / costs.noise(targets, old), [1.0 / costs.noise(targets, old.and_then(one)) for one in menu]


def _kinds(pool: Pool) -> tuple[Rows, list[tuple[int, bool]]]:
    """Kind of each candidate: how many perturbations it combines, and whether it was made before."""
    code = 2 * np.fromiter((len(one) for one in pool.targets), dtype=np.intp, count=pool.size)
    code[list(pool.measured)] += 1
    found, kind = np.unique(code, return_inverse=True)
    return kind.astype(np.intp), [(int(one) // 2, bool(one % 2)) for one in found]


def menu_of(
    guides: Sequence[int] = (1,), cells: Sequence[float] = (1,), replicates: Sequence[int] = (1,)
) -> tuple[Allocation, ...]:
    """All combinations of numbers of guides, of usable cells of a guide, and of replicates."""
    return tuple(Allocation(*one) for one in product(guides, cells, replicates))
