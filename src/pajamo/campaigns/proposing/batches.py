"""A batch and what speaks for it, however it was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.proposal import Number


@dataclass(frozen=True)
class ChosenBatch:
    """A batch by rows of the pool.

    Attributes
    ----------
    rows: in the order in which they were chosen; shape (B,).
    gains: what each adds for the goal, shape (B,); NaN without a model.
    scores: what each was worth to what chose it, shape (B,).
    why: in words, one each.
    next_rows, next_gains, next_scores, next_why: the same of those that would come next.
    unit: of gains.
    by: name of what chose.
    at_random, random_deviation: gain of random batches for the same money, None where it is not known.
    cost: money by item.
    own: money for each chosen candidate alone, shape (B,).
    allocations: how each is measured.
    controls, layout: as in `Proposal`.
    notes: what a reader has to know.
    """

    rows: Rows
    gains: Array
    scores: Array
    why: list[str]
    next_rows: Rows
    next_gains: Array
    next_scores: Array
    next_why: list[str]
    unit: str
    by: str
    at_random: float | None
    random_deviation: float | None
    cost: Mapping[str, float] = field(default_factory=dict)
    own: Array | None = None
    allocations: list[dict[str, Number | str]] | None = None
    controls: Mapping[str, Number | str] = field(default_factory=dict)
    layout: tuple[tuple[str, int, int, int], ...] = ()
    notes: tuple[str, ...] = ()
