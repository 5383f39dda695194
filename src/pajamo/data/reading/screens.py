"""Reading a screen: an h5ad file becomes cells by genes and what was done to each, or a precise complaint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config import DataSettings
from pajamo.data.conditions import Condition
from pajamo.data.reading.columns import conditions_of, labels, numbers, require_control
from pajamo.data.reading.h5ad import H5ad
from pajamo.data.reading.stores import open_recorded
from pajamo.data.reading.values import Values, look_like_counts, scan_values
from pajamo.data.reading.variable_genes import keep_variable
from pajamo.data.screen import Screen
from pajamo.errors import DataError, shorten

LARGEST_LOG1P = float(np.log1p(1e4))
"""Largest possible ln(1 + CP10K): a cell all of whose molecules are of one gene."""


def read_screen(settings: DataSettings) -> Screen:
    """Read a perturbation screen from the h5ad file or the cell store that the settings name.

    The tables of cells and genes are read whole; a large matrix stays in the file. Every value is
    looked at once, which also gives the library sizes; those of a store were when it was built.

    Raises
    ------
    DataError: the file lacks what a perturbation model needs (see `pajamo check` for every rule), or
        values, names or columns are not what the settings say.
    IntegrityError: the file is truncated, damaged or hostile.
    """
    if settings.path is None:
        raise DataError(
            "no file is named", where="[data]", fix="give `path`, or resolve `dataset` to a file first"
        )
    opened = open_recorded(settings.path)
    _require_unique(opened)
    conditions, condition_of = read_conditions(opened, settings)
    _require_comparisons(conditions, settings)
    key = opened.key(settings.layer)
    matrix = opened.open(key)
    values = scan_values(matrix)
    require_scale(opened, key, values, settings.scale)
    screen = Screen(
        matrix=matrix,
        scale=settings.scale,
        genes=pd.Index(opened.var.index, name=None),
        conditions=conditions,
        condition_of=condition_of,
        cells=_cells(opened, settings, values),
        name=Path(settings.path).stem,
        simulated=opened.simulated,
        notes=tuple(f"mended: {_step(line)}" for line in opened.fixes),
    )
    return screen if settings.top_genes is None else keep_variable(screen, settings.top_genes)


def _step(line: str) -> str:
    """A recorded fix in words; a record that someone else wrote as it stands."""
    try:
        step = json.loads(line)
        return f"{step['fix']} ({step['effect']})"
    except (ValueError, TypeError, KeyError):
        return line


def require_scale(opened: H5ad, key: str, values: Values, scale: str) -> None:
    """Refuse values that cannot be of the scale that the settings name.

    Raises
    ------
    DataError: NaN, infinite or negative values (the first cell and gene are named); normalised values
        where counts are needed; counts where ln(1 + CP10K) is said to be.
    """
    for kind, number in values.odd.items():
        if kind == "fractional" and scale == "log1p":
            continue
        cell, gene = opened.obs.index[number.cell], opened.genes_of(key).index[number.gene]
        place = f"{opened.path}: {key}, first in cell {cell!r}, gene {gene!r} ({number.value:.6g})"
        if kind == "fractional":
            raise _normalised(opened, key, values, place)
        raise DataError(
            f"{number.number:,} values are {kind}",
            where=place,
            why="no instrument counts such a thing"
            + (", nor does its logarithm" if scale == "log1p" else ""),
            fix=counts_elsewhere(opened, key) or "give the counts as they were recorded",
        )
    if scale == "log1p" and values.largest > LARGEST_LOG1P + 0.01:
        raise DataError(
            "the values are too large for ln(1 + CP10K)",
            where=f"{opened.path}: {key}",
            why=f"the largest is {values.largest:.6g}, but ln(1 + 10,000) is {LARGEST_LOG1P:.2f}",
            fix='set `scale = "counts"`' if values.are_counts else "give ln(1 + CP10K) or counts",
        )


def _normalised(opened: H5ad, key: str, values: Values, place: str) -> DataError:
    logarithm = values.largest <= LARGEST_LOG1P and "negative" not in values.odd
    or_log = '; or, if these are ln(1 + CP10K), set `scale = "log1p"`' if logarithm else ""
    return DataError(
        f"{values.odd['fractional'].number:,} values are not integers: they are normalised, not counts",
        where=place,
        why="library sizes and counting noise can only be read off counts",
        fix=(counts_elsewhere(opened, key) or "put the counts in X or in a layer") + or_log,
    )


def counts_elsewhere(opened: H5ad, key: str) -> str:
    """Advice naming the matrices of the file that do hold counts."""
    found = [other for other in opened.matrices if other != key and _holds_counts(opened, other)]
    named = [
        "`pajamo check --fix use-raw` (counts are in raw)" if other == "raw/X"
        else "leave `layer` out (counts are in X)" if other == "X"
        else f"set `layer = \"{other.removeprefix('layers/')}\"`"
        for other in found
    ]  # fmt: skip
    return " or ".join(named)


def _holds_counts(opened: H5ad, key: str) -> bool:
    try:
        return look_like_counts(opened.open(key))
    except DataError:
        return False


def _require_unique(opened: H5ad) -> None:
    remedies = {
        "genes": "`pajamo check --fix make-names-unique` or `--fix sum-duplicates`",
        "cells": "`pajamo check --fix make-names-unique` or `--fix drop-duplicate-cells`",
    }
    for what, names in (("genes", opened.var.index), ("cells", opened.obs.index)):
        repeated = names[names.duplicated()].unique()
        if len(repeated):
            raise DataError(
                f"{len(repeated)} names of {what} occur more than once: {shorten(repeated)}",
                where=str(opened.path),
                why="a name must mean one thing; which of the rows was meant cannot be told",
                fix=f"write a new file with {remedies[what]}",
            )


def read_conditions(opened: H5ad, settings: DataSettings) -> tuple[tuple[Condition, ...], NDArray[np.intp]]:
    """Distinct conditions of a file, sorted, and for each cell the position of its own.

    Raises
    ------
    DataError: a column that is not there or not complete, or no control cells.
    """
    found = labels(opened.obs, settings.perturbation, "perturbation")
    require_control(found, settings.control)
    context = None if settings.context is None else labels(opened.obs, settings.context, "context")
    time = None if settings.time is None else numbers(opened.obs, settings.time, "time")
    return conditions_of(found, settings.control, context, time)


def _require_comparisons(conditions: tuple[Condition, ...], settings: DataSettings) -> None:
    perturbed = {condition.genes for condition in conditions if not condition.is_control}
    if len(perturbed) < 2:
        named = shorten("+".join(genes) for genes in perturbed) or "none"
        raise DataError(
            f"the screen has {len(perturbed)} perturbation{'' if len(perturbed) == 1 else 's'}: {named}",
            where=f"column {settings.perturbation!r}",
            why="a model learns from some perturbations and is tested on others",
            fix="set `perturbation` to the column with the perturbed genes, or give a larger screen",
        )
    controlled = {condition.setting for condition in conditions if condition.is_control}
    lacking = sorted({condition.setting for condition in conditions} - controlled)
    if lacking:
        raise DataError(
            f"perturbed cells but no control cells in {shorten(_setting(*setting) for setting in lacking)}",
            where=f"columns {shorten(name for name in (settings.context, settings.time) if name)}",
            why="a change is measured against the control of the same context and time",
            fix="add their controls, or write a new file with `pajamo check --fix drop-uncontrolled`",
        )


def _setting(context: str, time: float) -> str:
    return " at ".join([context] * bool(context) + [f"{time:g}"] * bool(time or not context))


def _cells(opened: H5ad, settings: DataSettings, values: Values) -> pd.DataFrame:
    cells = pd.DataFrame({"library_size": library_sizes(opened, settings, values)}, index=opened.obs.index)
    if settings.batch is not None:
        cells["batch"] = labels(opened.obs, settings.batch, "batch")
    if "guide" in opened.obs:
        cells["guide"] = opened.obs["guide"].astype(str)
    return cells


def library_sizes(opened: H5ad, settings: DataSettings, values: Values) -> NDArray[np.float64]:
    """Molecules of each cell's library: the column if one is named, else the sum of its counts.

    For values that are logarithms already, and no column, they are unknown: NaN.

    Raises
    ------
    DataError: cells without any molecule; a column that is missing or not numeric.
    """
    if settings.library_size is not None:
        sizes = numbers(opened.obs, settings.library_size, "library_size")
    elif settings.scale == "log1p":
        return np.full(len(opened.obs), np.nan)
    else:
        sizes = values.totals
    empty = sizes <= 0
    if empty.any():
        raise DataError(
            f"{int(empty.sum())} cells are empty: their library has no molecule",
            where=f"cells {shorten(opened.obs.index[empty])}",
            why="counts are divided by the size of the library",
            fix="write a new file with `pajamo check --fix drop-empty-cells`",
        )
    return sizes
