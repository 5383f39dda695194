"""Sets of pairs for models that are to hold for new guides: every guide is in one set, in every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.pairs.audit import families
from pajamo.data.assays.pairs.distinct import distinct
from pajamo.data.assays.pairs.enzymes import Enzyme
from pajamo.data.assays.pairs.pairing import GUIDE, SIZE, Codes, parts
from pajamo.errors import SplitError, shorten

TRAINING, VALIDATION, TEST = range(len(SETS))
FEWEST = 4
"""Guides of a table, below which none of them is drawn for validation."""


@dataclass(frozen=True)
class Divided:
    """An assay whose guides are in one set each.

    Attributes
    ----------
    assay: with the sets of its rows.
    guides: names of the guides of each experiment, by their numbers.
    notes: what there is to say of the division.
    """

    assay: Assay
    guides: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def of_set(self, name: str) -> tuple[str, ...]:
        """Guides with rows in a set."""
        number = SETS.index(name)
        found = (
            self.guides[e.name][int(guide)]
            for e in self.assay.experiments
            for guide in np.unique(e.recorded["guide"][e.set_of == number])
        )
        return tuple(dict.fromkeys(found))

    def counts(self) -> pd.DataFrame:
        """`experiment`, `set`, `guides`, `rows`, `found` of every set that has rows."""
        rows = []
        for own in self.assay.experiments:
            for name in SETS:
                part = own.part(name)
                guide = len(np.unique(part.recorded["guide"])) if "guide" in part.recorded else 0
                found = float(part.recorded["label"].sum()) if "label" in part.recorded else np.nan
                row = {"experiment": own.name, "set": name, "guides": guide, "rows": part.n, "found": found}
                rows += [row] if part.n else []
        return pd.DataFrame(rows)


def protospacers(codes: Codes, pam: int, enzyme: Enzyme) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The different guides, without PAM and written 5' to 3', and the place of each pair's guide among them.

    Parameters
    ----------
    codes: pairings, shape (pairs, length).
    pam: positions of the PAM, at the start of each guide.
    """
    known = np.where(codes[:, pam:] < SIZE, codes[:, pam:], 0)
    letters = np.where(codes[:, pam:] < SIZE, parts(known)[0] + 1, 0).astype(np.uint8)
    guides, place = distinct(letters)
    texts = ["".join(GUIDE[letter - 1] for letter in guide if letter) for guide in guides]
    return tuple(map(enzyme.as_written, texts)), place


def divided(
    assay: Assay,
    enzymes: Mapping[str, Enzyme],
    *,
    tests: Sequence[str],
    test_guides: Sequence[str] = (),
    validation_guides: Sequence[str] = (),
    share: float = 0.2,
    seed: int = 0,
    pam: int,
) -> Divided:
    """The same rows with sets by guide: test rows are all of the test tables, and those of their guides elsewhere.

    Parameters
    ----------
    assay: experiments on guide-target pairs; the sets that they come with do not count.
    enzymes: which cuts, by experiment.
    tests: experiments of which nothing is learned.
    test_guides, validation_guides: protospacers whose rows are test or validation rows wherever they are.
    share: of the guides of each other experiment, drawn for validation where no validation guides are given.
    seed: of the draw.
    pam: positions of the PAM.

    Raises
    ------
    SplitError: a validation guide has rows in a test table, or no guide is left to learn from.
    """
    own = {e.name: protospacers(e.codes, pam, enzymes[e.name]) for e in assay.experiments}
    held = dict.fromkeys(test_guides, TEST)
    held |= {guide: TEST for name in tests for guide in own[name][0]}
    _require_apart(validation_guides, held)
    held |= dict.fromkeys(validation_guides, VALIDATION)
    learned = {name: guides for name, (guides, _) in own.items() if name not in tests}
    if not validation_guides:
        held |= _drawn(learned, held, share, seed)
    _require_some(learned, held)
    experiments = tuple(_with_sets(e, *own[e.name], held) for e in assay.experiments)
    notes = (*_kept_out(learned, held, experiments), *_near(learned, held))
    return Divided(
        replace(assay, experiments=experiments), {name: each for name, (each, _) in own.items()}, notes
    )


def _with_sets(
    experiment: Experiment, guides: tuple[str, ...], place: NDArray[np.intp], held: Mapping[str, int]
) -> Experiment:
    sets = np.array([held.get(guide, TRAINING) for guide in guides], dtype=np.int8)[place]
    recorded = dict(experiment.recorded)
    if "label" in recorded:
        recorded["guide"] = place.astype(np.float64)
    return replace(experiment, recorded=recorded, set_of=sets)


def _drawn(
    learned: Mapping[str, tuple[str, ...]], held: Mapping[str, int], share: float, seed: int
) -> dict[str, int]:
    """Guides for validation: a share of those of each table, so that each is validated where it has several."""
    rng, found = np.random.default_rng(seed), dict(held)
    for guides in learned.values():
        free = sorted(guide for guide in guides if found.get(guide) != TEST)
        wanted = max(round(share * len(free)), 1) if share and len(free) >= FEWEST else 0
        wanted -= sum(found.get(guide) == VALIDATION for guide in free)
        # A guide that an earlier table left for training stays there: it is drawn once.
        others = [guide for guide in free if guide not in found]
        order = rng.permutation(len(others))
        found |= {others[i]: VALIDATION if n < wanted else TRAINING for n, i in enumerate(order)}
    return {guide: place for guide, place in found.items() if guide not in held}


def _require_apart(validation: Sequence[str], held: Mapping[str, int]) -> None:
    both = [guide for guide in validation if guide in held]
    if both:
        raise SplitError(
            f"{len(both)} validation guides are test guides: {shorten(both, 3)}",
            where="validation_guides",
            why="what chooses among models must not be what they are tested on",
            fix="name other guides, or none: a share of the training guides is then drawn",
        )


def _require_some(learned: Mapping[str, tuple[str, ...]], held: Mapping[str, int]) -> None:
    free = {g for guides in learned.values() for g in guides if held.get(g, TRAINING) == TRAINING}
    if not free:
        raise SplitError(
            "no guide is left to learn from",
            where=shorten(list(learned)) or "experiments",
            why="all guides of the training tables are in test tables, or held out",
            fix="give a table of other guides, or hold out fewer",
        )


def _kept_out(
    learned: Mapping[str, tuple[str, ...]], held: Mapping[str, int], experiments: Sequence[Experiment]
) -> list[str]:
    """Which rows of training tables are not learned from, as their guides are tested."""
    notes = []
    for experiment in experiments:
        out = [guide for guide in learned.get(experiment.name, ()) if held.get(guide) == TEST]
        rows = int((experiment.set_of == TEST).sum())
        if out:
            notes.append(
                f"{experiment.name}: {rows:,} rows of {len(out)} guides that are tested are not learned from "
                f"({shorten(out, 3)})"
            )
    return notes


def _near(learned: Mapping[str, tuple[str, ...]], held: Mapping[str, int]) -> list[str]:
    """Training guides that are nearly test guides: some of the targets of one are targets of the other."""
    every = dict.fromkeys([*held, *(guide for guides in learned.values() for guide in guides)])
    found = families(list(every))
    notes = []
    for one, other, mismatches in found.itertuples(index=False):
        sets = {held.get(one, TRAINING), held.get(other, TRAINING)}
        if sets == {TRAINING, TEST}:
            notes.append(
                f"guides {one} and {other} differ by {mismatches} bases; one is learned from, one tested"
            )
    return notes
