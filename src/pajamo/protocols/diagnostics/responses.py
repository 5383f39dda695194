"""Comparisons of responses (perturbed less matched control): between times, between media, doubles with singles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, groupby, pairwise

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.protocols.diagnostics.cells import Cells
from pajamo.protocols.diagnostics.contrast import LEAST_CELLS, Group, contrast
from pajamo.protocols.diagnostics.result import Diagnostic, Question, discoveries

AT_REST = Question(
    name="responses between the last two times",
    assumption="at-rest",
    can="whether a perturbation's change against the control of its own time still moves; what a batch adds to "
    "both cancels",
    cannot="whether it moves again later, or more slowly than the interval shows",
)
ADDITIVE = Question(
    name="doubles against the sum of their singles",
    assumption="additive",
    can="whether a combination's change in ln(1 + CP10K) is the sum of the changes of its parts",
    cannot="whether effects add on another scale, or in cells instead of in means",
)
SAME_IN_MEDIA = Question(
    name="the same perturbation in two contexts",
    assumption="no-medium-response",
    can="whether a perturbation's change against the control of its own context is the same in two contexts",
    cannot="whether the medium or something else that differs between the contexts is the cause",
)


def at_rest(cells: Cells, rng: np.random.Generator) -> Diagnostic:
    """Compare each perturbation's response at its last two times."""
    found = []
    for _, same in groupby(sorted(cells.perturbed), key=lambda c: (c.genes, c.context)):
        usable = [c for c in same if cells.has([c, c.control], LEAST_CELLS)]
        found += list(pairwise(usable))[-1:]
    groups = [[*_response(cells, after, 1.0), *_response(cells, before, -1.0)] for before, after in found]
    labels = [(f"{after}", f"{before.time:g} to {after.time:g}") for before, after in found]
    sizes = [_response(cells, after, 1.0) for _, after in found]
    table = _compared(groups, labels, sizes, rng)
    return _judged(AT_REST, table, "still moves", "no perturbation was measured at two times")


def additive(cells: Cells, rng: np.random.Generator) -> Diagnostic:
    """Compare each combination's response with the sum of those of its parts, in the same setting."""
    found = [c for c in cells.perturbed if c.order > 1 and cells.has([c, c.control, *c.parts()], LEAST_CELLS)]
    groups = []
    for double in found:
        # The control stands in the double's change once and in those of its parts once each.
        parts: list[Group] = [(-1.0, cells[part]) for part in double.parts()]
        groups.append([(1.0, cells[double]), *parts, (double.order - 1.0, cells[double.control])])
    labels = [(f"{c}", "double less its singles") for c in found]
    table = _compared(groups, labels, [_response(cells, c, 1.0) for c in found], rng)
    return _judged(ADDITIVE, table, "is not the sum", "no combination was measured together with its parts")


def same_in_media(cells: Cells, rng: np.random.Generator) -> Diagnostic:
    """Compare each perturbation's response between contexts, at the same time."""
    usable = [c for c in cells.perturbed if cells.has([c, c.control], LEAST_CELLS)]
    alike: dict[tuple[tuple[str, ...], float], list[Condition]] = {}
    for condition in usable:
        alike.setdefault((condition.genes, condition.time), []).append(condition)
    found = [pair for same in alike.values() for pair in combinations(same, 2)]
    groups = [[*_response(cells, a, 1.0), *_response(cells, b, -1.0)] for a, b in found]
    labels = [(f"{a}", f"{a.context} against {b.context}") for a, b in found]
    table = _compared(groups, labels, [_response(cells, a, 1.0) for a, _ in found], rng)
    return _judged(SAME_IN_MEDIA, table, "differs", "no perturbation was measured in two contexts")


def _response(cells: Cells, condition: Condition, weight: float) -> list[Group]:
    return [(weight, cells[condition]), (-weight, cells[condition.control])]


def _compared(
    groups: Sequence[list[Group]],
    labels: Sequence[tuple[str, str]],
    responses: Sequence[list[Group]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    rows = []
    for compared, label, response in zip(groups, labels, responses, strict=True):
        seen, whole = contrast(compared, rng), contrast(response, rng)
        z = seen.change / np.sqrt(
            np.sum([w**2 * x.var(axis=0, ddof=1) / len(x) for w, x in compared], axis=0) + 1e-12
        )
        rows.append((*label, seen.size, seen.low, seen.high, whole.size, float(np.abs(z).max()), seen.p))
    names = ["condition", "compared", "size", "low", "high", "response", "largest_z", "p"]
    table = pd.DataFrame(rows, columns=names)
    table["differs"] = discoveries(table["p"].to_numpy(dtype=float))
    return table


def _judged(question: Question, table: pd.DataFrame, what: str, nothing: str) -> Diagnostic:
    if table.empty:
        return question.answered("untested", nothing, table)
    differing = table[table["differs"]]
    text = f"the response of {len(differing)} of {len(table)} {what} (5 % false discoveries)"
    if len(differing):
        first = differing.nlargest(1, "size").iloc[0]
        text += (
            f"; most of all {first['condition']} ({first['compared']}): {first['size']:.3g} a gene "
            f"(95 % {first['low']:.3g} to {first['high']:.3g}) beside a response of {first['response']:.3g}"
        )
    else:
        text += f"; by at most {table['high'].max():.3g} a gene (upper ends of 95 % intervals)"
    return question.answered("broken" if len(differing) else "holds", text, table)
