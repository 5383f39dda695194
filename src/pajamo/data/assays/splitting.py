"""Training, validation and test sets of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.assay import SETS
from pajamo.data.assays.recording import groups
from pajamo.data.assays.tables import Table
from pajamo.errors import DataError, SplitError, nearest, shorten, warn

Sets = NDArray[np.int8]
SYNONYMS = {
    "training": 0, "train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2, "testing": 2,
}  # fmt: skip
"""What tables call the three sets, in any case."""


def random_sets(
    sequences: Sequence[str],
    holdout: tuple[float, float],
    seed: int,
    known: Mapping[str, int] | None = None,
) -> Sets:
    """A set for each row, drawn by its sequence, so that one sequence is never in two sets.

    The draw depends on the seed and the letters alone: the same sequence falls into the same set in every experiment.

    Parameters
    ----------
    sequences: one a row.
    holdout: shares for validation and test.
    seed: of the study.
    known: sets of sequences that a file's own split has already placed.
    """
    validation, test = holdout
    different = list(dict.fromkeys(sequences))
    drawn = np.array([_uniform(sequence, seed) for sequence in different])
    sets = np.select([drawn < validation, drawn < validation + test], [1, 2], 0)
    placed = dict(zip(different, sets.tolist(), strict=True))
    placed |= {sequence: place for sequence, place in (known or {}).items() if sequence in placed}
    return np.array([placed[sequence] for sequence in sequences], dtype=np.int8)


def sets_of(table: Table, name: str) -> Sets:
    """The set of each row as a column of the table says.

    Raises
    ------
    DataError: a value is none of the three sets; the first such row is shown.
    """
    codes, found = pd.factorize(table.column(name))
    meant = np.array([SYNONYMS.get(str(value).strip().lower(), -1) for value in found] + [-1], dtype=np.int8)
    sets: Sets = meant[codes]
    if (sets < 0).any():
        value = table.column(name).iloc[int(np.argmax(sets < 0))]
        raise DataError(
            f"column {name!r} does not say which set a row belongs to",
            where=f"{table.at(sets < 0)}: {value!s}",
            fix=f"{nearest(str(value), SETS)}write one of: {', '.join(SETS)}",
        )
    return sets


def require_no_leak(table: Table, keys: Sequence[str], sets: Sets) -> None:
    """Check that a table's own split keeps each sequence in one set.

    Raises
    ------
    SplitError: a sequence, with the same inputs, is in two sets: a model would be tested on what it was fitted to.
    """
    group, first = groups(table, keys)
    other = sets != sets[first][group]
    if not other.any():
        return
    row = int(np.argmax(other))
    before = int(first[group[row]])
    named = table.column(keys[0])[other].unique()
    raise SplitError(
        f"the table's own split leaks: {len(named)} sequences are in two sets",
        where=f"{table.where}, row {table.rows[before]} ({SETS[sets[before]]}) and "
        f"row {table.rows[row]} ({SETS[sets[row]]}): {shorten(named, 3)}",
        why="a model would be tested on what it was fitted to",
        fix="put all rows of a sequence into one set, or leave `split` out for a random split by sequence",
    )


def declared_sets(declared: Mapping[str, tuple[Sequence[str], Sets]]) -> dict[str, int]:
    """The set of each sequence that some experiment's own split places.

    Warns where two experiments disagree: what they share then learns from sequences that one of them holds out.
    """
    known: dict[str, int] = {}
    for experiment, (sequences, sets) in declared.items():
        own = dict(zip(sequences, sets.tolist(), strict=True))
        differ = [sequence for sequence, place in own.items() if known.get(sequence, place) != place]
        if differ:
            warn(
                f"{len(differ)} sequences of experiment {experiment!r} are in another set in an earlier experiment "
                f"({shorten(differ, 1)}): what the experiments share is not tested on unseen sequences"
            )
        known = own | known
    return known


def require_training(sets: Sets, table: Table, split: str) -> None:
    """Check that an experiment has rows to learn from.

    Raises
    ------
    DataError: all of them are held out.
    """
    if not (sets == 0).any():
        raise DataError(
            "no row of the experiment is in the training set",
            where=table.where,
            why=f"the {split} split puts its {len(sets)} rows into validation and test",
            fix="mend the split column, or choose another `seed` or a smaller `holdout`",
        )


def _uniform(sequence: str, seed: int) -> float:
    digest = blake2b(sequence.encode(), digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(digest) / 2**64
