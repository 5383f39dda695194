"""Does the order matter: commutators of operations and of a protocol's steps, and what a late edit loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import REST, Segment, Word
from pajamo.errors import StudyError
from pajamo.mechanisms.flows.trajectory import run_words
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.operations import Operation, resting_medium

Array = NDArray[np.float64]

SAME = 1e-5
"""Commutator at rest below which two rest points are one: they are found to about this precision."""
STEP = 0.01
"""Share of the exposure by which the delay is changed to find its derivative."""


def commutator_table(
    flow: FittedFlow, names: Sequence[str], *, medium: str | None = None, duration: float | None = None
) -> pd.DataFrame:
    """How much the order of every two of these operations matters; a row a pair.

    Each operation is begun, and the other follows after `duration`; edits persist. Columns: first, second, kappa =
    ||x_ab - x_ba|| / ||x_ab - x|| (0: the order does not matter; 1: as much as both together do), kappa_at_rest (the
    same once cells have come to rest: 0 unless history decides between attractors; not defined for two media), gene
    and difference (where the orders differ most), duration, and units.

    Parameters
    ----------
    names: perturbations "A" or "A+B" that were seen in training, or media.
    medium: in which unperturbed cells begin.
    duration: of each of the two stages; one decay time if not given.

    Raises
    ------
    ModelError: an operation or a medium that the flow does not know.
    """
    base = resting_medium(flow, medium)
    time = 1.0 / flow.decay if duration is None else duration
    pairs = list(combinations([Operation.of(name, flow) for name in names], 2))
    rows = [
        _row(flow, pair, states, start) for pair, (states, start) in _both_orders(flow, pairs, base, time)
    ]
    columns = ["first", "second", "kappa", "kappa_at_rest", "gene", "difference"]
    unit = flow.histories.protocol.time_unit or "decay time"
    return pd.DataFrame(rows, columns=columns).assign(unit="ln(1 + CP10K)", duration=time, duration_unit=unit)


def step_table(flow: FittedFlow, condition: Condition, arm: str | None = None) -> pd.DataFrame:
    """How much exchanging two steps of the protocol changes what becomes of a condition's cells.

    Columns: first, second (numbers and names of the steps), kappa, kappa_control (of unperturbed cells), impossible
    (why the other order cannot be; empty if it can).
    """
    protocol = flow.histories.protocol
    steps = protocol.steps(condition)
    here, start = _ends(flow, condition)
    rows = []
    for i, j in combinations(range(len(steps)), 2):
        names = [f"{k}: {steps[k].do}" for k in (i, j)]
        try:
            swapped = protocol.swapped(i, j, arm)
            there, _ = _ends(replace(flow, histories=flow.histories.moved(swapped)), condition)
            kappas, why = [_kappa(here[k], there[k], start) for k in (0, 1)], ""
        except StudyError as error:
            kappas, why = [np.nan, np.nan], error.what
        rows.append([*names, *kappas, why])
    return pd.DataFrame(rows, columns=["first", "second", "kappa", "kappa_control", "impossible"])


def delay_table(flow: FittedFlow, conditions: Sequence[Condition]) -> pd.DataFrame:
    """What one more unit of delay between delivery and effect takes away from each change; a row a condition.

    d x(t) / d tau = -Phi(t - tau) [f(x; edited) - f(x; unedited)], as a difference quotient. Columns: condition, rate
    (root mean square over genes), relative (rate / size of the change), gene and derivative (where it is largest),
    and the unit.
    """
    derivative, size = delay_derivative(flow, conditions), flow.changes(conditions)
    rate, usual = (np.sqrt((table**2).mean(axis=1)) for table in (derivative, size))
    furthest = np.abs(derivative).argmax(axis=1)
    unit = flow.histories.protocol.time_unit or "decay time"
    return pd.DataFrame(
        {
            "condition": [str(condition) for condition in conditions],
            "rate": rate,
            "relative": np.divide(rate, usual, out=np.zeros_like(rate), where=usual > 0),
            "gene": [flow.genes[i] for i in furthest],
            "derivative": derivative[np.arange(len(conditions)), furthest],
            "unit": f"ln(1 + CP10K) / {unit}",
        }
    )


def delay_derivative(flow: FittedFlow, conditions: Sequence[Condition]) -> Array:
    """Derivative of each change by the delay of its edits, shape (conditions, genes)."""
    found = np.zeros((len(conditions), len(flow.genes)))
    for row, condition in enumerate(conditions):
        lasting = max(
            sum(s.duration for s in word if s.edits) for _, word in flow.histories.history(condition).branches
        )
        if not np.isfinite(lasting) or lasting == 0:
            continue  # cells at rest have forgotten when the edit came
        step, onset = STEP * lasting, flow.histories.onset
        early, late = max(onset - step, 0.0), onset + step
        ends = [
            replace(flow, histories=replace(flow.histories, onset=at)).changes([condition])
            for at in (early, late)
        ]
        found[row] = (ends[1] - ends[0])[0] / (late - early)
    return found


def _both_orders(
    flow: FittedFlow, pairs: Sequence[tuple[Operation, Operation]], base: str, time: float
) -> list[tuple[tuple[Operation, Operation], tuple[torch.Tensor, torch.Tensor]]]:
    """States after both orders, then the same at rest, shape (4, genes) a pair; and the state before."""
    if not pairs:
        return []
    words = []
    for first, second in pairs:
        stages = [_word(first, second, base, time), _word(second, first, base, time)]
        words += [
            *stages,
            *(word.then(Word((replace(word.segments[-1], duration=REST),))) for word in stages),
        ]
    start = flow.drift.levels[flow.media.index(base)].detach()
    with torch.no_grad():
        states = run_words(flow.runner(), start, words).reshape(len(pairs), 4, -1)
    return [(pair, (at, start)) for pair, at in zip(pairs, states, strict=True)]


def _word(first: Operation, second: Operation, base: str, time: float) -> Word:
    medium = first.medium or base
    return Word(
        (
            Segment(first.edits, medium, time),
            Segment(first.edits | second.edits, second.medium or medium, time),
        )
    )


def _row(
    flow: FittedFlow, pair: tuple[Operation, Operation], states: torch.Tensor, start: torch.Tensor
) -> list[object]:
    ends = states.numpy()
    gap = ends[0] - ends[1]
    furthest = int(np.abs(gap).argmax())
    origin = start.numpy()
    at_rest = np.nan if all(one.medium for one in pair) else _kappa(ends[2], ends[3], origin)
    at_rest = 0.0 if at_rest < SAME else at_rest
    kappa = _kappa(ends[0], ends[1], origin)
    return [pair[0].name, pair[1].name, kappa, at_rest, flow.genes[furthest], gap[furthest]]


def _kappa(there: Array, back: Array, start: Array) -> float:
    moved = float(np.linalg.norm(there - start))
    return float(np.linalg.norm(there - back)) / moved if moved > 0 else 0.0


def _ends(flow: FittedFlow, condition: Condition) -> tuple[tuple[Array, Array], Array]:
    """States of the condition's cells and of its control, and the level in which they began."""
    control = flow.controls([condition])[0]
    start = flow.levels[flow.media.index(flow.histories.begin(condition))]
    return (control + flow.changes([condition])[0], control), start
