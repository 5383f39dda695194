"""Sets of guide-target pairs by their guides: what is learned of some guides is tested on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pajamo.config.assays import AssayStudy
from pajamo.data.assays.pairs.enzymes import Enzyme
from pajamo.data.assays.pairs.guides import Pairs
from pajamo.data.assays.pairs.letters import plain
from pajamo.data.assays.parts import Part
from pajamo.data.assays.splitting import Sets, random_sets
from pajamo.errors import SplitError, StudyError, nearest, shorten

Held = dict[str, int]
VALIDATION, TEST = 1, 2


def guide_sets(parts: Sequence[Part], study: AssayStudy) -> list[Sets]:
    """The set of each row of each experiment: that of its guide, in every experiment alike.

    A guide is its protospacer: gaps of an alignment and the letters of its PAM do not make another one of it. Pairs
    of guides that the study does not name are drawn by the pair, for the sets that it names no guides for.

    Raises
    ------
    StudyError: a guide is in no table, or a table's own split says otherwise.
    SplitError: there is one guide only, or no guide is left to learn from.
    """
    pairs = [part.pairs for part in parts if part.pairs is not None]
    _require_no_other_split(parts)
    listed = [(own, place) for own in pairs for place in range(len(own.different))]
    known = dict.fromkeys(own.protospacer(place) for own, place in listed)
    _require_several(list(known))
    enzymes = list(dict.fromkeys(own.enzyme for own in pairs))
    held: Held = {}
    for key, guides, place in (
        ("validation_guides", study.validation_guides, VALIDATION),
        ("test_guides", study.test_guides, TEST),
    ):
        for given in guides:
            _hold(held, _found(given, list(known), enzymes, key), place, given)
    if len(held) == len(known):
        raise SplitError(
            f"all {len(known)} guides are held out",
            where="test_guides, validation_guides",
            why="a model learns from the pairs of the other guides, and there are none",
            fix=f"leave some out of both: {shorten(known)}",
        )
    validation, test = study.holdout
    shares = (0.0 if study.validation_guides else validation, 0.0 if study.test_guides else test)
    return [_sets(own, held, shares, study.seed) for own in pairs]


def _sets(pairs: Pairs, held: Held, shares: tuple[float, float], seed: int) -> Sets:
    of_guide = [held.get(pairs.protospacer(place), -1) for place in range(len(pairs.different))]
    own = np.array(of_guide, dtype=np.int8)[pairs.guide_of]
    return np.where(own >= 0, own, random_sets(pairs.keys, shares, seed)).astype(np.int8)


def _hold(held: Held, guide: str, place: int, given: str) -> None:
    if held.setdefault(guide, place) != place:
        raise StudyError(
            f"guide {given!r} is in two sets",
            where="test_guides, validation_guides",
            why=f"its protospacer, {guide}, is also among the validation guides, written otherwise",
            fix="name each guide once",
        )


def _found(given: str, known: Sequence[str], enzymes: Sequence[Enzyme], key: str) -> str:
    """The protospacer of a guide that a study names, with its PAM or without."""
    text = plain(given)
    for candidate in (text, *(_without_pam(text, enzyme) for enzyme in enzymes)):
        if candidate in known:
            return candidate
    raise StudyError(
        f"no pair has the guide {given!r}",
        where=key,
        why="a guide is named by its sequence as the table writes it; gaps and the PAM may be left out",
        fix=f"{nearest(_without_pam(text, enzymes[0]), known) or nearest(text, known)}"
        f"there are {len(known)}: {shorten(known, 12)}",
    )


def _without_pam(guide: str, enzyme: Enzyme) -> str:
    turned = enzyme.from_pam(guide)
    return enzyme.as_written(turned[len(enzyme.pam) :]) if enzyme.has_pam(turned) else guide


def _require_several(guides: Sequence[str]) -> None:
    if len(guides) < 2:
        raise SplitError(
            "a split by guide needs at least two guides, and the tables hold one",
            where=f"test_guides, validation_guides; the guide is {guides[0]}",
            why="within one guide each position has one base, so that what holds for other guides cannot be tested",
            fix="add pairs of another guide, or leave both keys out for a random split by pair",
        )


def _require_no_other_split(parts: Sequence[Part]) -> None:
    own = [part.name for part in parts if part.sets is not None]
    if own:
        raise StudyError(
            f"experiment {own[0]!r} has a split of its own, and the study splits by guide",
            where=f"experiments.{own[0]}.split",
            why="a pair would be in two sets",
            fix="leave out `split`, or `test_guides` and `validation_guides`",
        )
