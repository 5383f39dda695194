"""Tables of cells and genes in an SCDL archive: Parquet files, and how many rows each covers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.errors import DataError, IntegrityError, MissingExtraError, nearest, shorten

CELL_NAMES, GENE_NAMES = "obs_feature_id", "var_feature_id"
"""Columns in which SCDL keeps names, and does so only where there were no other features."""


def read_cells(folder: Path, cells: int) -> pd.DataFrame:
    """Table of the cells; they are named by their number where names are not kept or repeat.

    Raises
    ------
    IntegrityError: the tables do not describe as many cells as the archive has.
    MissingExtraError: the extra `parquet` is not installed.
    """
    tables = [_table(path) for path in _files(folder / "obs_features")]
    obs = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(index=range(cells))
    if len(obs) != cells:
        raise IntegrityError(
            f"the tables describe {len(obs):,} cells, but the archive has {cells:,}",
            where=str(folder / "obs_features"),
            fix="write the archive again from the files that it was made from",
        )
    if CELL_NAMES in obs and obs[CELL_NAMES].is_unique:
        obs.index = pd.Index(obs.pop(CELL_NAMES).astype(str), dtype=object, name=None)
    else:
        obs.index = pd.Index(np.arange(cells).astype(str), dtype=object)
    return obs


def gene_tables(folder: Path, cells: int, names: str | None) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield (row behind the last, table of genes) of each part of the archive that shares its genes.

    Raises
    ------
    DataError: the names of the genes are not known.
    IntegrityError: the parts do not cover the archive's cells.
    MissingExtraError: the extra `parquet` is not installed.
    """
    place = folder / "var_features"
    paths = list(_files(place))
    ends = [int(end) for end in _ends(place) if end > 0]
    if len(ends) != len(paths) or not ends or ends[-1] != cells:
        raise IntegrityError(
            f"{len(paths)} tables of genes describe the cells up to {ends}, but the archive has {cells:,} cells",
            where=str(place),
            fix="write the archive again from the files that it was made from",
        )
    for end, path in zip(ends, paths, strict=True):
        yield end, _named(_table(path), path, names)


def _named(table: pd.DataFrame, path: Path, names: str | None) -> pd.DataFrame:
    column = names or GENE_NAMES
    if column not in table:
        raise DataError(
            "the archive does not keep the names of its genes"
            if names is None
            else f"genes have no feature {names!r}",
            where=str(path),
            why="SCDL keeps names by themselves only where genes had no other features",
            fix=f"{nearest(column, table.columns)}name the column with the names (gene_names) out of "
            f"{shorten(table.columns)}",
        )
    named = table.drop(columns=column)
    named.index = pd.Index(table[column].astype(str), dtype=object, name=None)
    return named


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("dataframe_*.parquet"), key=lambda path: int(path.stem.split("_")[1]))


def _ends(folder: Path) -> np.ndarray:
    path = folder / "cumulative_sum_index.npy"
    try:
        return np.atleast_1d(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            "the numbers of cells of the parts cannot be read",
            where=str(path),
            why=str(error),
            fix="write the archive again from the files that it was made from",
        ) from error


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path, engine="pyarrow")
    except ImportError:
        raise MissingExtraError.for_extra("parquet", "reading an SCDL archive") from None
    except (OSError, ValueError) as error:
        raise IntegrityError(
            "a table of the archive cannot be read",
            where=str(path),
            why=str(error),
            fix="write the archive again from the files that it was made from",
        ) from error
    texts = [name for name in table if table[name].dtype == object and name not in (CELL_NAMES, GENE_NAMES)]
    # A text a cell takes ten times the memory of its number in a list of texts.
    return table.astype(dict.fromkeys(texts, "category"))
