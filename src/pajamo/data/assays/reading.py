"""Reading the tables of an assay as its study says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, ExperimentSettings
from pajamo.data.assays.alphabet import Alphabet, Codes, alphabet_of
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.lengths import padded, require_wild_type_length
from pajamo.data.assays.recording import Recorded, columns_of, record
from pajamo.data.assays.splitting import (
    Sets,
    declared_sets,
    random_sets,
    require_no_leak,
    require_training,
    sets_of,
)
from pajamo.data.assays.tables import Table, read_table
from pajamo.data.assays.values import Values, concentrations
from pajamo.data.public.datasets import resolve_experiment
from pajamo.errors import DataError, StudyError, nearest, shorten

FITTED = "fit"
"""Written in place of a concentration that is to be estimated."""


@dataclass(frozen=True)
class _Part:
    """One experiment before its sequences are encoded; `table` holds one row a sequence."""

    name: str
    table: Table
    sequences: list[str]
    recorded: Recorded
    inputs: Mapping[str, Values]
    sets: Sets | None


def read_assay(study: AssayStudy) -> Assay:
    """Read every experiment of a study.

    Sequences may differ in length; shorter ones end in the alphabet's missing code. Where a table does not say which
    set a sequence belongs to, it is drawn by the sequence, unless another table of the study says.

    Raises
    ------
    DataError: a table is missing, empty, lacks a column, or holds what an instrument cannot record; the file, the row
        and what to do are named.
    SplitError: a table's own split puts a sequence into two sets.
    StudyError: an alphabet or a concentration that cannot be.
    MissingExtraError: a Parquet table, and pyarrow is not installed.
    """
    alphabet = alphabet_of(study.alphabet)
    # Experiments of one file are common, and opening it takes longest.
    opened = cache(read_table)
    parts = [_read(name, settings, opened) for name, settings in study.experiments.items()]
    sets = _sets(parts, study)
    codes = [alphabet.encode(p.sequences, p.table.where, p.table.rows) for p in parts]
    wild_type = _wild_type(study, alphabet, parts, codes)
    longest = max(len(wild_type), *(int(c.shape[1]) for c in codes))
    experiments = tuple(
        Experiment(part.name, padded(own, longest, alphabet), part.recorded, of, part.inputs)
        for part, own, of in zip(parts, codes, sets, strict=True)
    )
    return Assay(alphabet, padded(wild_type[None], longest, alphabet)[0], experiments)


def most_frequent(codes: Codes, alphabet: Alphabet) -> Codes:
    """The most frequent letter at each position, shape (length,)."""
    letters = len(alphabet.letters)
    return np.array(
        [np.bincount(column, minlength=letters)[:letters].argmax() for column in codes.T], dtype=np.uint8
    )


def _wild_type(study: AssayStudy, alphabet: Alphabet, parts: list[_Part], codes: list[Codes]) -> Codes:
    if study.wild_type is None:
        longest = max(c.shape[1] for c in codes)
        return most_frequent(np.concatenate([padded(c, longest, alphabet) for c in codes]), alphabet)
    for part in parts:
        require_wild_type_length(study, part.table, part.sequences)
    given: Codes = alphabet.encode([study.wild_type], where="wild_type")[0]
    return given


def _read(name: str, declared: ExperimentSettings, opened: Callable[..., pd.DataFrame]) -> _Part:
    settings = resolve_experiment(declared)
    assert settings.path is not None
    text = (settings.sequence, *([settings.split] if settings.split else []))
    table = Table(opened(settings.path, settings.names, text), str(settings.path))
    _require_all_columns(table, settings)
    table = _where(table, settings.where)
    keys = [settings.sequence, *_input_columns(settings)]
    of = None if settings.split is None else sets_of(table, settings.split)
    if of is not None:
        require_no_leak(table, keys, of)
    rows, recorded = record(table, settings.measurement, keys)
    kept = Table(table.frame.iloc[rows], table.where)
    sequences = kept.column(settings.sequence).tolist()
    inputs = {
        key: _input(kept, name, key, given) for key, given in settings.inputs.items() if given != FITTED
    }
    return _Part(name, kept, sequences, recorded, inputs, None if of is None else of[rows])


def _input_columns(settings: ExperimentSettings) -> list[str]:
    return [given for given in settings.inputs.values() if isinstance(given, str) and given != FITTED]


def _require_all_columns(table: Table, settings: ExperimentSettings) -> None:
    """Name a missing column before anything is counted, in the order in which a user would mend them."""
    own = [settings.sequence, *columns_of(settings.measurement), *settings.where, *_input_columns(settings)]
    for column in [*own, *([settings.split] if settings.split else [])]:
        table.column(column)


def _where(table: Table, where: Mapping[str, str | float | bool]) -> Table:
    """The rows that hold the wanted values."""
    matches = [(table.column(column) == value).to_numpy(dtype=bool) for column, value in where.items()]
    if not matches:
        return table
    wanted: NDArray[np.bool_] = reduce(np.logical_and, matches)
    if wanted.any():
        return table.keep(wanted)
    for (column, value), match in zip(where.items(), matches, strict=True):
        if not match.any():
            present = sorted(map(str, table.column(column).dropna().unique()))
            raise DataError(
                f"no row has {column} = {value!r}",
                where=f"{table.where}, `where`",
                fix=f"{nearest(str(value), present)}the column holds: {shorten(present, 12)}",
            )
    raise DataError(
        "no row fulfils all conditions of `where` at once", where=table.where, fix="leave one of them out"
    )


def _input(table: Table, experiment: str, key: str, given: float | str) -> Values:
    if isinstance(given, str):
        return concentrations(table, given)
    if not (np.isfinite(given) and given >= 0):
        raise StudyError(
            f"input {key!r} is {given}",
            where=f"experiments.{experiment}.inputs",
            why="a concentration cannot be negative or infinite",
            fix="give it on a linear scale",
        )
    return np.full(len(table.frame), float(given))


def _sets(parts: list[_Part], study: AssayStudy) -> list[Sets]:
    """The set of each row of each experiment."""
    declared = {part.name: (part.sequences, part.sets) for part in parts if part.sets is not None}
    known = declared_sets(declared) if len(parts) > 1 else {}
    drawn = [part for part in parts if part.sets is None]
    different = len(pd.unique(np.array([s for part in drawn for s in part.sequences], dtype=object)))
    wanted = 1 + sum(share > 0 for share in study.holdout)
    if drawn and not known and different < wanted:
        raise DataError(
            f"{different} different sequences cannot be split into {wanted} sets",
            where=drawn[0].table.where,
            fix="`holdout = [0, 0]` in the study keeps all of them for training",
        )
    sets = [
        random_sets(part.sequences, study.holdout, study.seed, known) if part.sets is None else part.sets
        for part in parts
    ]
    for part, own in zip(parts, sets, strict=True):
        require_training(own, part.table, "table's own" if part.sets is not None else "random")
    return sets
