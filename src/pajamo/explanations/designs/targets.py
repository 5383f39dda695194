"""Designs of targets of a guide: single mismatches, double mismatches and bulges, as a table of pairs to order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from pydantic import Field

from pajamo.config.strict import Config
from pajamo.data.assays.pairs.enzymes import MEANT, Enzyme
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.data.assays.pairs.pairing import BASES
from pajamo.errors import DataError

MATCHED, MISMATCH, PAM, DELETION, INSERTION, DOUBLE = (
    "matched", "mismatch", "PAM", "deletion", "insertion", "double",
)  # fmt: skip
COLUMNS = ("guide", "target", "kind", "changes", "differences")


class TargetChanges(Config):
    """How the targets of a guide differ from the one that it matches."""

    mismatches: bool = True
    """Every other base at every position of the protospacer: three times its length."""
    pam: bool = False
    """Every other base at the positions of the PAM that ask for one."""
    deletions: bool = True
    """Every base of the protospacer missing from the target; bases of a run give one target."""
    insertions: bool = True
    """Every base between two positions of the protospacer; likewise."""
    doubles: int | None = Field(default=0, ge=0)
    """Targets with two mismatches of each guide, drawn at random where there are more; all of them if None."""


@dataclass(frozen=True)
class _Target:
    """A target read from the PAM outwards, and what was changed, at places counted from the PAM (1 beside it)."""

    text: str
    kind: str
    changes: tuple[str, ...] = ()


def target_designs(
    guides: Sequence[str], enzyme: Enzyme, changes: TargetChanges, seed: int = 0
) -> pd.DataFrame:
    """Targets that show what each difference from a guide costs, beside the one that it matches.

    Parameters
    ----------
    guides: written 5' to 3' with the PAM that their targets are to have, every base of it said.
    enzyme: which cuts.
    changes: which targets are wanted.
    seed: the same seed draws the same doubles.

    Returns
    -------
    One row a pair, the matched one of each guide first and none twice: `guide` and `target`, 5' to 3' with the PAM;
    `kind` ("matched", "mismatch", "PAM", "deletion", "insertion", "double"); `changes` ("G>A at 3": the guide's base,
    the target's, and the place counted from the PAM; "G- at 3", "+A behind 3"); `differences`, how many.

    Raises
    ------
    DataError: no guide, one without its PAM, or with a letter that is no base; the first such row is shown.
    """
    if not len(guides):
        raise DataError("there are no guides", where="guides", fix="give at least one, 5' to 3' with its PAM")
    pairs = read_pairs(list(guides), list(guides), enzyme, where="guides")
    rng, rows = np.random.default_rng(seed), []
    for row, text in enumerate(dict.fromkeys(pairs.written)):
        own = text.upper().replace("U", "T")
        if set(own) - set(BASES):
            raise DataError(
                "a guide has letters that are no base",
                where=f"guides, row {row}: {enzyme.as_written(own)!r}",
                why="a target that is ordered has one base at each place, those of its PAM too",
                fix="write guides without gaps, with the PAM that their targets have: TGG rather than NGG",
            )
        found: dict[str, _Target] = {}
        for target in _targets(own, enzyme, changes, rng):
            found.setdefault(target.text, target)
        rows += [_row(own, target, enzyme) for target in found.values()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(guide: str, target: _Target, enzyme: Enzyme) -> tuple[str, str, str, str, int]:
    both = enzyme.as_written(guide), enzyme.as_written(target.text)
    return *both, target.kind, "; ".join(target.changes), len(target.changes)


def _targets(
    guide: str, enzyme: Enzyme, changes: TargetChanges, rng: np.random.Generator
) -> Iterator[_Target]:
    pam, places = len(enzyme.pam), range(len(enzyme.pam), len(guide))
    yield _Target(guide, MATCHED)
    if changes.mismatches:
        yield from (_swapped(guide, [swap], pam, MISMATCH) for swap in _swaps(guide, places))
    if changes.pam:
        asking = [place for place, letter in enumerate(enzyme.from_pam(enzyme.pam)) if len(MEANT[letter]) < 4]
        yield from (_swapped(guide, [swap], pam, PAM) for swap in _swaps(guide, asking))
    # Of a run of one base the place farthest from the PAM is named, where an alignment puts the bulge as well.
    for place in reversed(places):
        at = place - pam + 1
        if changes.deletions:
            yield _Target(guide[:place] + guide[place + 1 :], DELETION, (f"{guide[place]}- at {at}",))
        if changes.insertions and place + 1 < len(guide):
            for base in BASES:
                longer = guide[: place + 1] + base + guide[place + 1 :]
                # Beside a run that reaches the far end, the base would lie beyond a target that matches.
                if longer == guide + base:
                    continue
                yield _Target(longer, INSERTION, (f"+{base} behind {at}",))
    yield from _doubles(guide, places, pam, changes.doubles, rng)


def _swaps(guide: str, places: Sequence[int]) -> list[tuple[int, str]]:
    """Every place with every base that is not the guide's."""
    return [(place, base) for place in places for base in BASES if base != guide[place]]


def _swapped(guide: str, swaps: Sequence[tuple[int, str]], pam: int, kind: str) -> _Target:
    letters = list(guide)
    for place, base in swaps:
        letters[place] = base
    said = tuple(f"{guide[place]}>{base} at {place - pam + 1}" for place, base in swaps)
    return _Target("".join(letters), kind, said)


def _doubles(
    guide: str, places: Sequence[int], pam: int, wanted: int | None, rng: np.random.Generator
) -> Iterator[_Target]:
    others = {place: [base for base in BASES if base != guide[place]] for place in places}
    every = [
        ((one, first), (other, second))
        for one, other in combinations(places, 2)
        for first, second in product(others[one], others[other])
    ]
    if wanted is not None and wanted < len(every):
        every = [every[number] for number in np.sort(rng.choice(len(every), wanted, replace=False))]
    yield from (_swapped(guide, swaps, pam, DOUBLE) for swaps in every)
