"""Sequences that reach a wanted activity under a fitted mechanism."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.errors import DataError
from pajamo.explanations.designs.annealing import Archive, anneal
from pajamo.explanations.designs.constraints import Constraints, Rules, longest_runs
from pajamo.explanations.designs.draws import drawn_values
from pajamo.explanations.designs.energies import Energies, energies_of
from pajamo.explanations.designs.feasibility import feasible_start
from pajamo.explanations.designs.goals import Aim, Goal, aims_of, total_score
from pajamo.explanations.designs.layered import layered
from pajamo.explanations.designs.neighbourhood import MOST, neighbourhood, neighbours
from pajamo.explanations.designs.simulation import frame_of
from pajamo.models.assays.model import AssayModel

Method = Literal["auto", "enumeration", "branch and bound", "annealing"]
TOLERANCE = 1e-3
"""Score by which a sequence must be better to count as better: a thousandth of the activity."""
WIDTH = 4_000


@dataclass(frozen=True)
class SequenceDesign:
    """Designed sequences.

    Attributes
    ----------
    table: one row a sequence, the best first: `sequence`; `edits`, as "12A>G 30C>T" with positions counted from 0;
        `score`; for each goal its value, and with an assay the limits of its interval (" low", " high").
    constraints: one row a sequence: number of `edits`, `gc` share, `longest_run`, whether `forbidden` sites occur,
        and whether all constraints `hold`.
    method: how the sequences were found.
    exact: whether there are for certain no better ones, by more than a thousandth of the activity.
    """

    table: pd.DataFrame
    constraints: pd.DataFrame
    method: str
    exact: bool


def design_sequences(
    model: AssayModel,
    goals: Goal | Sequence[Goal],
    start: str,
    *,
    constraints: Constraints | None = None,
    n: int = 10,
    method: Method = "auto",
    steps: int = 400,
    seed: int = 0,
    assay: Assay | None = None,
    level: float = 0.9,
    draws: int = 100,
) -> SequenceDesign:
    """Edit a sequence until it does what is wanted.

    Parameters
    ----------
    model: fitted.
    goals: what is wanted, in one or several experiments; scores are summed, a difference in ln activity of 1 (or in
        the reading of 1 unit) counting 1 times the goal's weight.
    start: the sequence that is edited, as long as those of the assay.
    constraints: what every sequence must fulfil.
    n: how many sequences are wanted.
    method: every sequence is tried where few edits are allowed; else, if energies are sums over positions, branch and
        bound, which proves that nothing better exists unless the search grows too wide; else simulated annealing.
    steps: of simulated annealing, which also prepares branch and bound.
    seed: the same seed gives the same sequences.
    assay: that the model was fitted to; gives each value an interval from the parameters' uncertainty.
    level: coverage of these intervals.
    draws: parameter sets drawn for them.

    Raises
    ------
    DataError: a start that is not of the assay's letters or length, or constraints that no sequence fulfils.
    ModelError: a goal that the model cannot have, or a method that does not apply.
    """
    frame = frame_of(model)
    aims, alphabet = aims_of(model, goals), frame.alphabet
    codes = alphabet.encode([start], where="start")[0]
    if len(codes) > frame.length or (len(codes) < frame.length and not frame.varies):
        raise DataError(
            f"the start has {len(codes)} letters, the assay's sequences {frame.length}",
            where="start",
            fix="give the same stretch of the construct as in the assay",
        )
    wanted = constraints or Constraints()
    rules = Rules.of(wanted, codes, alphabet)
    feasible = feasible_start(wanted, rules, alphabet)
    found, used, exact = _search(aims, rules, feasible, method, n, steps, seed)
    table = _table(aims, found, rules, alphabet.decode(found.codes), alphabet.letters)
    if assay is not None:
        _add_intervals(table, model, assay, aims, found.codes, level, draws, seed)
    return SequenceDesign(table, _report(found.codes, rules, alphabet.decode(found.codes)), used, exact)


def _search(
    aims: Sequence[Aim], rules: Rules, feasible: Codes, method: Method, n: int, steps: int, seed: int
) -> tuple[Archive, str, bool]:
    energies = energies_of(aims, rules.start)
    if method == "auto":
        few = neighbours(rules) <= MOST
        method = "enumeration" if few else "branch and bound" if energies is not None else "annealing"
    if method == "enumeration":
        return _all(aims, rules, n), method, True
    archive = anneal(lambda codes: total_score(aims, codes), rules, feasible, steps=steps, best=n, seed=seed)
    if method == "branch and bound":
        if energies is None:
            raise DataError(
                "branch and bound needs activities that depend on few additive energies",
                where="design, `method`",
                fix="use method = 'annealing' for sliding sites, kinetic schemes, black boxes and readings",
            )
        return archive, method, _bounded(aims, rules, energies, archive, n)
    return archive, method, False


def _all(aims: Sequence[Aim], rules: Rules, n: int) -> Archive:
    if neighbours(rules) > 20 * MOST:
        raise DataError(
            f"{neighbours(rules):,} sequences are too many to try them all",
            where="design, `method`",
            fix="allow fewer edits with `most_edits`, or leave `method` to pajamo",
        )
    archive, every = Archive(n, len(rules.start)), neighbourhood(rules)
    archive.add(every, total_score(aims, every))
    return archive


def _bounded(aims: Sequence[Aim], rules: Rules, energies: Energies, archive: Archive, n: int) -> bool:
    """Add what beats the archive; returns whether nothing was lost on the way."""
    found = layered(
        rules,
        energies.table,
        energies.base,
        energies.bound,
        floor=archive.floor + TOLERANCE,
        alike=n,
        width=WIDTH,
    )
    if len(found.codes):
        archive.add(found.codes, total_score(aims, found.codes))
    return found.complete


def _table(
    aims: Sequence[Aim], found: Archive, rules: Rules, sequences: list[str], letters: str
) -> pd.DataFrame:
    table = pd.DataFrame({"sequence": sequences})
    table["edits"] = [_edits(row, rules.start, letters) for row in found.codes]
    table["score"] = found.scores
    for aim in aims:
        table[aim.name] = aim.shown(aim.values(found.codes))
    return table


def _edits(codes: Codes, start: Codes, letters: str) -> str:
    changed = np.flatnonzero(codes != start)
    return " ".join(f"{place}{letters[start[place]]}>{letters[codes[place]]}" for place in changed)


def _report(codes: Codes, rules: Rules, sequences: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sequence": sequences,
            "edits": rules.edits(codes),
            "gc": rules.counted[codes].mean(axis=1),
            "longest_run": longest_runs(codes),
            "forbidden": rules.has_motif(codes),
            "hold": rules.hold(codes),
        }
    )


def _add_intervals(
    table: pd.DataFrame, model: AssayModel, assay: Assay, aims: Sequence[Aim], codes: Codes, level: float,
    draws: int, seed: int,
) -> None:  # fmt: skip
    tails = [(1 - level) / 2, (1 + level) / 2]
    for aim, values in zip(aims, drawn_values(model, assay, aims, codes, draws, seed), strict=True):
        low, high = aim.shown(np.quantile(values, tails, axis=0))
        at = table.columns.get_loc(aim.name)
        assert isinstance(at, int)
        table.insert(at + 1, f"{aim.name} low", low)
        table.insert(at + 2, f"{aim.name} high", high)
