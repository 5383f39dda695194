"""Candidates that a user lists in a table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pajamo.campaigns.proposing.problem import Problem
from pajamo.config.campaigns.study import CampaignStudy, TableSource
from pajamo.data.assays.tables import read_table
from pajamo.errors import DataError, nearest, shorten

JOINT = "+"
"""Between the perturbations of a combination."""


def problem_of_table(study: CampaignStudy, source: TableSource) -> Problem:
    """The pool of candidates in a table, and the results that are known.

    Raises
    ------
    DataError: missing columns, names that stand twice, features that are missing or not finite.
    """
    table = read_table(source.path)
    where = str(source.path)
    require_columns(table, [source.name, *(source.features or ())], where)
    names = unique_names(table[source.name], where)
    columns = list(source.features) if source.features is not None else _numeric(table, study, source, where)
    features = _finite(table, columns, names, where)
    return Problem(
        names=names,
        features=features,
        outputs=study.outputs,
        data=hash_of(names, features),
        members=tuple(tuple(name.split(JOINT)) for name in names),
        known=None if study.results is None else read_table(study.results.path),
        classes=study.classes or None,
    )


def require_columns(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Complain about the first column that is missing.

    Raises
    ------
    DataError: a column is missing.
    """
    for column in columns:
        if column not in table.columns:
            raise DataError(
                f"there is no column {column!r}",
                where=where,
                why=f"columns: {shorten(table.columns)}",
                fix=f"{nearest(column, map(str, table.columns))}name the column that is meant",
            )


def unique_names(column: pd.Series, where: str) -> tuple[str, ...]:
    """The candidates' names.

    Raises
    ------
    DataError: no rows, an empty name, or one that stands twice.
    """
    names = pd.Index(column)
    if not len(names):
        raise DataError("the pool of candidates is empty", where=where, fix="give a row a candidate")
    missing = np.flatnonzero(names.isna())
    if len(missing):
        raise DataError("a candidate has no name", where=f"{where}, row {int(missing[0]) + 1}", fix="name it")
    twice = np.flatnonzero(names.duplicated())
    if len(twice):
        raise DataError(
            f"candidate {str(names[twice[0]])!r} stands twice",
            where=f"{where}, row {int(twice[0]) + 1}",
            fix="give each candidate once; repeated measurements are results of one candidate",
        )
    return tuple(map(str, names))


def hash_of(names: Sequence[str], features: np.ndarray) -> str:
    """Hash of candidates and features (sha256)."""
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(np.ascontiguousarray(features, dtype=np.float64).tobytes())
    return digest.hexdigest()


def _numeric(table: pd.DataFrame, study: CampaignStudy, source: TableSource, where: str) -> list[str]:
    others = {source.name, *study.outputs}
    found = [str(name) for name in table.select_dtypes("number").columns if name not in others]
    if not found:
        raise DataError(
            "no column holds features of the candidates",
            where=where,
            why=f"columns: {shorten(table.columns)}",
            fix="give columns of numbers, or name them in `features`",
        )
    return found


def _finite(table: pd.DataFrame, columns: list[str], names: Sequence[str], where: str) -> np.ndarray:
    try:
        features = table[columns].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            "a feature is not a number", where=where, why=str(error), fix="code it as numbers"
        ) from None
    wrong = np.argwhere(~np.isfinite(features))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"feature {columns[column]!r} of candidate {names[row]!r} is {features[row, column]}",
            where=f"{where}, row {row + 1}",
            why=f"{len(wrong):,} such values",
            fix="fill them in, or leave the column or the candidate out",
        )
    return features
