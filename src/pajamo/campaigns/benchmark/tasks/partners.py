"""Pairs of genes, described by what each gene's partner does alone; and what another cell line says of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.benchmark.task import Task
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.campaigns.benchmark.tasks.pairs import (
    COLUMNS,
    CONTROL,
    HORLBECK,
    LAWS,
    PairDesign,
    Recorded,
    horlbeck_pairs,
)
from pajamo.campaigns.learners.designed import DesignedLinear
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError


@dataclass(frozen=True)
class PartnerDesign:
    """The laws of `PairDesign`, and for each gene how much its partner does alone.

    What a gene adds to an interaction grows with its partner's effect, because beside a partner that does nothing
    there is nothing to interact with. Columns: the five laws in their standard deviations over all pairs; then one
    column a gene, the partner's effect (root mean square 1 over genes) for both members; then columns that are known
    of each pair from elsewhere, if any.

    Attributes
    ----------
    pairs: the design with an indicator a gene.
    known: of each pair from elsewhere; shape (N, K).
    power: of the partner's effect to which a gene's part is proportional; its sign is kept.
    """

    pairs: PairDesign
    known: Array | None = None
    power: float = 1.0
    laws: Scale = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "laws", Scale.of(np.asarray(self.pairs[slice(None)][:, :LAWS], dtype=float)))

    @property
    def groups(self) -> tuple[int, ...]:
        """Columns of each kind."""
        kinds = (LAWS, len(self.pairs.singles))
        return kinds if self.known is None else (*kinds, self.known.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Pairs and features."""
        return len(self.pairs.members), sum(self.groups)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some pairs."""
        singles, members = self.pairs.singles, self.pairs.members[rows]
        singles = np.sign(singles) * np.abs(singles) ** self.power
        found = np.asarray(self.pairs[rows], dtype=float)
        found[:, :LAWS] = self.laws.apply(found[:, :LAWS])
        size = np.sqrt((singles**2).mean())
        np.put_along_axis(found, LAWS + members, singles[members[:, ::-1]] / max(size, 1e-12), axis=1)
        return found if self.known is None else np.concatenate([found, self.known[rows]], axis=1)


def by_partner(task: Task, known: Array | None = None, power: float = 1.0) -> Task:
    """A task of pairs with `PartnerDesign` and a linear model that takes it as it is.

    Parameters
    ----------
    known, power: as in `PartnerDesign`.

    Raises
    ------
    DataError: the task's candidates are not pairs.
    """
    if not isinstance(task.features, PairDesign):
        raise DataError(f"the candidates of {task.name} are not pairs", where="design by partners")
    design = PartnerDesign(task.features, known, power)
    return replace(task, features=design, learner=DesignedLinear(design.groups))


def second_line(data: Path | str | None, second: Path | str, recorded: Recorded = "interaction") -> Task:
    """Pairs in a second cell line, with what the first line (K562) showed of the same pairs as a feature.

    Parameters
    ----------
    data: folder with the table of the first line.
    second: table of the second line in the same form: id1, id2, score, and pairs with "negative".
    recorded: as in `horlbeck_pairs`.
    """
    first, other = horlbeck_pairs(data, recorded), horlbeck_pairs(second, recorded)
    values = first.measurements[:, 0, 0]
    there = dict(zip(pair_names(data), (values - values.mean()) / max(values.std(), 1e-12), strict=True))
    known = np.array([[there.get(name, 0.0), name in there] for name in pair_names(second)], dtype=float)
    found = by_partner(other, known)
    return replace(found, name=f"{found.name}-second-line", title=f"{found.title}, second cell line")


def pair_names(data: Path | str | None) -> list[tuple[str, str]]:
    """Both genes of each pair of the table, in the order of the task's candidates."""
    raw = table(data, HORLBECK, COLUMNS)
    ids = raw[["id1", "id2"]].astype(str)
    own = ids[(ids["id1"] != CONTROL) & (ids["id2"] != CONTROL) & (ids["id1"] != ids["id2"])]
    return [(min(a, b), max(a, b)) for a, b in zip(own["id1"], own["id2"], strict=True)]
