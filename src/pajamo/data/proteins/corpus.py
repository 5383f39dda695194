"""Proteins in a folder of arrays: opened in milliseconds, read where they lie, whatever their number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.mapped import MappedFolder
from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.fasta import accession
from pajamo.data.proteins.texts import Texts
from pajamo.errors import DataError, nearest, shorten

KIND = "proteins"
VERSION = 1


@dataclass(frozen=True, eq=False)
class ProteinCorpus:
    """Proteins as tokens of their residues, end to end, with their names, genes and clusters.

    Attributes
    ----------
    folder: the arrays; nothing of them is in memory until it is asked for.
    """

    folder: MappedFolder

    @classmethod
    def open(cls, path: str | Path) -> ProteinCorpus:
        """Open what `build_corpus` made; read-only.

        Raises
        ------
        IntegrityError: no corpus, one that was never finished, is truncated, or of a newer version.
        """
        return cls(MappedFolder.open(Path(path), KIND, VERSION))

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Residues of each protein; mapped, shape (proteins,)."""
        return self.folder.array("lengths")

    @cached_property
    def names(self) -> Texts:
        """Name of each protein: the first word of its header."""
        return self._texts("name")

    @cached_property
    def genes(self) -> Texts:
        """Symbol of each protein's gene as its header says (GN=); empty where it does not."""
        return self._texts("gene")

    @cached_property
    def digest(self) -> str:
        """Hash of all proteins: it tells this corpus from others in fingerprints; 16 hexadecimal digits."""
        arrays = self.folder.manifest.arrays
        checksums = ",".join((*arrays["tokens"].checksums, *arrays["starts"].checksums))
        return hashlib.sha256(checksums.encode()).hexdigest()[:16]

    @property
    def facts(self) -> dict[str, Any]:
        """What was counted while it was built: proteins, residues, identical ones, clusters."""
        return self.folder.facts

    def tokens(self, index: int) -> NDArray[np.uint8]:
        """Tokens of one protein's residues, without <cls> and <eos>; a view that cannot be written."""
        start = int(self._starts[index])
        return self._tokens[start : start + int(self.lengths[index])]

    def gather(
        self,
        indices: NDArray[np.int64],
        first: NDArray[np.int64] | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Residues of several proteins, or of a stretch of each, end to end.

        Parameters
        ----------
        indices: which proteins; shape (n,).
        first: residue with which each stretch begins; all begin with their first if not given.
        lengths: residues of each stretch; up to the protein's end if not given.

        Returns
        -------
        Tokens of all stretches (a copy) and the length of each.
        """
        begin = np.zeros(len(indices), dtype=np.int64) if first is None else first
        length = self.lengths[indices] - begin if lengths is None else lengths
        starts = self._starts[indices] + begin
        stops = starts + length
        tokens = self._tokens
        pieces = [tokens[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        return np.concatenate(pieces or [tokens[:0].copy()]), length

    def clusters(self, column: str) -> Clusters:
        """The clusters of one column of the table that the corpus was built with; mapped.

        Raises
        ------
        DataError: there is no such column, or some proteins had no cluster in it.
        """
        known: dict[str, int] = self.facts["clusters"]
        if column in known:
            prefix = f"clusters{known[column]}"
            return Clusters(*(self.folder.array(f"{prefix}_{part}") for part in ("of", "starts", "members")))
        if column in (empty := self.facts["clusters_with_gaps"]):
            raise DataError(
                f"{empty[column]:,} of {len(self):,} proteins have no cluster in column {column!r}",
                where=str(self.folder.path),
                fix="fill the column and build the corpus again, or choose another",
            )
        raise DataError(
            f"the corpus has no clusters {column!r}",
            where=str(self.folder.path),
            fix=f"{nearest(column, known)}it has: {shorten(known) or 'none (build it with a table of clusters)'}",
        )

    def table(self) -> pd.DataFrame:
        """One row a protein: name, accession (of UniProt, else the name), gene and residues."""
        names = list(self.names)
        columns = {
            "name": names,
            "accession": [accession(name) for name in names],
            "gene": list(self.genes),
            "residues": np.asarray(self.lengths),
        }
        return pd.DataFrame(columns)

    def verify(self) -> None:
        """Read everything and compare it with its checksums.

        Raises
        ------
        IntegrityError: naming the array and the block that differ.
        """
        self.folder.verify()

    @cached_property
    def _tokens(self) -> NDArray[np.uint8]:
        return self.folder.array("tokens")

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return self.folder.array("starts")

    def _texts(self, name: str) -> Texts:
        return Texts(self.folder.array(f"{name}s"), self.folder.array(f"{name}_starts"))
