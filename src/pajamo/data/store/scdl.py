"""Reading BioNeMo's SCDL archives into a store, and noticing those that do not hold what their header says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.atomic import storage_errors
from pajamo.data.store.building import build_from
from pajamo.data.store.filling import Progress
from pajamo.data.store.format import ValueType
from pajamo.data.store.genes import GeneChoice
from pajamo.data.store.scdl_features import gene_tables, read_cells
from pajamo.data.store.scdl_header import mapped_arrays
from pajamo.data.store.sources import Source
from pajamo.data.store.store import CellStore
from pajamo.errors import IntegrityError

AT_ONCE = 1 << 20
"""Values turned into rows at once."""
SMALLEST = float(np.finfo(np.float32).tiny)


def import_scdl(
    folder: str | Path,
    out: str | Path,
    *,
    gene_names: str | None = None,
    genes: GeneChoice = "same",
    value_type: ValueType | None = None,
    progress: Progress | None = None,
) -> CellStore:
    """Turn an SCDL archive into a store.

    Parameters
    ----------
    folder: of the archive; nothing in it is written to, and no pickled file of it is opened.
    out: the new folder.
    gene_names: column of the archive's gene features with the names. SCDL keeps names by themselves only where genes
        had no other features.
    genes: what to do where parts of the archive list different genes; see `build_store`.
    value_type: see `build_store`.
    progress: is told how far it is.

    Raises
    ------
    DataError: names of genes are not known or repeat, or values that cannot be counts; see `build_store`.
    IntegrityError: the archive contradicts its header or itself.
    MissingExtraError: Parquet tables need the extra `parquet`.
    StorageError: the disk is full or refuses.
    """
    out = Path(out)
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    sources = scdl_sources(Path(folder), gene_names)
    return build_from(sources, out, genes=genes, value_type=value_type, progress=progress)


def scdl_sources(folder: Path, gene_names: str | None = None) -> list[Source]:
    """The parts of an archive that share their genes, as sources of a store.

    Raises
    ------
    DataError, IntegrityError, MissingExtraError: as `import_scdl`.
    """
    archive = Archive.open(folder)
    obs = read_cells(folder, archive.n_cells)
    sources, first = [], 0
    for number, (last, var) in enumerate(gene_tables(folder, archive.n_cells, gene_names)):
        part = archive.part(first, last, len(var))
        name = f"{folder}: {_label(folder, number)}"
        sources.append(Source(name, obs.iloc[first:last], var, part.blocks, part.n_values))
        first = last
    return sources


@dataclass(frozen=True)
class Archive:
    """Arrays of an archive, mapped; rows first to last of it, with this many genes (0: not known yet)."""

    folder: Path
    data: NDArray[Any]
    pointers: NDArray[np.unsignedinteger]
    columns: NDArray[np.unsignedinteger]
    genes: int = 0

    @classmethod
    def open(cls, folder: Path) -> Archive:
        """Map the arrays and check that they fit one another.

        Raises
        ------
        IntegrityError: they do not, or the header says otherwise.
        """
        arrays = mapped_arrays(folder)
        found = cls(folder, arrays["DATA"], arrays["ROWPTR"], arrays["COLPTR"])
        ends = found.pointers[[0, -1]].astype(np.int64).tolist() if len(found.pointers) else []
        if ends != [0, len(found.data)] or len(found.data) != len(found.columns):
            raise found._damaged("its row pointers do not lead from the first value to the last")
        return found

    @property
    def n_cells(self) -> int:
        """Number of rows."""
        return len(self.pointers) - 1

    @property
    def n_values(self) -> int:
        """Number of stored values."""
        return int(self.pointers[-1]) - int(self.pointers[0]) if len(self.pointers) else 0

    def part(self, first: int, last: int, genes: int) -> Archive:
        """Rows first ... last - 1, whose columns number this many genes."""
        return Archive(self.folder, self.data, self.pointers[first : last + 1], self.columns, genes)

    def blocks(self) -> Iterator[sp.csr_matrix]:
        """Yield consecutive rows, columns ascending and no zeros stored.

        Raises
        ------
        IntegrityError: pointers that go back, columns beyond the genes, or whole numbers under a header that says
            they are floating-point.
        """
        first = 0
        while first < self.n_cells:
            room = int(self.pointers[first]) + AT_ONCE
            last = int(np.searchsorted(self.pointers, room, side="right")) - 1
            last = min(max(last, first + 1), self.n_cells)
            yield self._block(first, last)
            first = last

    def _block(self, first: int, last: int) -> sp.csr_matrix:
        pointers = self.pointers[first : last + 1].astype(np.int64)
        if (np.diff(pointers) < 0).any():
            raise self._damaged("its row pointers go back")
        low, high = int(pointers[0]), int(pointers[-1])
        columns = self.columns[low:high].astype(np.int64)
        if columns.size and int(columns.max()) >= self.genes:
            raise self._damaged(f"a column lies outside of the {self.genes:,} genes")
        values = self._values(low, high)
        block = sp.csr_matrix((values, columns, pointers - low), shape=(last - first, self.genes))
        block.sum_duplicates()
        block.eliminate_zeros()
        return block

    def _values(self, low: int, high: int) -> NDArray[Any]:
        values = self.data[low:high]
        if values.dtype == np.float16:
            values = values.astype(np.float32)
        if values.dtype.kind != "f":
            # Sums of values stored twice must not wrap around.
            return values.astype(np.int64)
        if values.size and 0 < np.abs(values).max() < SMALLEST:
            raise self._damaged("its values are whole numbers, but the header says they are floating-point")
        return values.copy()

    def _damaged(self, why: str) -> IntegrityError:
        return IntegrityError(
            "the archive is damaged",
            where=str(self.folder),
            why=why,
            fix="write the archive again from the files that it was made from",
        )


def _label(folder: Path, number: int) -> str:
    """Name of a part's origin, where the archive keeps it as text; its pickled labels are never opened."""
    path = folder / "var_features" / "labels.json"
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
        return str(labels[number])
    except (OSError, ValueError, LookupError, TypeError):
        return f"part {number}"
