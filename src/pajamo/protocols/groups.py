"""Cells that went through the same operators, counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Edit, History, Segment, Word
from pajamo.errors import shorten
from pajamo.protocols.protocol import Protocol

EXAMPLES = 3
"""Conditions of each group that are named."""


def words_of_groups(
    protocol: Protocol, conditions: Sequence[Condition], condition_of: NDArray[np.intp]
) -> pd.DataFrame:
    """One row a word (up to the names of the targets): word, conditions, cells, examples, its control's word.

    A mixture is written as the shares of its words; one of many words (a spread onset) by how many there are.

    Raises
    ------
    StudyError: a condition that the protocol contradicts.
    """
    cells = np.bincount(condition_of, minlength=len(conditions))
    groups: dict[tuple[str, str], list[int]] = {}
    for i, condition in enumerate(conditions):
        history = protocol.history(condition)
        control = "" if condition.is_control else str(history.without_edits())
        groups.setdefault((_written(history, condition), control), []).append(i)
    rows = [
        (word, len(of), int(cells[of].sum()), shorten((conditions[i] for i in of), EXAMPLES), control)
        for (word, control), of in groups.items()
    ]
    return pd.DataFrame(rows, columns=["word", "conditions", "cells", "examples", "control"])


def _written(history: History, condition: Condition) -> str:
    anonymous = {gene: f"p{i + 1}" if condition.order > 1 else "p" for i, gene in enumerate(condition.genes)}
    if len(history.branches) == 1:
        return str(_renamed(history.branches[0][1], anonymous))
    if len(history.branches) > EXAMPLES + 1:
        edited = sum(share for share, word in history.branches if any(segment.edits for segment in word))
        return f"mixture of {len(history.branches)} words, {edited:.0%} of the cells edited"
    return " + ".join(f"{share:.2g} {_renamed(word, anonymous)}" for share, word in history.branches)


def _renamed(word: Word, names: dict[str, str]) -> Word:
    def edits(segment: Segment) -> frozenset[Edit]:
        return frozenset(Edit(names.get(e.target, e.target), e.kind, e.strength) for e in segment.edits)

    return Word(tuple(Segment(edits(segment), segment.medium, segment.duration) for segment in word))
