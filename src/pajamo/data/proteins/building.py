"""Turning a FASTA file, and a table of clusters, into a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.data.mapped import MappedWriter
from pajamo.data.proteins.cluster_table import ClusterTable, hashes
from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.corpus import KIND, VERSION, ProteinCorpus
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.fasta import FastaRecord, accession, duplicated, read_records
from pajamo.errors import DataError, shorten, warn

PROTEINS = 4096
"""Proteins that are in memory at a time."""
Words = NDArray[np.uint64]


def build_corpus(
    fasta: str | Path,
    out: str | Path,
    clusters: str | Path | None = None,
    name: str = "id",
    progress: Callable[[int], None] | None = None,
) -> ProteinCorpus:
    """Build a corpus of all proteins of a FASTA file, whole, in the order of the file.

    Memory holds a few thousand proteins at a time, and 24 bytes of every protein to compare names and sequences.

    Parameters
    ----------
    fasta: plain or compressed with gzip.
    out: the folder to make.
    clusters: a table with one row a protein (see `ClusterTable`); each of its columns is kept as clusters.
    name: its column with the proteins' names.
    progress: called with the number of proteins read so far.

    Raises
    ------
    DataError: the file is no FASTA (see `read_records`), two proteins have one name, or the table of clusters and the
        file do not name the same proteins.
    StorageError: the disk refuses; nothing is left.
    """
    fasta, out = Path(fasta), Path(out)
    with MappedWriter(out, KIND, VERSION) as writer:
        seen = _Seen(fasta)
        for records in _pieces(fasta):
            seen.add(records)
            _write(writer, records, seen)
            if progress is not None:
                progress(seen.proteins)
        seen.require_names()
        facts: dict[str, Any] = seen.facts()
        facts |= _write_clusters(writer, seen, None if clusters is None else Path(clusters), name)
        writer.commit(facts)
    if facts["identical"]:
        warn(f"{facts['identical']:,} of {seen.proteins:,} proteins repeat the residues of an earlier one")
    return ProteinCorpus.open(out)


class _Seen:
    """What has to be known of every protein until all are read."""

    def __init__(self, path: Path) -> None:
        self.path, self.proteins, self.residues, self.longest = path, 0, 0, 0
        self.ends = {"name": 0, "gene": 0}
        self._names, self._accessions, self._sequences = list[Words](), list[Words](), list[Words]()

    def add(self, records: list[FastaRecord]) -> None:
        names = [record.name for record in records]
        self._names.append(hashes(names))
        self._accessions.append(hashes([accession(one) for one in names]))
        self._sequences.append(hashes([record.sequence for record in records]))
        self.proteins += len(records)
        self.longest = max(self.longest, *(len(record.sequence) for record in records))

    def require_names(self) -> None:
        """Names whose words are equal are compared as they stand in the file, which is read again for it."""
        words, counts = np.unique(np.concatenate(self._names), return_counts=True)
        if not (twice := words[counts > 1]).size:
            return
        first: dict[str, int] = {}
        for record in read_records(self.path):
            if np.isin(hashes([record.name]), twice)[0]:
                if record.name in first:
                    raise duplicated(self.path, record.name, first[record.name], record.line)
                first[record.name] = record.line

    def table(self) -> ClusterTable:
        return ClusterTable(np.concatenate(self._names), np.concatenate(self._accessions))

    def facts(self) -> dict[str, Any]:
        different = len(np.unique(np.concatenate(self._sequences)))
        return {
            "source": self.path.name,
            "proteins": self.proteins,
            "residues": self.residues,
            "longest": self.longest,
            "identical": self.proteins - different,
        }


def _pieces(fasta: Path) -> Iterator[list[FastaRecord]]:
    records = read_records(fasta)
    while piece := list(islice(records, PROTEINS)):
        yield piece


def _write(writer: MappedWriter, records: list[FastaRecord], seen: _Seen) -> None:
    if seen.residues == 0:
        for array in ("starts", "name_starts", "gene_starts"):
            writer.write(array, np.zeros(1, dtype=np.int64))
    lengths = np.array([len(record.sequence) for record in records], dtype=np.int64)
    writer.write("tokens", tokens_of("".join(record.sequence for record in records)))
    writer.write("lengths", lengths)
    writer.write("starts", seen.residues + np.cumsum(lengths))
    seen.residues += int(lengths.sum())
    for array, texts in (("name", [r.name for r in records]), ("gene", [r.gene for r in records])):
        encoded = [text.encode() for text in texts]
        ends = seen.ends[array] + np.cumsum([len(text) for text in encoded], dtype=np.int64)
        writer.write(f"{array}s", np.frombuffer(b"".join(encoded), dtype=np.uint8))
        writer.write(f"{array}_starts", ends)
        seen.ends[array] = int(ends[-1])


def _write_clusters(writer: MappedWriter, seen: _Seen, path: Path | None, name: str) -> dict[str, Any]:
    complete: dict[str, int] = {}
    gaps: dict[str, int] = {}
    if path is not None:
        table = seen.table()
        columns = table.read(path, name)
        _require_match(table, path, seen)
        for column, (of, empty) in columns.items():
            if empty:
                gaps[column] = empty
                continue
            found = Clusters.numbered(of)
            for part in ("of", "starts", "members"):
                writer.write(f"clusters{len(complete)}_{part}", getattr(found, part))
            complete[column] = len(complete)
    return {"clusters": complete, "clusters_with_gaps": gaps}


def _require_match(table: ClusterTable, path: Path, seen: _Seen) -> None:
    if table.strange:
        raise DataError(
            f"{table.strange:,} rows of the table of clusters name no protein of the FASTA file: "
            f"{shorten(table.examples)}",
            where=str(path),
            fix=f"give the table of the proteins of {seen.path}, or the column with their names",
        )
    if (missing := table.missing()).size:
        wanted = set(missing[:8].tolist())
        examples = [record.name for at, record in enumerate(read_records(seen.path)) if at in wanted]
        raise DataError(
            f"{missing.size:,} of {seen.proteins:,} proteins are not in the table of clusters: "
            f"{shorten(examples)}{' ...' if missing.size > len(examples) else ''}",
            where=str(path),
            fix="add a row for each; one that is like no other is a cluster by itself",
        )
