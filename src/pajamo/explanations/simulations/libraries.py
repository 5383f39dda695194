"""Libraries of targets that differ from a guide's own, as they are made to measure what a difference does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pajamo.config.assays.study import EnzymeSettings
from pajamo.data.assays.pairs.enzymes import Enzyme, enzyme_of
from pajamo.data.assays.pairs.pairing import BASES
from pajamo.errors import StudyError, nearest

NUCLEASEQ = {
    "1": 0.05,
    "2": 0.55,
    "3-6": 0.1,
    "insertion": 0.1,
    "deletion": 0.05,
    "2 insertions": 0.1,
    "2 deletions": 0.05,
}
"""Shares of a library as NucleaSeq's: targets with one, two or several other bases, or with a bulge."""
_TRIES = 200


def random_pairs(
    guide: str,
    count: int,
    rng: np.random.Generator,
    changes: Mapping[str, float] = NUCLEASEQ,
    enzyme: str | EnzymeSettings = "Cas9",
) -> pd.DataFrame:
    """The matched target and others that differ from it at random places, each once.

    Places of the PAM at which any base does are changed like others.

    Parameters
    ----------
    guide: with the PAM that it asks for, 5' to 3'.
    count: rows, the matched target included.
    rng: of places and bases.
    changes: share of each sort of difference: "2" or "3-6" other bases, "insertion" or "2 insertions" of bases of the
        target, "deletion" or "2 deletions". A sort that has no more different targets leaves its share to others.
    enzyme: on which side the PAM lies.

    Returns
    -------
    One row a pair: `guide`, `target` (both 5' to 3'), `change`, "none" for the matched target.

    Raises
    ------
    StudyError: a sort that there is not, or no so many different targets.
    """
    nuclease = enzyme_of(enzyme)
    kinds = {name: _Kind.of(name) for name in changes}
    shares = np.array([changes[name] for name in kinds]) / sum(changes.values())
    matched = _own_target(nuclease.from_pam(guide), nuclease, rng)
    found = {matched: "none"}
    for _ in range(_TRIES * count):
        if len(found) >= count:
            break
        name = list(kinds)[int(rng.choice(len(kinds), p=shares))]
        found.setdefault(kinds[name].changed(matched, rng), name)
    else:
        _require(len(found) >= count, guide, count, len(found))
    targets = [nuclease.as_written(target) for target in found]
    return pd.DataFrame({"guide": guide, "target": targets, "change": list(found.values())})


class _Kind:
    """A sort of difference: how many of what."""

    def __init__(self, name: str, least: int, most: int) -> None:
        self.name, self.least, self.most = name, least, most

    @classmethod
    def of(cls, name: str) -> _Kind:
        """Read a sort as `changes` names it."""
        number, _, what = name.rpartition(" ")
        sort = (what or name).removesuffix("s")
        if sort in ("insertion", "deletion"):
            amount = number or "1"
        else:
            sort, amount = "substitution", name
        least, _, most = amount.partition("-")
        if not least.isdigit() or not (most or "1").isdigit():
            known = (*NUCLEASEQ, "insertion", "deletion")
            raise StudyError(
                f"there is no change {name!r}",
                where="changes",
                fix=f'{nearest(name, known)}as "2", "3-6", "insertion" or "2 deletions"',
            )
        return cls(sort, int(least), int(most or least))

    def changed(self, target: str, rng: np.random.Generator) -> str:
        """A target with so many differences at random places."""
        number = int(rng.integers(self.least, self.most + 1))
        bases = list(target)
        places = rng.choice(len(bases), size=min(number, len(bases)), replace=False)
        for place in sorted(places.tolist(), reverse=True):
            if self.name == "deletion":
                del bases[place]
            elif self.name == "insertion":
                bases.insert(place, BASES[int(rng.integers(4))])
            else:
                others = BASES.replace(bases[place], "")
                bases[place] = others[int(rng.integers(3))]
        return "".join(bases)


def _own_target(guide: str, enzyme: Enzyme, rng: np.random.Generator) -> str:
    """The guide with a base drawn wherever it asks for none."""
    drawn = [BASES[int(rng.integers(4))] if base == "N" else base for base in guide.upper().replace("U", "T")]
    target = "".join(drawn)
    if not set(target) <= set(BASES):
        raise StudyError(
            "a library is made of targets of known bases",
            where=f"guide {guide!r}, {enzyme.name}",
            fix="write the guide with A, C, G, T and, in its PAM, N",
        )
    return target


def _require(enough: bool, guide: str, count: int, found: int) -> None:
    if not enough:
        raise StudyError(
            f"only {found} of {count} different targets were found",
            where=f"guide {guide!r}",
            why="there are no more of the sorts of changes that were asked for",
            fix="ask for fewer, or allow more changes",
        )
