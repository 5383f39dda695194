"""Which other energies a permutation of states asks for: linear equations for an affine map of the terms.

With I the incidence, F the terms and r(s) the row that takes the place of row s, new terms F' = M F + t must give

    I[s] F' = I[r(s)] F + h(F)    for every row s,

with h the same for all rows, and likewise for ln of the states' rates. Column by column this is linear in M, t and h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.config.assays import KineticSettings
from pajamo.explanations.assays.allowed import Group, Outputs, exchangeable, silent
from pajamo.explanations.assays.candidates import Permutation, row_permutation
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.symmetry import Symmetry
from pajamo.models.assays.blueprint import Blueprint

EXACT = 1e-9


@dataclass(frozen=True)
class Equations:
    """Left-hand sides: one row an equation, one column a term, with the common shifts behind.

    Attributes
    ----------
    taken: the same rows after the permutation, by term.
    known: what does not depend on terms, on the right-hand side.
    shifts: one column for h and for ln of the factor of each output that may be scaled.
    scaled: the outputs of the later columns.
    """

    rows: Array
    taken: Array
    known: Array
    shifts: Array
    scaled: tuple[int, ...]


def solve(
    blueprint: Blueprint, groups: Sequence[Group], outputs: Outputs, states: Permutation
) -> Symmetry | None:
    """The symmetry that a permutation of states belongs to; None if there is none."""
    moved = row_permutation(blueprint, states)
    mirrored = _mirrored(blueprint, outputs, states)
    if moved is None or mirrored is None or not _same_conditions(blueprint, moved):
        return None
    equations = _equations(blueprint, outputs, states, moved, mirrored)
    size = len(blueprint.terms)
    matrix, common = np.eye(size), np.zeros((size + 1, equations.shifts.shape[1]))
    for group in groups:
        if not _solve_group(blueprint, groups, equations, group, matrix, common):
            return None
    shift = np.zeros(size)
    if not _solve_column(groups, equations, equations.known, None, shift, common[size]):
        return None
    scaled = np.zeros((len(blueprint.outputs), size + 1))
    for column, output in enumerate(equations.scaled):
        scaled[output] = common[:, column + 1]
    return Symmetry(states, _rounded(matrix), _rounded(shift), mirrored, _rounded(scaled))


def _mirrored(blueprint: Blueprint, outputs: Outputs, states: Permutation) -> tuple[bool, ...] | None:
    """For each output whether active and silent states exchange places; None if some only do."""
    found = []
    for number, before in enumerate(silent(blueprint)):
        after = before[list(states)]
        if (before == after).all():
            found.append(False)
        elif (before != after).all() and outputs.mirrored[number]:
            found.append(True)
        else:
            return None
    return tuple(found)


def _same_conditions(blueprint: Blueprint, moved: Permutation) -> bool:
    """A concentration that varies, and the room that a state needs, cannot be exchanged for an energy."""
    order = list(moved)
    powers = [np.asarray(times, dtype=float) for times in blueprint.inputs.values()]
    even = all(np.ptp(times[order] - times) == 0 for times in powers)
    room = blueprint.ends is None or bool((blueprint.ends[order] == blueprint.ends).all())
    if blueprint.makes is None:
        return even and room
    return even and room and bool((blueprint.makes[:, order] == blueprint.makes).all())


def _equations(
    blueprint: Blueprint,
    outputs: Outputs,
    states: Permutation,
    moved: Permutation,
    mirrored: tuple[bool, ...],
) -> Equations:
    order = list(moved)
    offsets = np.zeros(len(order)) if blueprint.fixed_inputs is None else blueprint.fixed_inputs
    sign = 1.0 if isinstance(blueprint.settings, KineticSettings) else -1.0
    rows, taken = [blueprint.incidence], [blueprint.incidence[order]]
    known = [sign * (offsets[order] - offsets)]
    owners = [np.zeros(len(order), dtype=int)]
    for number, upside_down in enumerate(mirrored):
        if not upside_down:
            here = np.flatnonzero(~silent(blueprint)[number])
            there = np.asarray(states)[here]
            rows.append(_rate_rows(blueprint, number, here))
            taken.append(_rate_rows(blueprint, number, there))
            known.append(blueprint.log_rates[number, there] - blueprint.log_rates[number, here])
            owners.append(np.full(len(here), number + 1))
    scaled = tuple(number for number, may in enumerate(outputs.scaled) if may and not mirrored[number])
    columns = [0, *(number + 1 for number in scaled)]
    shifts = -(np.concatenate(owners)[:, None] == np.asarray(columns)).astype(float)
    return Equations(np.concatenate(rows), np.concatenate(taken), np.concatenate(known), shifts, scaled)


def _rate_rows(blueprint: Blueprint, output: int, states: np.ndarray) -> Array:
    terms = blueprint.rate_terms[output, states]
    return np.asarray(terms[:, None] == np.arange(len(blueprint.terms)), dtype=float)


def _solve_group(
    blueprint: Blueprint,
    groups: Sequence[Group],
    equations: Equations,
    group: Group,
    matrix: Array,
    common: Array,
) -> bool:
    """The columns of a group's terms, written into the matrix; False if there is no solution."""
    if group.reader is None:
        (column,) = group.terms
        values = matrix[:, column]
        values[:] = 0.0
        return _solve_column(groups, equations, equations.taken[:, column], group, values, common[column])
    others = [other for other in groups if exchangeable(blueprint, group, other)]
    blocks = [np.concatenate([equations.rows[:, place] for place in other.terms]) for other in others]
    wanted = np.concatenate([equations.taken[:, place] for place in group.terms])
    own = np.kron(np.eye(len(group.terms)), equations.shifts[:, :1])
    if not group.free:
        wanted, blocks, others = wanted - blocks[0], [], []
    left = np.asarray(np.concatenate([np.stack(blocks, axis=1), own], axis=1) if blocks else own, dtype=float)
    solution, fits = _solved(left, wanted)
    for factor, other in zip(solution, others, strict=False):
        for place, column in zip(other.terms, group.terms, strict=True):
            matrix[place, column] = factor
    return fits


def _solve_column(
    groups: Sequence[Group],
    equations: Equations,
    wanted: Array,
    source: Group | None,
    values: Array,
    common: Array,
) -> bool:
    """How every term depends on one constant, or on none; written into `values`."""
    takers = [g for g in groups if g.free and _may_depend(g, source)]
    if source is not None and not source.free:
        place = source.terms[0]
        values[place] = 1.0
        wanted = wanted - equations.rows[:, place]
    blocks = [equations.rows[:, list(group.terms)].sum(axis=1) for group in takers]
    left = np.concatenate([np.reshape(blocks, (len(blocks), len(wanted))).T, equations.shifts], axis=1)
    # Of several solutions the one that changes the source's own value least.
    first = np.array([float(group == source) for group in takers] + [0.0] * equations.shifts.shape[1])
    change, fits = _solved(left, wanted - left @ first)
    solution = first + change
    for factor, group in zip(solution, takers, strict=False):
        values[list(group.terms)] = factor
    common[:] = solution[len(takers) :]
    return fits


def _may_depend(taker: Group, source: Group | None) -> bool:
    """What counts in one experiment only says nothing of the others, and keeps its own value."""
    if taker.experiment is None:
        return source is None or source.experiment is None
    return taker == source


def _solved(left: Array, right: Array) -> tuple[Array, bool]:
    solution = np.asarray(np.linalg.lstsq(left, right, rcond=None)[0], dtype=np.float64)
    residual = left @ solution - right
    return solution, bool(np.abs(residual).max(initial=0.0) < EXACT)


def _rounded(values: Array) -> Array:
    """Factors are small whole numbers where they are near ones."""
    whole = np.round(values)
    return np.where(np.abs(values - whole) < EXACT, whole, values)
