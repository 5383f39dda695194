"""A table with one row a protein: its name, and in further columns the clusters it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.errors import DataError, nearest, shorten

ROWS = 500_000
"""Rows that are in memory at a time."""


def hashes(texts: list[str]) -> NDArray[np.uint64]:
    """A 64-bit word for each text; among 200 million, two differing ones share a word once in a thousand times."""
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)


class ClusterTable:
    """The clusters of all proteins of a corpus, read from a table in pieces.

    Parameters
    ----------
    names: word (see `hashes`) of each protein's name, in the order of the corpus.
    accessions: word of each protein's accession, by which it is found where the table does not have its name.
    """

    def __init__(self, names: NDArray[np.uint64], accessions: NDArray[np.uint64]) -> None:
        keys = np.concatenate((names, accessions))
        order = np.argsort(keys, kind="stable")
        self._keys, self._proteins = keys[order], order % max(len(names), 1)
        self._rows = np.full(len(names), -1, dtype=np.int64)
        self.strange, self.examples = 0, list[str]()

    def read(self, path: Path, name: str) -> dict[str, tuple[NDArray[np.int64], int]]:
        """Read all columns but that of the names.

        Returns
        -------
        By column: the cluster of each protein (from 0, in order of first appearance), and how many cells are empty.

        Raises
        ------
        DataError: no such table or column, or a protein that two rows name. Rows of proteins that are not in the
            corpus are counted in `strange`, proteins without a row are told by `missing`.
        """
        labels: dict[str, NDArray[np.uint64]] = {}
        empty: dict[str, int] = {}
        row = 2
        for frame in _pieces(path, name):
            proteins = self._found(hashes(frame[name].tolist()))
            self._count_strange(frame[name][proteins < 0].tolist())
            self._require_once(path, frame[name].to_numpy(), proteins, row)
            for column in frame.columns.drop(name):
                texts = frame[column][proteins >= 0].tolist()
                words = labels.setdefault(column, np.zeros(len(self._rows), dtype=np.uint64))
                words[proteins[proteins >= 0]] = hashes(texts)
                empty[column] = empty.get(column, 0) + texts.count("")
            row += len(frame)
        return {column: (_numbers(words), empty[column]) for column, words in labels.items()}

    def missing(self) -> NDArray[np.int64]:
        """Proteins that no row named."""
        return np.flatnonzero(self._rows < 0)

    def _count_strange(self, names: list[str]) -> None:
        self.strange += len(names)
        self.examples += names[: 8 - len(self.examples)]

    def _found(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Protein of each word, -1 where there is none."""
        place = np.searchsorted(self._keys, words)
        place[place == len(self._keys)] = 0
        return np.where(self._keys[place] == words, self._proteins[place], -1)

    def _require_once(
        self, path: Path, names: NDArray[np.object_], proteins: NDArray[np.int64], row: int
    ) -> None:
        rows = np.arange(row, row + len(proteins))
        known = np.flatnonzero(proteins >= 0)
        _, first = np.unique(proteins[known], return_index=True)
        again = np.ones(len(known), dtype=bool)
        again[first] = False
        again |= self._rows[proteins[known]] >= 0
        if again.any():
            wrong = known[np.argmax(again)]
            raise DataError(
                f"protein {names[wrong]!r} has two rows in the table of clusters",
                where=f"{path}, row {rows[wrong]}",
                fix="keep one of them",
            )
        self._rows[proteins[known]] = rows[known]


def _numbers(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray(pd.factorize(words)[0], dtype=np.int64)


def _pieces(path: Path, name: str) -> Iterator[pd.DataFrame]:
    """The table in pieces, every cell as text."""
    separator = "\t" if {".tsv", ".tab"} & set(path.suffixes) else ","
    try:
        pieces = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, chunksize=ROWS)
        with pieces:
            for frame in pieces:
                _require_name(path, name, frame)
                yield frame
    except FileNotFoundError:
        raise DataError("there is no such table of clusters", where=str(path), fix="check the path") from None
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            "the table of clusters cannot be read",
            where=str(path),
            why=" ".join(str(error).split())[:200],
            fix="give tab-separated text (.tsv) or CSV (.csv) with a header line, compressed with gzip or not",
        ) from error


def _require_name(path: Path, name: str, frame: pd.DataFrame) -> None:
    known = list(map(str, frame.columns))
    if name not in known:
        raise DataError(
            f"the table of clusters has no column {name!r}",
            where=str(path),
            fix=f"{nearest(name, known)}it has: {shorten(known)}",
        )
