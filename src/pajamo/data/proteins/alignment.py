"""Local alignment of one protein with many at once, to see which residue of each faces which of the one."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import PAD
from pajamo.data.proteins.blosum import blosum62

GAP: Final = 8
"""Cost of each residue that faces none, in the half bits of BLOSUM62."""
STOP, DIAGONAL, UP, LEFT = range(4)


def aligned(
    query: NDArray[np.uint8], others: NDArray[np.uint8], gap: int = GAP
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """What faces each residue of the query in the best local alignment with each of the others.

    Smith & Waterman 1981 (J Mol Biol 147, 195) with BLOSUM62 and the same cost for every gapped residue; all others
    at once, a row of the query at a time: along a row, gaps are a running maximum.

    Parameters
    ----------
    query: tokens of a protein, shape (residues,).
    others: tokens of other proteins, filled up with <pad>, shape (others, longest).
    gap: cost of a gapped residue.

    Returns
    -------
    Tokens facing the query, <pad> where none does, shape (others, residues); score of each alignment in half bits,
    shape (others,).
    """
    scores = blosum62()
    scores[:, PAD] = -(1 << 20)
    number, longest = others.shape
    slope = gap * np.arange(longest + 1)
    above = np.zeros((number, longest + 1), dtype=np.int64)
    best, ends = np.zeros(number, dtype=np.int64), np.zeros((number, 2), dtype=np.int64)
    came = np.zeros((len(query) + 1, number, longest + 1), dtype=np.int8)
    for row, residue in enumerate(query, start=1):
        current, came[row] = _next_row(above, scores[residue][others], gap, slope)
        place = current.argmax(axis=1)
        top = np.take_along_axis(current, place[:, None], axis=1)[:, 0]
        ends[top > best] = np.column_stack([np.full(number, row), place])[top > best]
        best = np.maximum(best, top)
        above = current
    return _traced(came, ends, others, len(query)), best


def _next_row(
    above: NDArray[np.int64], facing: NDArray[np.int32], gap: int, slope: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    diagonal = np.zeros_like(above)
    diagonal[:, 1:] = above[:, :-1] + facing
    up = above - gap
    start = np.maximum(np.maximum(diagonal, up), 0)
    # The best start to the left, less a gap for each residue since: a running maximum along the row.
    current = np.maximum.accumulate(start + slope, axis=1) - slope
    came = np.full(current.shape, LEFT, dtype=np.int8)
    came[current == up] = UP
    came[current == diagonal] = DIAGONAL
    came[current == 0] = STOP
    return current, came


def _traced(
    came: NDArray[np.int8], ends: NDArray[np.int64], others: NDArray[np.uint8], residues: int
) -> NDArray[np.uint8]:
    """Go back from the ends of all alignments together, a step at a time."""
    facing = np.full((len(others), residues), PAD, dtype=np.uint8)
    going = np.arange(len(others))
    row, column = ends[:, 0].copy(), ends[:, 1].copy()
    while True:
        step = came[row[going], going, column[going]]
        going, step = going[step != STOP], step[step != STOP]
        if not len(going):
            return facing
        met = going[step == DIAGONAL]
        facing[met, row[met] - 1] = others[met, column[met] - 1]
        row[going[step != LEFT]] -= 1
        column[going[step != UP]] -= 1
