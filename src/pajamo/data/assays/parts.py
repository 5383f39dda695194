"""The experiments of a study as their tables hold them, before sequences become codes and sets are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.assays import AssayStudy, CutSettings, ExperimentSettings
from pajamo.config.assays.study import Wanted
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.data.assays.pairs.guides import Pairs, read_pairs
from pajamo.data.assays.recording import Recorded, columns_of, record
from pajamo.data.assays.splitting import Sets, require_no_leak, sets_of
from pajamo.data.assays.tables import Table, read_table
from pajamo.data.assays.values import Values, concentrations
from pajamo.data.public.datasets import resolve_experiment
from pajamo.errors import DataError, StudyError, nearest, shorten

FITTED = "fit"
"""Written in place of a concentration that is to be estimated."""
PAIR = "guide:target"
"""Column that is added to a table of guides and targets: what tells one pair from another."""


@dataclass(frozen=True)
class Part:
    """One experiment.

    Attributes
    ----------
    name: of the experiment.
    table: one row a sequence.
    sequences: text of each row; for guide-target pairs what tells them apart, without gaps.
    recorded: what the instrument recorded of each row.
    inputs: concentrations by name.
    sets: set of each row where the table says it.
    pairs: guides and targets, where these are what was measured.
    """

    name: str
    table: Table
    sequences: list[str]
    recorded: Recorded
    inputs: Mapping[str, Values]
    sets: Sets | None
    pairs: Pairs | None


def longest_pam(study: AssayStudy) -> int:
    """Positions of the longest PAM among the enzymes of a study; 0 where sequences are no pairs."""
    asked = [e.pairs.enzyme for e in study.experiments.values() if e.pairs is not None]
    return max((len(enzyme_of(name).pam) for name in asked), default=0)


def read_parts(study: AssayStudy) -> list[Part]:
    """Read the table of every experiment of a study; see `reading.read_assay` for what is refused."""
    # Experiments of one file are common, and opening it takes longest.
    opened, pam = cache(read_table), longest_pam(study)
    return [_read(name, settings, opened, pam) for name, settings in study.experiments.items()]


def _read(name: str, declared: ExperimentSettings, opened: Callable[..., pd.DataFrame], pam: int) -> Part:
    settings = resolve_experiment(declared)
    assert settings.path is not None
    text = (*_sequence_columns(settings), *([settings.split] if settings.split else []))
    table = Table(opened(settings.path, settings.names, text), str(settings.path))
    _require_all_columns(table, settings)
    table = _where(table, settings.where)
    table, column, pairs = _with_pairs(table, settings, pam)
    keys = [column, *_input_columns(settings)]
    of = None if settings.split is None else sets_of(table, settings.split)
    if of is not None:
        require_no_leak(table, keys, of)
    rows, recorded = record(table, settings.measurement, keys)
    pairs = None if pairs is None else pairs.rows(rows)
    if pairs is not None and isinstance(settings.measurement, CutSettings):
        recorded["guide"] = pairs.guide_of.astype(np.float64)
    kept = Table(table.frame.iloc[rows], table.where)
    inputs = {
        key: _input(kept, name, key, given) for key, given in settings.inputs.items() if given != FITTED
    }
    sets = None if of is None else of[rows]
    return Part(name, kept, kept.column(column).tolist(), recorded, inputs, sets, pairs)


def _with_pairs(table: Table, settings: ExperimentSettings, pam: int) -> tuple[Table, str, Pairs | None]:
    """The table, the column that tells sequences apart, and guides and targets if these are what was measured."""
    own = settings.pairs
    if own is None:
        return table, settings.sequence, None
    guides, targets = table.column(own.guide).tolist(), table.column(own.target).tolist()
    pairs = read_pairs(guides, targets, enzyme_of(own.enzyme), where=table.where, rows=table.rows, pam=pam)
    return Table(table.frame.assign(**{PAIR: pairs.keys}), table.where), PAIR, pairs


def _sequence_columns(settings: ExperimentSettings) -> list[str]:
    own = settings.pairs
    return [settings.sequence] if own is None else [own.guide, own.target]


def _input_columns(settings: ExperimentSettings) -> list[str]:
    return [given for given in settings.inputs.values() if isinstance(given, str) and given != FITTED]


def _require_all_columns(table: Table, settings: ExperimentSettings) -> None:
    """Name a missing column before anything is counted, in the order in which a user would mend them."""
    own = [*_sequence_columns(settings), *columns_of(settings.measurement), *settings.where]
    own += _input_columns(settings)
    for column in [*own, *([settings.split] if settings.split else [])]:
        table.column(column)


def _where(table: Table, where: Mapping[str, Wanted | tuple[Wanted, ...]]) -> Table:
    """The rows that hold the wanted values, or one of them where several are listed."""
    listed = {name: given if isinstance(given, tuple) else (given,) for name, given in where.items()}
    matches = [_holds_one(table, column, values) for column, values in listed.items()]
    if not matches:
        return table
    wanted: NDArray[np.bool_] = reduce(np.logical_and, matches)
    if wanted.any():
        return table.keep(wanted)
    raise DataError(
        "no row fulfils all conditions of `where` at once", where=table.where, fix="leave one of them out"
    )


def _holds_one(table: Table, column: str, values: tuple[Wanted, ...]) -> NDArray[np.bool_]:
    """Whether each row holds one of the values, every one of which is in some row."""
    own = table.column(column)
    matches = [(own == value).to_numpy(dtype=bool) for value in values]
    for value, match in zip(values, matches, strict=True):
        if not match.any():
            present = sorted(map(str, own.dropna().unique()))
            raise DataError(
                f"no row has {column} = {value!r}",
                where=f"{table.where}, `where`",
                fix=f"{nearest(str(value), present)}the column holds: {shorten(present, 12)}",
            )
    return np.asarray(reduce(np.logical_or, matches))


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
