"""Opening a table of sequences: CSV, TSV, text or Parquet, gzipped or not, with or without a header line."""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.errors import DataError, MissingExtraError, nearest, shorten

NOTHING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>")
"""What stands for a missing value, except among sequences: NAN are three residues."""
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
OTHERWISE = "\t,; "
"""Separators that are looked for in the first line of a file with another ending, in this order."""


@dataclass(frozen=True)
class Table:
    """Rows of one file.

    Attributes
    ----------
    frame: columns by name; its index holds the number of each row in the file, the header line being row 1.
    where: the file, for errors.
    """

    frame: pd.DataFrame
    where: str

    @property
    def rows(self) -> NDArray[np.int64]:
        """Number of each row in the file."""
        return self.frame.index.to_numpy(dtype=np.int64)

    def column(self, name: str) -> pd.Series:
        """A column by its name.

        Raises
        ------
        DataError: there is none; the nearest is named.
        """
        if name not in self.frame:
            known = list(map(str, self.frame.columns))
            raise DataError(
                f"the table has no column {name!r}",
                where=self.where,
                fix=f"{nearest(name, known)}it has: {shorten(known, 30)}",
            )
        return self.frame[name]

    def keep(self, which: NDArray[np.bool_]) -> Table:
        """Some of the rows."""
        return self if which.all() else Table(self.frame[which], self.where)

    def at(self, which: NDArray[np.bool_]) -> str:
        """File and row of the first of some rows, for an error."""
        return f"{self.where}, row {self.rows[int(np.argmax(which))]}"


def read_table(path: Path, names: Sequence[str] = (), text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table; its index holds the number of each row in the file, the header line being row 1.

    Parameters
    ----------
    path: CSV, TSV, other text whose separator is seen from its first line, or Parquet; text may be gzipped.
    names: names of the columns, where the file has no header line.
    text: columns that are read as they are written, so that a sequence 0110 stays one.

    Raises
    ------
    DataError: no such file, one that cannot be read, columns of the same name, or no rows.
    MissingExtraError: a Parquet table, and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataError("there is no such table", where=str(path), fix="check the path")
    if {".parquet", ".pq"} & set(path.suffixes):
        frame, first = _guarded(path, lambda: pd.read_parquet(path, engine="pyarrow")), 1
    else:
        frame, first = _guarded(path, lambda: _read_text(path, names, text)), 1 if names else 2
    frame.index = pd.RangeIndex(first, first + len(frame))
    blank = _blank(frame, text)
    return frame[~blank] if blank.any() else frame


def _blank(frame: pd.DataFrame, text: Sequence[str]) -> NDArray[np.bool_]:
    blank = np.ones(len(frame), dtype=bool)
    for column in frame:
        blank &= (frame[column].isna() | ((frame[column] == "") & (column in text))).to_numpy(dtype=bool)
        if not blank.any():
            break
    return blank


def _read_text(path: Path, names: Sequence[str], text: Sequence[str]) -> pd.DataFrame:
    line = _first_line(path)
    separator = _separator(path, line)
    found = [name.strip() for name in next(csv.reader([line], delimiter=separator))]
    found = [name or f"Unnamed: {place}" for place, name in enumerate(found)]
    columns = _require_columns(found, names, path)
    with warnings.catch_warnings():
        # A line with too many values would be cut short, with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=separator,
            header=None,
            skiprows=0 if names else 1,
            names=columns,
            dtype=dict.fromkeys(set(text) & set(columns), str),
            keep_default_na=False,
            na_values={column: list(NOTHING) for column in columns if column not in text},
            index_col=False,
            skip_blank_lines=False,
            low_memory=False,
            encoding="utf-8-sig",
            compression="gzip" if path.suffix == ".gz" else None,
        )


def _first_line(path: Path) -> str:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        line = file.readline().decode("utf-8-sig").rstrip("\r\n")
    if not line.strip():
        raise DataError(
            "the first line of the table is empty", where=str(path), fix="give a table with a header line"
        )
    return line


def _separator(path: Path, line: str) -> str:
    own = next((SEPARATORS[suffix] for suffix in path.suffixes if suffix in SEPARATORS), None)
    candidates = OTHERWISE if own is None else own + OTHERWISE.rstrip()
    return next((candidate for candidate in candidates if candidate in line), own or ",")


def _require_columns(found: list[str], names: Sequence[str], path: Path) -> list[str]:
    """The names of the columns: those given, else those in the header line."""
    columns = list(names) or found
    if len(columns) != len(found):
        raise DataError(
            f"the file has {len(found)} columns, and {len(columns)} names are given",
            where=f"{path}, first line: {shorten(found, 12)}",
            fix="give `names` one name a column; leave it out if the file has a header line",
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(
            f"several columns are called {shorten(twice)}",
            where=f"{path}, first line",
            fix="give each column a name of its own",
        )
    return columns


def _guarded(path: Path, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    try:
        frame = read()
    except ImportError:
        raise MissingExtraError.for_extra("parquet", "reading a Parquet table") from None
    except DataError:
        raise
    # The parsers raise dozens of kinds of errors for a broken table.
    except Exception as error:
        raise DataError(
            "the table cannot be read",
            where=str(path),
            why=" ".join(str(error).split())[:200] or type(error).__name__,
            fix="give CSV (.csv), tab-separated (.tsv) or other text in UTF-8, gzipped (.gz) or not, or Parquet",
        ) from error
    if frame.empty:
        raise DataError("the table has no rows", where=str(path), fix="give a table with rows")
    return frame
