"""Guides and targets of a table, read from the PAM outwards, and what tells two pairs apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Rows, row_number
from pajamo.data.assays.pairs.alphabet import BETWEEN
from pajamo.data.assays.pairs.enzymes import Enzyme
from pajamo.data.assays.pairs.letters import BEFORE, plain, read_letters
from pajamo.errors import DataError


@dataclass(frozen=True)
class Pairs:
    """Rows of guides and targets.

    Attributes
    ----------
    enzyme: which cuts.
    guides, targets: text of each row, PAM first, with gaps where the table has them; guides with N in their PAM where
        the enzyme takes any base.
    written: guides as the table has them, PAM first.
    different: the guides, each once and without gaps, PAM first; their PAM is what the enzyme asks for, so that NGG
        and TGG beside one protospacer are one guide.
    guide_of: place of each row's guide among them, shape (rows,).
    keys: "GUIDE:TARGET" of each row, without gaps: rows of the same key are the same pair, however it is aligned.
    """

    enzyme: Enzyme
    guides: list[str]
    targets: list[str]
    written: list[str]
    different: tuple[str, ...]
    guide_of: NDArray[np.intp]
    keys: list[str]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.keys)

    def rows(self, which: NDArray[np.intp]) -> Pairs:
        """Some of the rows; guides keep their places."""
        if len(which) == self.n and (which == np.arange(self.n)).all():
            return self
        guides, targets, written, keys = (
            [texts[row] for row in which] for texts in (self.guides, self.targets, self.written, self.keys)
        )
        guide_of = self.guide_of[which]
        return replace(self, guides=guides, targets=targets, written=written, guide_of=guide_of, keys=keys)

    def protospacer(self, guide: int) -> str:
        """A guide without its PAM, written 5' to 3'."""
        return self.enzyme.as_written(self.different[guide][len(self.enzyme.pam) :])

    def as_written(self) -> tuple[list[str], list[str]]:
        """Guides and targets of all rows as the table has them, written 5' to 3'."""
        turned = self.enzyme.as_written
        return list(map(turned, self.written)), [turned(text.lstrip(BEFORE)) for text in self.targets]


def read_pairs(
    guides: Sequence[str],
    targets: Sequence[str],
    enzyme: Enzyme,
    *,
    where: str = "pairs",
    rows: Rows | None = None,
    pam: int = 0,
) -> Pairs:
    """Guides and targets as a table writes them, turned so that they start with the PAM.

    Parameters
    ----------
    guides, targets: text of each row, 5' to 3' with the PAM; with or without gaps.
    enzyme: which cuts; says where the PAM is.
    where: the file, for errors.
    rows: the number of each row in it; counted from 0 if not given.
    pam: positions of the longest PAM in the study; this enzyme's if it is shorter.

    Raises
    ------
    DataError: a letter outside ACGTUN and gaps, an empty guide or target, a guide without the PAM or with N in its
        protospacer, or a target that is no longer than the PAM. The first such row is shown.
    """
    before = BEFORE * max(pam - len(enzyme.pam), 0)
    guide_of, written = _different(guides, "guide", where, rows)
    bare = [_guide(written[place], enzyme) for place in range(len(written))]
    _require_guides(guide_of, written, bare, enzyme, where, rows)
    different = list(dict.fromkeys(bare))
    places = {guide: place for place, guide in enumerate(different)}
    target_of, met = _different(targets, "target", where, rows)
    stripped = [enzyme.from_pam(plain(text)) for text in met]
    _require_targets(target_of, met, stripped, enzyme, where, rows)
    turned = list(map(enzyme.from_pam, written))
    own = [before + _as_asked(text, enzyme) for text in turned]
    other = [before + enzyme.from_pam(text) for text in met]
    listed = list(zip(guide_of.tolist(), target_of.tolist(), strict=True))
    return Pairs(
        enzyme,
        [own[guide] for guide, _ in listed],
        [other[target] for _, target in listed],
        [turned[guide] for guide, _ in listed],
        tuple(different),
        np.array([places[guide] for guide in bare], dtype=np.intp)[guide_of],
        [f"{bare[guide]}{BETWEEN}{stripped[target]}" for guide, target in listed],
    )


def _different(
    texts: Sequence[str], what: str, where: str, rows: Rows | None
) -> tuple[NDArray[np.intp], list[str]]:
    """The place of each row's text among the different ones, and these, in the order of their first rows."""
    place, found = pd.factorize(np.array(texts, dtype=object), use_na_sentinel=False)
    first = np.unique(place, return_index=True)[1]
    numbers = [row_number(int(row), rows) for row in first]
    stripped = [text.strip() if isinstance(text, str) else text for text in found]
    read_letters(stripped, what, where, numbers)
    return place, stripped


def _guide(text: str, enzyme: Enzyme) -> str:
    """A guide PAM first, without gaps, its PAM replaced by what the enzyme asks for; "" if it has none."""
    guide = enzyme.from_pam(plain(text))
    return enzyme.asked + guide[len(enzyme.pam) :] if enzyme.has_pam(guide) else ""


def _as_asked(guide: str, enzyme: Enzyme) -> str:
    """A guide PAM first, its gaps kept, with N where the enzyme takes any base: which one it was is the target's."""
    letters = list(guide)
    bases = (place for place, letter in enumerate(guide) if letter not in "-_")
    for place, wanted in zip(bases, enzyme.from_pam(enzyme.pam), strict=False):
        if wanted == "N":
            letters[place] = "N"
    return "".join(letters)


def _require_guides(
    guide_of: NDArray[np.intp],
    written: Sequence[str],
    bare: Sequence[str],
    enzyme: Enzyme,
    where: str,
    rows: Rows | None,
) -> None:
    pam = len(enzyme.pam)
    without = np.array([len(guide) <= pam for guide in bare], dtype=bool)[guide_of]
    if without.any():
        row = int(np.argmax(without))
        text = written[guide_of[row]]
        raise DataError(
            f"{int(without.sum())} guides have no PAM of {enzyme.name}",
            where=f"{where}, row {row_number(row, rows)}: {text!r} ({len(plain(text))} letters)",
            why=f"positions are counted from the PAM, which is {enzyme.pam} at the {enzyme.side} end",
            fix=f"write guides 5' to 3' with the PAM that they ask for, as {_example(enzyme)}; or name the `enzyme`, "
            f'or its motif: enzyme = {{ pam = "{"N" * pam}", side = "{enzyme.side}" }} takes any PAM',
        )
    unread = np.array(["N" in guide[pam:] for guide in bare], dtype=bool)[guide_of]
    if unread.any():
        row = int(np.argmax(unread))
        raise DataError(
            f"{int(unread.sum())} guides have N in their protospacer",
            where=f"{where}, row {row_number(row, rows)}: {written[guide_of[row]]!r}",
            why="a guide is made, and each of its bases is known; only in the PAM does N stand for any base",
            fix="write the guide's own base, or remove these rows",
        )


def _example(enzyme: Enzyme) -> str:
    """A guide in words, with the PAM on its side."""
    protospacer = "20 bases"
    parts = [protospacer, enzyme.pam] if enzyme.side == "3'" else [enzyme.pam, protospacer]
    return " and ".join(parts)


def _require_targets(
    target_of: NDArray[np.intp],
    written: Sequence[str],
    stripped: Sequence[str],
    enzyme: Enzyme,
    where: str,
    rows: Rows | None,
) -> None:
    short = np.array([len(target) <= len(enzyme.pam) for target in stripped], dtype=bool)[target_of]
    if short.any():
        row = int(np.argmax(short))
        raise DataError(
            f"{int(short.sum())} targets are no longer than the PAM of {enzyme.name}",
            where=f"{where}, row {row_number(row, rows)}: {written[target_of[row]]!r}",
            why=f"a target is written with the bases at the place of the PAM ({enzyme.pam}) and its protospacer",
            fix="give the whole site, 5' to 3', or remove these rows",
        )
