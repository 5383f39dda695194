"""Do unperturbed cells change between harvest times?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.protocols.diagnostics.cells import Cells
from pajamo.protocols.diagnostics.contrast import LEAST_CELLS, Group, contrast
from pajamo.protocols.diagnostics.result import Diagnostic, Found, Question, discoveries

QUESTION = Question(
    name="controls between harvest times",
    assumption="stationary-baseline",
    can="a change of the controls' means between neighbouring times, within batches that hold both",
    cannot="a change from a difference between batches where each time is a batch of its own; nor whether cells "
    "would go on changing after the last time",
)


def stationary_baseline(cells: Cells, rng: np.random.Generator) -> Diagnostic:
    """Compare the means of control cells between neighbouring times of each context.

    Within batches that hold controls of both times, where there are any; else over all cells, and then a change
    cannot be told from a difference between batches.
    """
    rows = []
    for before, after in _neighbours(cells):
        groups, within = _groups(cells, before, after)
        seen = contrast(groups, rng)
        rows.append((before.context, before.time, after.time, within, seen.size, seen.low, seen.high, seen.p))
    names = ["context", "from", "to", "within_batches", "size", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=names)
    if table.empty:
        return QUESTION.answered("untested", "no context has controls at two times")
    table["moved"] = discoveries(table["p"].to_numpy())
    return QUESTION.answered(*_verdict(table, recorded=cells.batch_of is not None), table)


def _verdict(table: pd.DataFrame, *, recorded: bool) -> tuple[Found, str]:
    moved = table[table["moved"]]
    largest = table.nlargest(1, "size").iloc[0]
    text = (
        f"controls differ in {len(moved)} of {len(table)} steps between times; largest from {largest['from']:g} to "
        f"{largest['to']:g}: {largest['size']:.3g} a gene (95 % {largest['low']:.3g} to {largest['high']:.3g})"
    )
    if moved.empty:
        return "holds", text
    if moved["within_batches"].any():
        return "broken", f"{text}, within batches"
    why = "no batch holds controls of two times" if recorded else "batches were not recorded"
    confounded = (
        "so time and batch are one, and a change of the cells cannot be told from one between harvests"
    )
    return "unclear", f"{text}; {why}, {confounded}"


def _neighbours(cells: Cells) -> list[tuple[Condition, Condition]]:
    controls = sorted((c for c in cells.conditions if c.is_control), key=lambda c: c.setting)
    return [
        (a, b) for a, b in pairwise(controls) if a.context == b.context and cells.has([a, b], LEAST_CELLS)
    ]


def _groups(cells: Cells, before: Condition, after: Condition) -> tuple[list[Group], bool]:
    """Both times' cells batch by batch, weighted by how precisely each batch tells the change; else all cells."""
    batch = cells.batch_of
    first, second = cells.rows_of[before], cells.rows_of[after]
    pairs = []
    if batch is not None:
        for name in np.intersect1d(batch[first], batch[second]):
            pair = first[batch[first] == name], second[batch[second] == name]
            pairs += [pair] if min(map(len, pair)) >= LEAST_CELLS else []
    if not pairs:
        return [(-1.0, cells.values[first]), (1.0, cells.values[second])], False
    weights = np.array([1 / (1 / len(a) + 1 / len(b)) for a, b in pairs])
    groups: list[Group] = []
    for weight, (a, b) in zip(weights / weights.sum(), pairs, strict=True):
        groups += [(-float(weight), cells.values[a]), (float(weight), cells.values[b])]
    return groups, True
