"""Which part of the sequence is read: whether a window fits, on sequences of one length or of several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays.reading import ReadingSettings
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import DataError, StudyError


def lengths(experiment: Experiment, missing: int) -> NDArray[np.int64]:
    """Number of letters of each sequence, shape (rows,)."""
    return np.asarray((experiment.codes != missing).sum(axis=1))


def window_length(reads: ReadingSettings, assay: Assay, where: str) -> int:
    """Width of what is read, once it is known to lie within the sequences.

    Raises
    ------
    StudyError: it reaches beyond the longest sequence, or is on a strand that there is not.
    """
    if reads.slide and reads.length is None:
        raise StudyError(
            "a site that slides needs a `length`", where=where, fix="give its number of positions"
        )
    first, last = reads.slide or (reads.start, reads.start)
    length = reads.length or assay.length - first
    if length < 1 or last + length > assay.length:
        raise StudyError(
            f"it lies outside the sequence: positions {first} to {last + max(length, 1) - 1}",
            where=where,
            why=f"the sequences have positions 0 to {assay.length - 1}",
            fix="positions are counted from 0; give a smaller `start` (or `slide`) or `length`",
        )
    if reads.strand != "+" and assay.alphabet.complement is None:
        raise StudyError(
            f"strand {reads.strand!r} cannot be read",
            where=where,
            why=f"letters of the alphabet {assay.alphabet.letters} have no complement",
            fix='give `strand = "+"`',
        )
    return length


def require_one_length(assay: Assay, where: str) -> None:
    """Refuse insertions and deletions where a fixed place is read.

    Guide-target pairs are aligned: a position that a shorter guide or PAM does not have is no difference.

    Raises
    ------
    DataError: sequences differ in length; the first that is shorter is shown.
    """
    if isinstance(assay.alphabet, PairAlphabet):
        return
    for experiment in assay.experiments:
        short = np.flatnonzero(lengths(experiment, assay.alphabet.missing) < assay.length)
        if len(short):
            row = int(short[0])
            text = assay.alphabet.decode(experiment.codes[row : row + 1])[0]
            raise DataError(
                f"sequences differ in length: {len(short)} are shorter than {assay.length}",
                where=f"experiments.{experiment.name}, row {row}: {text} ({len(text)} letters)",
                why=f"{where} reads a fixed place, and an insertion or deletion moves the letters behind it",
                fix="let the site slide (`slide = [first, last]`), or keep sequences of one length only",
            )


def refuse_sliding(reads: ReadingSettings, where: str) -> None:
    """Refuse several places where one number is read."""
    if reads.slide is not None or reads.strand == "both":
        raise StudyError(
            "one place and one strand can be read here",
            where=where,
            why="several placements are several states, each with an energy of its own",
            fix="give `start` and `strand`, or declare a thermodynamic mechanism",
        )
