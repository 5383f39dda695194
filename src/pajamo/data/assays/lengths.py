"""Sequences of unequal length: padded at the end, and compared with the wild type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pajamo.config.assays import AssayStudy, LatentSettings, ThermodynamicSettings
from pajamo.config.assays.reading import ReadingSettings
from pajamo.data.assays.alphabet import Alphabet, Codes
from pajamo.data.assays.tables import Table
from pajamo.errors import DataError


def padded(codes: Codes, longest: int, alphabet: Alphabet) -> Codes:
    """The same sequences with the missing code at their ends, shape (sequences, longest)."""
    short = longest - codes.shape[1]
    return np.pad(codes, ((0, 0), (0, short)), constant_values=alphabet.missing) if short else codes


def require_wild_type_length(study: AssayStudy, table: Table, sequences: Sequence[str]) -> None:
    """Check that sequences are as long as the wild type, so that a position means the same in each.

    Where a site of a mechanism slides, it finds its place in sequences of any length, and nothing is checked.

    Raises
    ------
    DataError: one has another length; the first such row is shown.
    """
    assert study.wild_type is not None
    wanted = len(study.wild_type)
    other = np.fromiter((len(s) != wanted for s in sequences), dtype=bool, count=len(sequences))
    if not other.any() or any(reading.slide for reading in _readings(study)):
        return
    first = sequences[int(np.argmax(other))]
    raise DataError(
        f"{int(other.sum())} of {len(sequences)} sequences are not as long as the wild type",
        where=f"{table.at(other)}: {len(first)} letters, the wild type has {wanted}",
        why="letters are compared position by position, and an insertion or deletion would shift them",
        fix="remove these rows, align the sequences, or let the sites slide (`slide` in the mechanism)",
    )


def _readings(study: AssayStudy) -> Iterator[ReadingSettings]:
    """Every reading of the sequence in any mechanism of a study."""
    for mechanism in study.mechanisms.values():
        if isinstance(mechanism, LatentSettings):
            yield mechanism.reads
            continue
        yield from mechanism.sites.values()
        if not isinstance(mechanism, ThermodynamicSettings):
            yield from (t.reads for t in mechanism.transitions.values() if t.reads is not None)
