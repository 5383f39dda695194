"""What an instrument recorded of each row, checked: reads in bins, numbers, counts of barcodes, rates, cuts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.data.assays.cuts import labels
from pajamo.data.assays.rates import rates
from pajamo.data.assays.tables import Table
from pajamo.data.assays.values import Values, counts, numbers, standard_errors
from pajamo.errors import DataError, StudyError, nearest, shorten, warn

Recorded = dict[str, Values]


def columns_of(measurement: MeasurementSettings) -> list[str]:
    """The columns that a measurement reads."""
    if isinstance(measurement, BinsSettings):
        own = [measurement.bin, measurement.count] if measurement.bin else [measurement.library]
        return [*measurement.columns, *(name for name in own if name)]
    if isinstance(measurement, ContinuousSettings | RateSettings):
        return [measurement.value, *([measurement.error] if measurement.error else [])]
    if isinstance(measurement, CutSettings):
        return [measurement.label]
    return [measurement.rna, measurement.dna]


def record(
    table: Table, measurement: MeasurementSettings, keys: Sequence[str]
) -> tuple[NDArray[np.intp], Recorded]:
    """What was recorded.

    Parameters
    ----------
    table: rows of one experiment.
    measurement: the instrument.
    keys: columns that tell sequences (and their inputs) apart, in a table with one row a sequence and bin.

    Returns
    -------
    The positions in the table of the rows that stand for a sequence, and the arrays recorded of each.

    Raises
    ------
    DataError: a column is missing, or holds what the instrument cannot record; no reads at all; only rates beyond the
        limits; only sites that were cut, or none.
    StudyError: a bin is named twice, or there is only one; a limit of detection is no rate.
    """
    if isinstance(measurement, BinsSettings):
        _require_bins(measurement)
        found, rows = (_long if measurement.bin else _wide)(table, measurement, keys)
        return _with_reads(table, rows, found, "in any bin")
    rows = np.arange(len(table.frame))
    if isinstance(measurement, ContinuousSettings):
        return rows, _continuous(table, measurement)
    if isinstance(measurement, RateSettings):
        rows = _with_rates(table, measurement)
        return rows, rates(table.keep(np.isin(np.arange(len(table.frame)), rows)), measurement)
    if isinstance(measurement, CutSettings):
        return rows, {"label": labels(table, measurement.label), "guide": np.zeros(len(rows))}
    return _with_reads(table, rows, _barcodes(table, measurement), "of RNA or DNA")


def _require_bins(measurement: BinsSettings) -> None:
    names = [*measurement.columns, *measurement.bins, *([measurement.library] if measurement.library else [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) < 2:
        raise StudyError(
            f"{shorten(twice)} is named twice"
            if twice
            else f"there is one bin, {names[0]!r}, and no library",
            where="measurement",
            why="what is known of a sequence is how its reads are shared out among different tubes",
            fix="name each sorted bin once, from dark to bright; the unsorted `library` is no bin",
        )


def _continuous(table: Table, measurement: ContinuousSettings) -> Recorded:
    found = {"value": numbers(table, measurement.value, "remove rows in which nothing was recorded")}
    if measurement.error:
        found["error"] = standard_errors(table, measurement.error)
    return found


def _with_rates(table: Table, measurement: RateSettings) -> NDArray[np.intp]:
    """Rows in which a rate was determined; that of others may be anything."""
    none = table.column(measurement.value).isna().to_numpy(dtype=bool)
    if none.all():
        raise DataError(
            "no row has a rate",
            where=f"{table.where}, column {measurement.value!r}",
            fix="name the column with the rates as `value`",
        )
    if none.any():
        warn(
            f"{int(none.sum())} of {len(none)} rows of {table.where} have no {measurement.value!r} and are left out "
            f"(first: row {table.rows[int(np.argmax(none))]})"
        )
    return np.flatnonzero(~none)


def _barcodes(table: Table, measurement: BarcodeSettings) -> Recorded:
    return {"rna": counts(table, measurement.rna), "dna": counts(table, measurement.dna)}


def _wide(table: Table, measurement: BinsSettings, keys: Sequence[str]) -> tuple[Recorded, NDArray[np.intp]]:
    del keys
    found = {"counts": np.stack([counts(table, column) for column in measurement.columns], axis=1)}
    if measurement.library:
        found["library"] = counts(table, measurement.library)
    return found, np.arange(len(table.frame))


def _long(table: Table, measurement: BinsSettings, keys: Sequence[str]) -> tuple[Recorded, NDArray[np.intp]]:
    """Add up the reads of each sequence in each bin, from one row a sequence and bin (or one row a read)."""
    assert measurement.bin is not None
    names = [*([measurement.library] if measurement.library else []), *measurement.bins]
    place, known = _bins(table, measurement.bin, names)
    table = table.keep(known)
    reads = counts(table, measurement.count) if measurement.count else np.ones(len(table.frame))
    group, first = groups(table, keys)
    flat = np.bincount(group * len(names) + place[known], weights=reads, minlength=len(first) * len(names))
    found: Values = flat.reshape(len(first), len(names)).astype(np.float64)
    rows = np.flatnonzero(known)[first]
    if measurement.library:
        return {"library": found[:, 0], "counts": found[:, 1:]}, rows
    return {"counts": found}, rows


def _bins(table: Table, name: str, names: list[str]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The place of each row's bin among the names, and whether it is among them."""
    codes, found = pd.factorize(table.column(name))
    written = [f"{value:g}" if isinstance(value, float) else str(value) for value in found]
    absent = [bin_name for bin_name in names if bin_name not in written]
    if absent:
        raise DataError(
            f"no row is in bin {absent[0]!r}",
            where=f"{table.where}, column {name!r}",
            fix=f"{nearest(absent[0], written)}the column holds: {shorten(written, 20)}",
        )
    # The last entry is for rows without a bin, which factorize gives the code -1.
    place = np.array([names.index(value) if value in names else -1 for value in written] + [-1])[codes]
    other = sorted(set(written) - set(names))
    left = int((place < 0).sum())
    if left:
        warn(
            f"{left} of {len(place)} rows of {table.where} are left out: their bin "
            f"({shorten(other) or 'none'}) is neither among `bins` nor the `library`"
        )
    return place, place >= 0


def groups(table: Table, keys: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The group of each row, numbered as they first appear, and the first row of each group."""
    group: NDArray[np.intp] = np.zeros(len(table.frame), dtype=np.intp)
    for key in keys:
        codes, found = pd.factorize(table.column(key))
        group, _ = pd.factorize(group * (len(found) + 1) + codes)
    return group, np.unique(group, return_index=True)[1]


def _with_reads(
    table: Table, rows: NDArray[np.intp], found: Recorded, what: str
) -> tuple[NDArray[np.intp], Recorded]:
    """Leave out rows without any read, which say nothing."""
    reads = np.sum([values.reshape(len(rows), -1).sum(axis=1) for values in found.values()], axis=0)
    if not reads.any():
        raise DataError(
            f"no sequence has a read {what}",
            where=table.where,
            why="all counts are zero",
            fix="name the columns with the counts, or the rows with `where`",
        )
    if reads.all():
        return rows, found
    empty = int((reads == 0).sum())
    at = table.rows[rows[int(np.argmin(reads))]]
    warn(
        f"{empty} of {len(rows)} rows of {table.where} have no read {what} and are left out (first: row {at})"
    )
    return rows[reads > 0], {name: values[reads > 0] for name, values in found.items()}
