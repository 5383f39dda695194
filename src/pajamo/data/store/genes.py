"""Which genes a store holds when its files do not list the same ones, and where each file's genes go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.errors import DataError, shorten

GeneChoice = Literal["same", "union", "intersection"]


def common_genes(names: Sequence[str], genes: Sequence[pd.Index], choice: GeneChoice) -> pd.Index:
    """Genes of a store made of several files; genes are the same if their names are, whatever their order.

    Parameters
    ----------
    names: of the files, for messages.
    genes: of each file.
    choice: "same" (the files must list the same genes), "union" (a gene that a file lacks was not seen in its cells),
        "intersection" (only genes of every file). Genes keep the order of the first file; those that only later files
        have come behind.

    Raises
    ------
    DataError: a gene's name occurs twice in a file; files that list different genes; no gene in common.
    """
    for name, listed in zip(names, genes, strict=True):
        _require_unique(name, listed)
    first: pd.Index = genes[0]
    if choice == "union":
        every = np.concatenate([listed.to_numpy(dtype=object) for listed in genes])
        union: pd.Index = pd.Index(pd.unique(every))
        return union
    if choice == "intersection":
        shared: set[str] = reduce(set.intersection, (set(listed) for listed in genes))
        if not shared:
            raise DataError("the files have no gene in common", where=shorten(names), fix=_OTHER_CHOICE)
        kept: pd.Index = first[first.isin(list(shared))]
        return kept
    for name, listed in zip(names[1:], genes[1:], strict=True):
        require_same(name, listed, names[0], first)
    return first


def require_same(name: str, listed: pd.Index, first: str, genes: pd.Index, fix: str = "") -> None:
    """Refuse a file that lists other genes than the first one, or than a store.

    Raises
    ------
    DataError: naming the genes that one of the two lacks.
    """
    lacking, further = genes.difference(listed, sort=False), listed.difference(genes, sort=False)
    if len(lacking) or len(further):
        raise DataError(
            f"the files list different genes: {len(lacking)} are missing, {len(further)} are new",
            where=f"{name}, compared with {first}",
            why="; ".join(
                f"{what}: {shorten(found)}"
                for what, found in (("missing", lacking), ("new", further))
                if len(found)
            ),
            fix=fix or _OTHER_CHOICE,
        )


def places(listed: pd.Index, genes: pd.Index) -> NDArray[np.int64] | None:
    """Column of the store for each gene of a file, -1 for one that is left out; None if nothing changes."""
    if listed.equals(genes):
        return None
    return np.asarray(genes.get_indexer(listed), dtype=np.int64)


def placed(block: sp.csr_matrix, to: NDArray[np.int64] | None, width: int) -> sp.csr_matrix:
    """Bring a block of a file's cells to the columns of the store, ascending within each cell."""
    if to is None:
        return block
    columns = to[block.indices]
    kept = columns >= 0
    ends = np.concatenate(([0], np.cumsum(kept)))
    moved = sp.csr_matrix(
        (block.data[kept], columns[kept], ends[block.indptr]), shape=(block.shape[0], width)
    )
    moved.sort_indices()
    return moved


def _require_unique(name: str, listed: pd.Index) -> None:
    repeated = listed[listed.duplicated()].unique()
    if len(repeated):
        raise DataError(
            f"{len(repeated)} names of genes occur more than once: {shorten(repeated)}",
            where=name,
            why="files are joined by the names of their genes, so a name must mean one gene",
            fix="write a new file with `pajamo check --fix make-names-unique` or `--fix sum-duplicates`",
        )


_OTHER_CHOICE = "choose `--genes union` or `--genes intersection`, or give files with the same genes"
