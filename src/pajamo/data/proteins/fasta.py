"""FASTA: a line with a name, then lines of residues, one letter each; plain or compressed with gzip."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from pajamo.data.proteins.alphabet import LETTERS
from pajamo.errors import DataError

_ALLOWED: Final = LETTERS.encode()
_GENE: Final = re.compile(r"(?:^|\s)GN=(\S+)")
_UNIPROT: Final = ("sp", "tr")


class FastaRecord(NamedTuple):
    """One protein of a file.

    Attributes
    ----------
    name: the header's first word.
    description: what follows it.
    sequence: residues in capital letters, without the mark of a stop at the end.
    line: number of the header's line in the file, from 1.
    """

    name: str
    description: str
    sequence: str
    line: int

    @property
    def gene(self) -> str:
        """The gene's symbol where the header says GN=, as UniProt's do; empty where not."""
        found = _GENE.search(self.description)
        return found.group(1) if found else ""


def accession(name: str) -> str:
    """UniProt's accession in a name as sp|P62593|BLAT_ECOLX; any other name is its own."""
    parts = name.split("|")
    return parts[1] if len(parts) == 3 and parts[0] in _UNIPROT and parts[1] else name


def read_fasta(path: Path) -> Iterator[tuple[str, str]]:
    """Read names and sequences, one protein after the other.

    Raises
    ------
    DataError: as in `read_records`; or two proteins of one name.
    """
    seen: dict[str, int] = {}
    for record in read_records(path):
        if record.name in seen:
            raise duplicated(path, record.name, seen[record.name], record.line)
        seen[record.name] = record.line
        yield record.name, record.sequence


def read_records(path: Path) -> Iterator[FastaRecord]:
    """Read proteins one after the other; memory holds one at a time, and names are not compared.

    Raises
    ------
    DataError: no such file, nothing in it, broken compression, residues before the first header, an empty header, a
        protein without residues, or a letter that is no residue; file, line and name are told.
    """
    header, first, parts, numbers = "", 0, list[bytes](), list[int]()
    for number, line in _lines(path):
        if line.startswith(b">"):
            if first:
                yield _record(path, header, first, parts, numbers)
            header, first, parts, numbers = line[1:].decode("utf-8", "replace").strip(), number, [], []
        elif not first:
            _refuse(path, number, "residues stand before the first header", "begin each protein with >name")
        else:
            parts.append(line)
            numbers.append(number)
    if not first:
        raise DataError("the file holds no protein", where=str(path), fix="give FASTA: >name, then residues")
    yield _record(path, header, first, parts, numbers)


def duplicated(path: Path, name: str, first: int, second: int) -> DataError:
    """The error for a name that stands at two lines of a file."""
    return DataError(
        f"two proteins are called {name!r}",
        where=f"{path}, lines {first} and {second}",
        why="what is known of a protein is found by its name",
        fix="delete one, or rename it",
    )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, stripped, with their numbers."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if stripped := line.strip():
                    yield number, stripped
    except FileNotFoundError:
        raise DataError("there is no such FASTA file", where=str(path), fix="check the path") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            "the FASTA file cannot be read to its end",
            where=str(path),
            why=str(error) or type(error).__name__,
            fix="copy or download it again",
        ) from error


def _record(path: Path, header: str, line: int, parts: list[bytes], numbers: list[int]) -> FastaRecord:
    name, _, description = header.partition(" ")
    if not name:
        _refuse(path, line, "a header has no name", "write a name behind >")
    sequence = b"".join(parts).upper().rstrip(b"*")
    if not sequence:
        _refuse(path, line, f"protein {name!r} has no residues", "delete its header, or give its sequence")
    if sequence.translate(None, _ALLOWED):
        _refuse_letter(path, name, parts, numbers)
    return FastaRecord(name, description.strip(), sequence.decode("ascii"), line)


def _refuse_letter(path: Path, name: str, parts: list[bytes], numbers: list[int]) -> NoReturn:
    for place, (part, number) in enumerate(zip(parts, numbers, strict=True)):
        # Only what ends a protein may be a mark of its stop.
        shown = part.upper().rstrip(b"*") if not b"".join(parts[place + 1 :]).strip(b"*") else part.upper()
        if wrong := shown.translate(None, _ALLOWED):
            letter = wrong[:1].decode("latin-1")
            _refuse(
                path,
                number,
                f"protein {name!r} holds {letter!r}, which is no residue",
                f"the letters are {LETTERS}; write X for a residue that is not known",
            )
    raise AssertionError("a wrong letter stands in one of the lines")


def _refuse(path: Path, line: int, what: str, fix: str) -> NoReturn:
    raise DataError(what, where=f"{path}, line {line}", fix=fix)
