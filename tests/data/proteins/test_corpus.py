"""The corpus gives back what the file held, refuses what contradicts it, and is checked as a folder of arrays is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pajamo.data.proteins import building
from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.errors import DataError, IntegrityError, PajamoWarning

SEQUENCES = ("MKVLSA", "GGXU", "W", "ACDEFGHIKLMNPQRSTVWYBZUOX")


def letters(tokens: np.ndarray) -> str:
    return "".join(TOKENS[token] for token in tokens)


def write(folder: Path, names: str, table: str) -> tuple[Path, Path]:
    fasta, clusters = folder / "f.fasta", folder / "c.tsv"
    fasta.write_text("".join(f">{name}\n{'M' * (2 + i)}\n" for i, name in enumerate(names.split())))
    clusters.write_text(table)
    return fasta, clusters


def test_residues_names_and_lengths_are_those_of_the_file(
    corpus_of: Callable[..., ProteinCorpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PROTEINS", 3)  # two pieces
    corpus = corpus_of(SEQUENCES)
    assert len(corpus) == 4
    assert [letters(corpus.tokens(i)) for i in range(4)] == list(SEQUENCES)
    assert list(corpus.names) == ["p0", "p1", "p2", "p3"]
    assert corpus.names[-1] == "p3"
    assert corpus.names[1:3] == corpus.names[np.array([1, 2])] == ["p1", "p2"]
    np.testing.assert_array_equal(corpus.lengths, [len(s) for s in SEQUENCES])
    assert corpus.facts["longest"] == 25
    corpus.verify()


def test_gathered_residues_are_those_of_each_protein_end_to_end(
    corpus_of: Callable[..., ProteinCorpus],
) -> None:
    corpus = corpus_of(SEQUENCES)
    tokens, lengths = corpus.gather(np.array([3, 0, 3]))
    assert letters(tokens) == SEQUENCES[3] + SEQUENCES[0] + SEQUENCES[3]
    np.testing.assert_array_equal(lengths, [25, 6, 25])
    tokens, _ = corpus.gather(np.array([3, 0]), np.array([5, 1]), np.array([4, 0]))
    assert letters(tokens) == SEQUENCES[3][5:9]
    assert len(corpus.gather(np.zeros(0, dtype=np.int64))[0]) == 0


def test_a_corpus_cannot_be_written_through(corpus_of: Callable[..., ProteinCorpus]) -> None:
    corpus = corpus_of(SEQUENCES)
    with pytest.raises(ValueError, match="read-only"):
        corpus.tokens(0)[0] = 1


def test_altered_residues_are_found_and_other_proteins_have_another_digest(
    corpus_of: Callable[..., ProteinCorpus], tmp_path: Path
) -> None:
    corpus = corpus_of(SEQUENCES)
    (tmp_path / "g.fasta").write_text(">p0\nMKVLSG\n")
    assert build_corpus(tmp_path / "g.fasta", tmp_path / "g.corpus").digest != corpus.digest
    tokens = corpus.folder.path / "tokens.bin"
    tokens.write_bytes(b"\x05" + tokens.read_bytes()[1:])
    with pytest.raises(IntegrityError, match="'tokens' was altered in block 0"):
        ProteinCorpus.open(corpus.folder.path).verify()


def test_identical_proteins_are_counted_and_said(corpus_of: Callable[..., ProteinCorpus]) -> None:
    with pytest.warns(PajamoWarning, match="1 of 3 proteins repeat"):
        assert corpus_of(("MKV", "MKL", "MKV")).facts["identical"] == 1


def test_a_name_that_stands_twice_in_different_pieces_leaves_no_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PROTEINS", 1)
    (tmp_path / "f.fasta").write_text(">a\nMK\n>b\nMV\n>a\nML\n")
    with pytest.raises(DataError, match="two proteins are called 'a'") as raised:
        build_corpus(tmp_path / "f.fasta", tmp_path / "out")
    assert "lines 1 and 5" in raised.value.where
    assert not (tmp_path / "out").exists()


def test_clusters_follow_the_table_whatever_its_order(tmp_path: Path) -> None:
    fasta, table = write(tmp_path, "a sp|P1|X_Y c d", "id\tc50\tgo\nd\t07\tx\nP1\t7\t\nc\t07\tx\na\t7\ty\n")
    corpus = build_corpus(fasta, tmp_path / "out", table)
    clusters = corpus.clusters("c50")
    np.testing.assert_array_equal(clusters.of, [0, 0, 1, 1])  # 7 and 07 are two clusters
    np.testing.assert_array_equal(clusters.sizes(), [2, 2])
    np.testing.assert_array_equal(clusters.members, [0, 1, 2, 3])
    with pytest.raises(DataError, match="1 of 4 proteins have no cluster in column 'go'"):
        corpus.clusters("go")
    with pytest.raises(DataError, match="no clusters 'c5'") as raised:
        corpus.clusters("c5")
    assert "'c50'" in raised.value.fix
    assert corpus.table()["accession"].tolist() == ["a", "P1", "c", "d"]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("id\tc\na\t1\nb\t1\nx\t1\ny\t2\n", "2 rows .* name no protein of the FASTA file: x, y"),
        ("id\tc\nb\t1\n", "1 of 2 proteins are not in the table of clusters: a"),
        ("id\tc\na\t1\nb\t1\nb\t1\n", "protein 'b' has two rows"),
        ("name\tc\na\t1\nb\t1\n", "no column 'id'"),
        ("", "cannot be read"),
    ],
)
def test_a_table_that_does_not_match_is_refused(tmp_path: Path, table: str, what: str) -> None:
    fasta, clusters = write(tmp_path, "a b", table)
    with pytest.raises(DataError, match=what):
        build_corpus(fasta, tmp_path / "out", clusters)
    assert not (tmp_path / "out").exists()


def test_clusters_of_some_proteins_close_up() -> None:
    clusters = Clusters.numbered(np.array([2, 0, 1, 2, 0, -1]))
    np.testing.assert_array_equal(clusters.members, [1, 4, 2, 0, 3])
    some = clusters.within(np.array([1, 3, 5]))
    np.testing.assert_array_equal(some.of, [-1, 0, -1, 1, -1, -1])
    np.testing.assert_array_equal(some.members, [1, 3])
    assert len(some) == 2
    assert len(clusters.within(np.zeros(0, dtype=np.int64))) == 0


def test_the_development_proteins_are_read_whole(dev_data: Path, tmp_path: Path) -> None:
    corpus = build_corpus(dev_data / "proteins" / "uniref90_10k.fasta.gz", tmp_path / "out")
    assert len(corpus) == 10_000
    assert corpus.facts["longest"] == 8001
    assert float(np.median(corpus.lengths)) == 277.5
