"""What a store and a compressed store have in common: tables, shape, which code gathers, and what a batch must be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pajamo.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from pajamo.data.store.tables import StoredTables

Array = NDArray[Any]


class StoredCells(ABC):
    """Cells by genes with their tables.

    Attributes
    ----------
    with_numba: whether batches are gathered by compiled code.
    """

    with_numba: bool

    def __len__(self) -> int:
        return self.n_cells

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What the store remembers of how it was made: value type, layer, sources, ..."""

    @property
    @abstractmethod
    def n_cells(self) -> int:
        """Number of cells."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells and of genes."""
        return self.n_cells, int(self.facts["genes"])

    @property
    def genes(self) -> pd.Index:
        """Names of the genes, in the order of the columns; read on first use, as the tables are."""
        return self._stored_tables().var.index

    @property
    def obs(self) -> pd.DataFrame:
        """Table of the cells."""
        return self._stored_tables().obs

    @property
    def var(self) -> pd.DataFrame:
        """Table of the genes."""
        return self._stored_tables().var

    @abstractmethod
    def _stored_tables(self) -> StoredTables:
        """Tables of cells and genes."""

    @cached_property
    def _gather(self) -> ModuleType:
        # Compiled code is loaded when the first batch is asked for, so that opening stays quick.
        return import_module(f"pajamo.data.store.gather{'_numba' if self.with_numba else ''}")

    def _require_fitting(self, batch: Array, shape: tuple[int, int]) -> None:
        stored = np.dtype(self.facts["value_type"])
        exact = batch.dtype in (np.float32, np.float64) or np.can_cast(stored, batch.dtype, "safe")
        if batch.shape != shape or not batch.flags.c_contiguous or not batch.flags.writeable or not exact:
            raise DataError(
                f"a batch of {batch.dtype} and shape {batch.shape} cannot take these cells",
                where="`out` or `dtype`",
                why=f"it must be contiguous, of shape {shape}, and of a type that holds {stored}",
                fix="leave `out` away, or make it: np.empty((cells, genes), np.float32)",
            )


def compiled(asked: bool | None) -> bool:
    """Whether batches are gathered by compiled code: as asked, else where it is installed.

    Raises
    ------
    MissingExtraError: numba is asked for and not installed.
    """
    installed = find_spec("numba") is not None
    if asked and not installed:
        raise MissingExtraError.for_extra("fast", "gathering cells by compiled code")
    return installed if asked is None else asked
