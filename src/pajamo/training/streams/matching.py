"""Which control cells stand beside a perturbed cell: those of its own batch and context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.errors import DataError
from pajamo.training.streams.hashing import Words, below
from pajamo.training.streams.labels import column_codes


@dataclass(frozen=True)
class ControlPools:
    """Control cells by the group (batch, context, ...) that they share with perturbed ones.

    Attributes
    ----------
    group_of: group of each cell; shape (cells,), int32.
    members: rows of the controls, ordered by group; shape (controls,).
    starts, sizes: of each group, where its controls begin in `members` and how many there are; shape (groups,).
    """

    group_of: NDArray[np.int32]
    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def make(
        cls, obs: pd.DataFrame, columns: Sequence[str], controls: NDArray[np.int64], *, widen: bool
    ) -> ControlPools:
        """Group the cells by these columns of obs.

        Parameters
        ----------
        columns: most important first.
        controls: rows of the cells that may be drawn.
        widen: give a group without controls those of the cells that share all columns but the last, or all but the
            last two, and so on, until there are some.

        Raises
        ------
        DataError: a column is absent or empty somewhere, or the columns have more combinations than 2^62.
        """
        word, spans = _words(obs, columns)
        ordered = controls[np.argsort(word[controls], kind="stable")]
        group_of, groups = pd.factorize(word, sort=True)
        held = word[ordered]
        starts, sizes = np.zeros((2, len(groups)), dtype=np.int64)
        for level in range(len(columns), -1 if widen else len(columns) - 1, -1):
            first, size = _pool(held, groups, spans[level])
            take = (sizes == 0) & (size > 0)
            starts[take], sizes[take] = first[take], size[take]
        return cls(group_of.astype(np.int32), ordered, starts, sizes)

    def draw(self, rows: NDArray[np.int64], words: Words) -> NDArray[np.int64]:
        """Rows of a control beside each of these cells, each of its pool being as likely."""
        group = self.group_of[rows]
        return np.asarray(self.members[self.starts[group] + below(words, self.sizes[group])])


def _words(obs: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[int]]:
    """Values of the columns as one number a cell, and how many such numbers share the first 0, 1, ... columns.

    The first column counts most, so that cells that share the first columns have numbers next to one another.
    """
    codes = [column_codes(obs, column) for column in columns]
    sizes = [len(levels) for _, levels in codes]
    if prod(sizes) > 1 << 62:
        raise DataError(
            f"{' x '.join(f'{size:,}' for size in sizes)} combinations of values cannot be matched",
            where=f"obs columns {', '.join(columns)}",
            fix="match by columns with fewer different values, such as batch and cell line",
        )
    word = np.zeros(len(obs), dtype=np.int64)
    for (code, _), size in zip(codes, sizes, strict=True):
        word = word * size + code
    return word, [prod(sizes[level:]) for level in range(len(sizes) + 1)]


def _pool(
    held: NDArray[np.int64], groups: NDArray[np.int64], span: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First control of each group, and how many, where `span` consecutive numbers count as one group."""
    lowest = groups // span * span
    first = np.searchsorted(held, lowest)
    return first, np.searchsorted(held, lowest + span) - first
