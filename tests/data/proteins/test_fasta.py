"""Reading FASTA: what is accepted, and that every fault is told with its line and name."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pajamo.data.proteins.fasta import accession, read_fasta, read_records
from pajamo.errors import DataError


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    return tmp_path / "some.fasta"


def test_wrapped_lines_lower_case_stops_and_blank_lines_are_read(fasta: Path) -> None:
    fasta.write_text("\n>a first one\nMKV\nlsa*\n\n>b\r\nGGXU\r\n")
    assert list(read_fasta(fasta)) == [("a", "MKVLSA"), ("b", "GGXU")]


def test_gzip_reads_as_the_plain_file(fasta: Path) -> None:
    text = b">a\nMKV\n>b\nWW\n"
    fasta.write_bytes(text)
    packed = fasta.with_suffix(".fasta.gz")
    packed.write_bytes(gzip.compress(text))
    assert list(read_fasta(packed)) == list(read_fasta(fasta))


def test_headers_of_uniprot_give_accession_and_gene(fasta: Path) -> None:
    fasta.write_text(
        ">sp|P04637|P53_HUMAN Tumour antigen OS=Homo sapiens OX=9606 GN=TP53 PE=1\nMEE\n>UniRef90_X\nMA\n"
    )
    first, second = read_records(fasta)
    assert (first.name, accession(first.name), first.gene) == ("sp|P04637|P53_HUMAN", "P04637", "TP53")
    assert (accession(second.name), second.gene, second.line) == ("UniRef90_X", "", 3)


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("", "holds no protein", "some.fasta"),
        ("MKV\n>a\nMK\n", "before the first header", "line 1"),
        (">a\nMK\n>\nMK\n", "header has no name", "line 3"),
        (">\t\nMK\n", "header has no name", "line 1"),
        (">a\n>b\nMK\n", "'a' has no residues", "line 1"),
        (">a\nMK\n>b\n*\n", "'b' has no residues", "line 3"),
        (">a\nMK\nMJK\n", "'a' holds 'J'", "line 3"),
        (">a\nMK*\nMK\n", "'a' holds '*'", "line 2"),
        (">a\nM-K\n", "'a' holds '-'", "line 2"),
        (">a\nMK\n>b\nMM\n>a\nMK\n", "two proteins are called 'a'", "lines 1 and 5"),
    ],
)
def test_faults_name_line_and_protein(fasta: Path, text: str, what: str, where: str) -> None:
    fasta.write_text(text)
    with pytest.raises(DataError, match=what.replace("*", r"\*")) as raised:
        list(read_fasta(fasta))
    assert where in raised.value.where
    assert "some.fasta" in raised.value.where


def test_a_file_that_is_missing_or_cut_short_is_told(fasta: Path) -> None:
    with pytest.raises(DataError, match="no such FASTA"):
        list(read_fasta(fasta))
    cut = fasta.with_suffix(".gz")
    cut.write_bytes(gzip.compress(b">a\n" + b"MKVL" * 1000)[:-20])
    with pytest.raises(DataError, match="cannot be read to its end"):
        list(read_fasta(cut))
