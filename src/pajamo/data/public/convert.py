"""Brings a public h5ad into pajamo's convention: combinations A+B, 'control', counts as CSR."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import SEPARATOR
from pajamo.data.h5ad_blocks import write_h5ad_blocks
from pajamo.data.matrix import FileMatrix
from pajamo.data.public.catalogue import Entry, LabelRules
from pajamo.data.reading.h5ad import H5ad, open_h5ad
from pajamo.data.reading.integrity import reading_errors
from pajamo.data.reading.stored import require_indices
from pajamo.errors import DataError, nearest, shorten

CONTROL = "control"
ENTRIES_AT_ONCE = 20_000_000
"""Stored values of a column-wise matrix held at once while it is turned into rows; about 1 GB."""


def convert(entry: Entry, source: Path, target: Path) -> None:
    """Rewrite a public file once: `perturbation` becomes A+B or 'control', X becomes CSR.

    Cells whose label is missing or means "not known" are left out; the label as published is kept in
    the column `published_label`; every other column and the values of X are kept as they are.

    Raises
    ------
    IntegrityError: the file is not an h5ad, is damaged, or reaches into other files.
    DataError: it has no label column, or no cell turns out to be a control.
    StorageError: the disk is full; nothing is left behind.
    """
    opened = open_h5ad(source)
    obs, var = opened.obs, opened.var
    published = _labels(obs, entry.labels, source)
    canonical = published.map(
        {label: canonical_label(label, entry.labels) for label in published.dropna().unique()}
    )
    kept = np.flatnonzero(canonical.notna().to_numpy())
    _require_controls(canonical, published, source)
    new = obs.iloc[kept].copy()
    new["published_label"] = published.iloc[kept].astype("category")
    new["perturbation"] = canonical.iloc[kept].astype("category")
    uns = {"title": entry.title, "doi": entry.doi, "source": entry.url, "licence": entry.licence}
    with h5py.File(source, "r") as file:
        write_h5ad_blocks(target, new, var, uns, _rows(opened, file[opened.key(None)], kept))


def canonical_label(label: str, rules: LabelRules) -> str | None:
    """Turn one published label into A+B or 'control'; None if it does not say what was done."""
    text = re.sub(rules.clean_label, "", label.strip()) if rules.clean_label else label.strip()
    if not text or _matches(text, rules.drop):
        return None
    parts = text.split(rules.separator) if rules.separator else [text]
    genes = (
        {gene for part in parts if (gene := _gene(part, rules))}
        if not _matches(text, rules.controls)
        else set()
    )
    return SEPARATOR.join(sorted(genes)) or CONTROL


def _gene(part: str, rules: LabelRules) -> str:
    name = re.sub(rules.clean_part, "", part.strip()) if rules.clean_part else part.strip()
    return "" if _matches(name, rules.controls) else rules.rename.get(name, name)


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in patterns)


def _labels(obs: pd.DataFrame, rules: LabelRules, source: Path) -> pd.Series[str]:
    if rules.column not in obs:
        raise DataError(
            f"the file has no column {rules.column!r}",
            where=str(source),
            fix=f"{nearest(rules.column, obs.columns)}its columns are {shorten(obs.columns, 12)}",
        )
    column = obs[rules.column]
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore")


def _require_controls(canonical: pd.Series[str], published: pd.Series[str], source: Path) -> None:
    if not (canonical == CONTROL).any():
        raise DataError(
            "no cell of the file is a control",
            where=str(source),
            why=f"the catalogue expects other labels than {shorten(sorted(published.dropna().unique()))}",
            fix="give the file as `path` with its own `perturbation` and `control` in the study",
        )


def _rows(opened: H5ad, node: h5py.Group | h5py.Dataset, kept: NDArray[np.intp]) -> Iterator[sp.csr_matrix]:
    """Yield the kept rows; only an error of reading arises in here, one of writing stays with the writer."""
    by_gene = opened.matrices["X"].layout == "csc"
    blocks = _csc_blocks(node, ENTRIES_AT_ONCE) if by_gene else FileMatrix(opened.path, "X").blocks()
    with reading_errors(opened.path):
        for start, block in blocks:
            first, last = np.searchsorted(kept, [start, start + block.shape[0]])
            yield block[kept[first:last] - start]


def _csc_blocks(node: h5py.Group, at_once: int) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Read a column-wise matrix as blocks of rows, passing over the file once for each block."""
    n_cells, n_genes = (int(length) for length in node.attrs["shape"])
    pointers = node["indptr"][:]
    stored = np.zeros(n_cells, dtype=np.int64)
    for _, cells, _ in _columns(node, pointers, at_once):
        stored += np.bincount(cells, minlength=n_cells)
    block_of = np.cumsum(stored) // at_once
    for number in np.unique(block_of):
        start, stop = np.searchsorted(block_of, [number, number + 1])
        yield int(start), _gather(node, pointers, int(start), int(stop), n_genes, at_once)


def _gather(
    node: h5py.Group, pointers: NDArray[np.integer], start: int, stop: int, n_genes: int, at_once: int
) -> sp.csr_matrix:
    found: list[tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.number]]] = []
    for genes, cells, values in _columns(node, pointers, at_once):
        inside = (cells >= start) & (cells < stop)
        found.append((cells[inside] - start, genes[inside], values[inside]))
    rows, columns, data = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return sp.csr_matrix((data, (rows, columns)), shape=(stop - start, n_genes))


def _columns(
    node: h5py.Group, pointers: NDArray[np.integer], at_once: int
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.number]]]:
    """Yield (gene, cell, value) of consecutive genes, a limited number of values at a time."""
    group_of = pointers[1:] // max(at_once // 4, 1)
    for number in np.unique(group_of):
        first, last = np.searchsorted(group_of, [number, number + 1])
        low, high = int(pointers[first]), int(pointers[last])
        genes = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(pointers[first : last + 1]))
        cells = node["indices"][low:high]
        require_indices("X/indices", cells, int(node.attrs["shape"][0]))
        yield genes, cells, node["data"][low:high]
