"""Tables of a task, wherever the user keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pandas as pd

from pajamo.errors import DataError, MissingExtraError

FOLDERS = (".", "campaigns", "perturbation")


def table(data: Path | str | None, name: str, columns: tuple[str, ...] = (), **reading: Any) -> pd.DataFrame:
    """A table of the folder `data`, or of its folders campaigns/ and perturbation/; or the file `data` itself.

    Raises
    ------
    DataError: there is no such file, it cannot be read, or it lacks a column.
    MissingExtraError: it is a Parquet table, and what reads those is not installed.
    """
    path = find(data, name)
    try:
        if path.suffix == ".parquet":
            found = pd.read_parquet(path, engine="pyarrow")
        else:
            options: dict[str, Any] = {"encoding": "utf-8-sig"} | reading
            found = cast(pd.DataFrame, pd.read_csv(path, **options))
    except ImportError:
        raise MissingExtraError.for_extra("parquet", "reading a Parquet table") from None
    # The parsers raise dozens of kinds of errors for a broken table.
    except Exception as error:
        raise DataError("the table cannot be read", where=str(path), why=str(error)) from error
    missing = [column for column in columns if column not in found]
    if missing:
        raise DataError(
            f"there is no column {missing[0]!r}",
            where=str(path),
            why=f"columns are {', '.join(map(str, found.columns))}",
        )
    return found


def find(data: Path | str | None, name: str) -> Path:
    """Where the file is.

    Raises
    ------
    DataError: no folder was named, or it has no such file.
    """
    if data is None:
        raise DataError(
            f"this task is read from {name}", where="data", fix="name the folder in which that file lies"
        )
    base = Path(data)
    for folder in FOLDERS:
        if (base / folder / name).is_file():
            return base / folder / name
    if base.is_file():
        return base
    raise DataError(f"there is no {name}", where=str(base), fix="name the folder in which that file lies")
