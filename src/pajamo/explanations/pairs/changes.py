"""Every single change of a target: which base stands opposite of the guide's, what is missing, what is inserted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.pairs.pairing import ABSENT, BASES, GUIDE, NONE, TARGET, pairing, parts
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.network import KineticNetwork


@dataclass(frozen=True)
class Change:
    """One position of a pair with another code.

    Attributes
    ----------
    position: place in the pair, counted from 0 at the outer end of the PAM.
    kind: "substitution", "deletion" or "insertion".
    name: "G>A" (the guide's base, then the target's), "G-" (deleted), "+A" (inserted behind the position).
    code: the position's new code.
    """

    position: int
    kind: str
    name: str
    code: int


def single_changes(
    codes: Codes, missing: int, *, deletions: bool = False, insertions: bool = False
) -> list[Change]:
    """Every change of one position of a target, in the order of positions.

    Where the guide asks for no one base (N in its PAM) no substitution matters, and none is listed; a position
    that is missing has none either.

    Parameters
    ----------
    codes: of a pair, shape (length,).
    missing: the code of no position.
    deletions, insertions: whether a base may be missing from the target, or stand between two positions.
    """
    found: list[Change] = []
    for position in np.flatnonzero(codes != missing):
        found += _at(int(position), codes[position], deletions, insertions)
    return found


def _at(position: int, code: np.uint8, deletions: bool, insertions: bool) -> list[Change]:
    guide, target, inserted = (int(part[0]) for part in parts(np.array([code], dtype=np.uint8)))
    own = GUIDE[guide]
    found = []
    for base in BASES if own in BASES else "":
        if base != TARGET[target]:
            name = f"{own}>{base}" if base != own else f"{own}="
            found.append(Change(position, "substitution", name, _code(guide, TARGET.index(base), inserted)))
    if deletions and target != ABSENT:
        found.append(Change(position, "deletion", f"{own}-", _code(guide, ABSENT, inserted)))
    if insertions and inserted == NONE:
        for place, base in enumerate(BASES):
            found.append(Change(position, "insertion", f"+{base}", _code(guide, target, place + 1)))
    return found


def _code(guide: int, target: int, inserted: int) -> int:
    guides, targets, behind = (np.array([part], dtype=np.uint8) for part in (guide, target, inserted))
    return int(pairing(guides, targets, behind)[0])


def changed(codes: Codes, *changes: list[Change]) -> Codes:
    """The pair after each change, shape (changes, length); of several lists, every row takes one change each."""
    made = np.tile(codes, (len(changes[0]), 1))
    for listed in changes:
        made[np.arange(len(listed)), [change.position for change in listed]] = [c.code for c in listed]
    return made


def change_table(network: KineticNetwork, changes: list[Change]) -> pd.DataFrame:
    """`position`, `from_pam`, `change`, `kind` of each change; see `from_pam`."""
    positions = np.array([change.position for change in changes], dtype=np.int64)
    return pd.DataFrame(
        {
            "position": positions,
            "from_pam": from_pam(network, positions),
            "change": [change.name for change in changes],
            "kind": [change.kind for change in changes],
        }
    )


def from_pam(network: KineticNetwork, positions: Array | np.ndarray) -> np.ndarray:
    """Positions counted from the PAM: 1 is the protospacer's base beside it, 0 and below are the PAM's own."""
    return np.asarray(positions) - network.pam + 1
