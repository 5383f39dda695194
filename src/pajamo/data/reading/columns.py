"""Columns of the table of cells: which one says what, and reading each with a precise complaint."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition, parse_perturbation
from pajamo.errors import DataError, nearest, shorten

CONTROL_PATTERN = re.compile(
    r"ctrl|control|non.?targ|scramble|neg\b|^nt(c|\b)|safe|unperturbed|untreated|mock|dmso|wild.?type|^wt$|none",
    re.IGNORECASE,
)
"""Labels that screens use for unperturbed cells."""


def column(table: pd.DataFrame, name: str, setting: str) -> pd.Series:
    """The column named by a setting.

    Raises
    ------
    DataError: there is no such column (the nearest is named), or it occurs twice.
    """
    if name not in table.columns:
        hint = nearest(name, map(str, table.columns))
        raise DataError(
            f"obs has no column {name!r}",
            where=f"`{setting}`",
            why=f"its columns are: {shorten(table.columns, 20) or '(none)'}",
            fix=f"{hint}set `{setting}` to the right column",
        )
    found = table[name]
    if isinstance(found, pd.DataFrame):
        raise DataError(f"obs has several columns {name!r}", where=f"`{setting}`", fix="rename all but one")
    return found


def labels(table: pd.DataFrame, name: str, setting: str) -> pd.Series:
    """A column of labels as categories, surrounding blanks removed.

    Raises
    ------
    DataError: no such column, or cells without a label.
    """
    found = column(table, name, setting)
    missing = found.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} cells have no value in column {name!r}",
            where=f"cells {shorten(table.index[missing])}",
            why=f"`{setting}` must be known for every cell",
            fix="fill the column in, or leave these cells out",
        )
    categories = found if isinstance(found.dtype, pd.CategoricalDtype) else found.astype("category")
    texts = pd.Index([str(value).strip() for value in categories.cat.categories], dtype=object)
    codes, names = pd.factorize(texts, sort=True)
    kept = pd.Categorical.from_codes(codes[categories.cat.codes.to_numpy()], names)
    return pd.Series(kept.remove_unused_categories(), index=table.index, name=name)


def numbers(table: pd.DataFrame, name: str, setting: str) -> NDArray[np.float64]:
    """A column of finite numbers; text such as "2" is read as a number.

    Raises
    ------
    DataError: no such column, or cells whose value is not a finite number.
    """
    found = column(table, name, setting)
    values = pd.to_numeric(found.astype(object), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataError(
            f"column {name!r} is not a number in {int(wrong.sum())} cells",
            where=f"`{setting}`; cells {shorten(table.index[wrong], 4)}",
            why=f"found: {shorten(found[wrong].astype(object).drop_duplicates(), 4)}",
            fix=f"write plain numbers into it (2, not 'day 2'), or set `{setting}` to another column",
        )
    return values


def control_like(names: Iterable[str]) -> list[str]:
    """Those labels that look like controls."""
    return [name for name in names if CONTROL_PATTERN.search(name)]


def require_control(found: pd.Series, control: str) -> None:
    """Refuse labels among which the control's is not.

    Raises
    ------
    DataError: naming the labels that look like controls.
    """
    names = [str(name) for name in found.cat.categories]
    if control in names:
        return
    likely = control_like(names)
    raise DataError(
        f"no cell is labelled {control!r}",
        where=f"column {found.name!r}",
        why=f"the labels are: {shorten(names)}",
        fix=f"set `control` to one of the labels that look like controls: {shorten(likely)}"
        if likely
        else f"{nearest(control, names)}set `control` to the label of the unperturbed cells",
    )


def conditions_of(
    found: pd.Series, control: str, context: pd.Series | None, time: NDArray[np.float64] | None
) -> tuple[tuple[Condition, ...], NDArray[np.intp]]:
    """Distinct conditions, sorted, and for each cell the position of its own.

    Labels are read once each, not once a cell. "A+B" and "B+A" become one condition.

    Raises
    ------
    DataError: a label with an empty part.
    """
    genes = [parse_perturbation(str(label), control) for label in found.cat.categories]
    contexts = [""] if context is None else [str(name) for name in context.cat.categories]
    times, time_code = (np.zeros(1), 0) if time is None else np.unique(time, return_inverse=True)
    context_code = 0 if context is None else context.cat.codes.to_numpy().astype(np.int64)
    code = (found.cat.codes.to_numpy().astype(np.int64) * len(contexts) + context_code) * len(
        times
    ) + time_code
    codes, cell_code = np.unique(code, return_inverse=True)
    rest, t = np.divmod(codes, len(times))
    label, c = np.divmod(rest, len(contexts))
    each = [Condition(genes[i], contexts[j], float(times[k])) for i, j, k in zip(label, c, t, strict=True)]
    conditions = tuple(sorted(set(each)))
    position = {condition: i for i, condition in enumerate(conditions)}
    return conditions, np.array([position[condition] for condition in each], dtype=np.intp)[cell_code]
