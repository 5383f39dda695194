"""What a guide meets at one of its positions: a match, another base, no base, bases between two positions.

Each position of the guide (its PAM included) has one code that says which base the guide has there, which base the
target has opposite of it, and whether bases of the target stand between it and the next position away from the PAM.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.uint8]

BASES = "ACGT"
GUIDE = BASES + "N"
"""Bases of a guide; N, as in the PAM of NGG, matches every base."""
TARGET = BASES + "N-"
"""What a target has opposite of a base of the guide: a base, one that was not read, or none (a deletion)."""
INSERTED = "." + BASES + "N"
"""Bases between two positions: none, one, or N for several or one that was not read."""
SIZE = len(GUIDE) * len(TARGET) * len(INSERTED)
"""Number of codes."""
UNREAD, ABSENT, NONE = TARGET.index("N"), TARGET.index("-"), 0
_FIRST_LETTER = 0xE000
LETTERS = "".join(chr(_FIRST_LETTER + code) for code in range(SIZE))
"""One character a code, from the range that Unicode leaves to private use: nobody writes them."""


def pairing(guide: Codes, target: Codes, inserted: Codes) -> Codes:
    """Codes of positions from places in GUIDE, TARGET and INSERTED; arrays of one shape."""
    return ((guide * len(TARGET) + target) * len(INSERTED) + inserted).astype(np.uint8)


def parts(codes: Codes) -> tuple[Codes, Codes, Codes]:
    """Places in GUIDE, TARGET and INSERTED of codes (not of the missing one)."""
    both, inserted = np.divmod(codes, len(INSERTED))
    guide, target = np.divmod(both, len(TARGET))
    return guide.astype(np.uint8), target.astype(np.uint8), inserted.astype(np.uint8)


def _all() -> tuple[Codes, Codes, Codes]:
    return parts(np.arange(SIZE, dtype=np.uint8))


def mismatched() -> NDArray[np.bool_]:
    """Whether the target has another base than the guide, by code; shape (codes + 1,), the missing code last."""
    guide, target, _ = _all()
    known = (guide < len(BASES)) & (target < len(BASES))
    return np.append(known & (guide != target), False)


def perfect() -> NDArray[np.bool_]:
    """Whether guide and target pair at a position, without a bulge behind it; shape (codes + 1,)."""
    _, target, inserted = _all()
    return np.append(~mismatched()[:-1] & (target != ABSENT) & (inserted == NONE), True)


def names() -> tuple[str, ...]:
    """A name for each code: "G=" for a match, "G>A", "G-" for a deletion, "G=+C" with C inserted behind it."""
    found = []
    for guide, target, inserted in zip(*_all(), strict=True):
        own, met = GUIDE[guide], TARGET[target]
        base = f"{own}=" if own == met else f"{own}-" if met == "-" else f"{own}>{met}"
        found.append(base + (f"+{INSERTED[inserted]}" if inserted else ""))
    return tuple(found)


def on_targets(codes: Codes, pam: int) -> NDArray[np.bool_]:
    """Whether a target pairs with the whole protospacer, whatever stands at the PAM.

    Parameters
    ----------
    codes: pairings, shape (pairs, length).
    pam: positions of the PAM, at the start of each guide.
    """
    return np.asarray(perfect()[codes[:, pam:]].all(axis=1))


SUBSTITUTED_TO = tuple(f">{base}" for base in BASES)
SUBSTITUTED = tuple(f"{one}>{other}" for one in BASES for other in BASES if one != other)
BULGES = (*(f"+{base}" for base in BASES), "+N", "-")
CHANNELS = {"to": (*SUBSTITUTED_TO, *BULGES), "kind": (*SUBSTITUTED, *BULGES)}
"""What can be different at a position, by the way in which substitutions are told apart: by the target's base (4), or
by the guide's base and the target's (12); then what is inserted, and whether the base is deleted. A match is none."""


def channels(changes: str) -> NDArray[np.bool_]:
    """Which channels each code switches on, shape (codes + 1, channels); a match and the missing code none."""
    listed = CHANNELS[changes]
    found = np.zeros((SIZE + 1, len(listed)), dtype=bool)
    changed = mismatched()
    for code, (guide, target, inserted) in enumerate(zip(*_all(), strict=True)):
        if changed[code]:
            key = f">{TARGET[target]}" if changes == "to" else f"{GUIDE[guide]}>{TARGET[target]}"
            found[code, listed.index(key)] = True
        if target == ABSENT:
            found[code, listed.index("-")] = True
        if inserted != NONE:
            found[code, listed.index(f"+{INSERTED[inserted]}")] = True
    return found
