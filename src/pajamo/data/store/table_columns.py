"""Writing a table of cells so that it stays small: text of a fixed width and categories, all compressed.

HDF5 does not compress texts of varying length; a hundred thousand names would take five megabytes.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem

AT_ONCE = 1 << 16
"""Names encoded at once."""
CHUNK = 1 << 15
"""Rows of a compressed chunk."""


def write_table(file: h5py.File, name: str, table: pd.DataFrame) -> None:
    """Write a table as anndata does (dataframe 0.2.0), its texts and numbers compressed.

    A column of texts becomes categories if texts repeat or are missing.
    """
    group = file.create_group(name)
    columns = [str(column) for column in table.columns]
    index = _free("_index", columns)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": index})
    group.attrs.create("column-order", np.array(columns, dtype=h5py.string_dtype()), shape=(len(columns),))
    _write_texts(group, index, table.index.to_numpy(dtype=object))
    for position, column in enumerate(columns):
        _write_column(group, column, table.iloc[:, position])


def _free(name: str, taken: list[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _write_column(group: h5py.Group, name: str, column: pd.Series[Any]) -> None:
    if isinstance(column.dtype, pd.CategoricalDtype):
        _write_categories(group, name, column.array)
    elif pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        texts = column.astype(object).map(str, na_action="ignore")
        if texts.is_unique and not texts.hasnans:
            _write_texts(group, name, texts.to_numpy())
        else:
            _write_categories(group, name, pd.Categorical(texts))
    else:
        kwargs = {"compression": "gzip", "shuffle": True} if len(column) else {}
        write_elem(group, name, column.to_numpy() if _plain(column) else column.array, dataset_kwargs=kwargs)


def _plain(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, np.dtype)


def _write_categories(group: h5py.Group, name: str, values: Any) -> None:
    categories = group.create_group(name)
    categories.attrs.update(
        {"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": bool(values.ordered)}
    )
    _write_numbers(categories, "codes", values.codes)
    names = values.categories
    if pd.api.types.is_numeric_dtype(names.dtype):
        _write_numbers(categories, "categories", names.to_numpy())
    else:
        _write_texts(categories, "categories", np.array([str(one) for one in names], dtype=object))


def _write_numbers(group: h5py.Group, name: str, values: np.ndarray[Any, Any]) -> None:
    write_elem(
        group, name, values, dataset_kwargs={"compression": "gzip", "shuffle": True} if len(values) else {}
    )


def _write_texts(group: h5py.Group, name: str, texts: np.ndarray[Any, Any]) -> None:
    width = max((len(str(text).encode()) for text in texts), default=1)
    kind = h5py.string_dtype("utf-8", max(width, 1))
    stored = group.create_dataset(
        name, (len(texts),), kind, chunks=(CHUNK,), maxshape=(None,), compression="gzip", shuffle=True
    )
    for first in range(0, len(texts), AT_ONCE):
        block = [str(text).encode() for text in texts[first : first + AT_ONCE]]
        stored[first : first + len(block)] = np.array(block, dtype=kind)
    stored.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
