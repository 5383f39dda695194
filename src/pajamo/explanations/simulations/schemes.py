"""Whether two kinetic schemes are the same, and how far what their rates read overlaps."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Final

import numpy as np
import pandas as pd

from pajamo.config.assays import KineticSettings, PassageSettings
from pajamo.models.assays.compiling.connecting import ends_of

MOST_RENAMED = 7
"""Schemes of more states are compared by the names of these: there are too many ways of renaming."""
ENOUGH = 0.7
"""Intersection over union from which a window counts as found."""
COLUMNS: Final = ("quantity", "of", "truth", "found", "score", "verdict")
Row = tuple[str, str, str, str, float, str]


def topology(truth: KineticSettings, candidate: KineticSettings) -> pd.DataFrame:
    """Whether a candidate has the planted states and transitions, and makes its outputs there; one row of COLUMNS.

    States may be called otherwise where there are at most MOST_RENAMED of them.
    """
    same = _renaming(truth, candidate) is not None
    sizes = [f"{len(s.states)} states, {len(s.transitions)} transitions" for s in (truth, candidate)]
    said = "The planted scheme was chosen" if same else "Another scheme than the planted one was chosen"
    detail = "." if same else f": {sizes[1]} instead of {sizes[0]}."
    if not same and sizes[0] == sizes[1]:
        detail = ": as many states and transitions, joined in another way."
    return as_table([("topology", "scheme", sizes[0], sizes[1], float(same), said + detail)])


def windows(truth: KineticSettings, candidate: KineticSettings, length: int) -> pd.DataFrame:
    """Intersection over union of what each rate reads, and the mean of all; rows of COLUMNS.

    Rates that read nothing in the truth count only where the candidate reads something for them, with 0. Transitions
    are matched by the renaming under which the schemes are the same, else by their names.

    Parameters
    ----------
    truth, candidate: schemes.
    length: positions of a guide, PAM included, at which windows without a length end.
    """
    named = _renaming(truth, candidate) or {}
    rows = []
    for name in truth.transitions:
        one = _window(truth, name, length)
        other = _window(candidate, named.get(name, name), length)
        if one or other:
            rows.append(_window_row(name, one, other))
    mean = float(np.mean([row[4] for row in rows])) if rows else math.nan
    enough = "enough" if mean >= ENOUGH else "less than"
    last = f"Windows overlap by {mean:.2f} on average: {enough} {'for' if enough == 'enough' else 'the'} {ENOUGH}."
    return as_table([*rows, ("window", "mean", "", "", mean, last)])


def _window_row(name: str, one: tuple[int, int] | None, other: tuple[int, int] | None) -> Row:
    score = overlap(one, other) if one and other else 0.0
    if one is None:
        verdict = f"{name} reads something, though in truth it is a constant."
    elif other is None:
        verdict = f"{name} was not found to read anything."
    else:
        verdict = (
            f"{name} was {'found' if score >= ENOUGH else 'missed'}: {score:.2f} of both windows is shared."
        )
    return "window", name, _shown(one), _shown(other), score, verdict


def overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Positions in both windows over positions in either; windows are (first, one past the last)."""
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def _shown(window: tuple[int, int] | None) -> str:
    return "none" if window is None else f"{window[0]} to {window[1] - 1}"


def _window(settings: KineticSettings, name: str, length: int) -> tuple[int, int] | None:
    transition = settings.transitions.get(name)
    if transition is None or transition.reads is None:
        return None
    start = transition.reads.start
    return start, min(start + (transition.reads.length or length), length)


def _renaming(truth: KineticSettings, candidate: KineticSettings) -> dict[str, str] | None:
    """For each transition of the truth the candidate's, if both schemes are the same up to names of states."""
    if len(truth.states) != len(candidate.states) or len(truth.transitions) != len(candidate.transitions):
        return None
    others = _arrows(candidate)
    for order in permutations(candidate.states) if len(truth.states) <= MOST_RENAMED else (truth.states,):
        names = dict(zip(truth.states, order, strict=True))
        renamed = {(names[one], names[other]): found for (one, other), found in _arrows(truth).items()}
        makes = {ends: made for ends, (_, made) in renamed.items()}
        if makes == {ends: made for ends, (_, made) in others.items()}:
            moved = {(names[p.start], *(names[to] for to in p.to)) for p in _arrivals(truth)}
            if moved == {(p.start, *p.to) for p in _arrivals(candidate)}:
                return {name: others[ends][0] for ends, (name, _) in renamed.items()}
    return None


def _arrows(settings: KineticSettings) -> dict[tuple[str, str], tuple[str, bool]]:
    """Each transition by the states that it joins: its name, and whether it makes an output."""
    return {ends_of(name): (name, bool(given.makes)) for name, given in settings.transitions.items()}


def _arrivals(settings: KineticSettings) -> list[PassageSettings]:
    return [*settings.passages.values(), *settings.fractions.values()]


def as_table(rows: list[Row]) -> pd.DataFrame:
    """Rows of what was found, with the names of COLUMNS."""
    return pd.DataFrame(rows, columns=list(COLUMNS))
