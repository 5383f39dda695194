"""Families against planted relatives and against all pairs compared one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pajamo.config.proteins import ProteinSplitSettings
from pajamo.data.proteins import candidates as candidates_module
from pajamo.data.proteins import words as words_module
from pajamo.data.proteins.candidates import candidates
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.families import families, homologous, joined
from pajamo.data.proteins.likeness import OTHER, SAME, Diagonals, best_stretches
from pajamo.data.proteins.words import EXACT, REDUCED, words
from pajamo.errors import SplitError

Build = Callable[[list[str]], ProteinCorpus]


@pytest.mark.parametrize("spelling", [EXACT, REDUCED])
def test_words_are_those_of_each_protein_spelled_out(
    corpus_of: Build, monkeypatch: pytest.MonkeyPatch, spelling: words_module.Spelling
) -> None:
    monkeypatch.setattr(words_module, "RESIDUES_AT_ONCE", 25)
    sequences = ["ACDEFGHIKLMN", "AC", "MKVLSAXMKVLSAGRW", "WWWWWWWWWWWWWWWWWWWW"]
    corpus = corpus_of(sequences)
    group = {residue: number for number, letters in enumerate(spelling.groups) for residue in letters}
    expected = []
    for protein, sequence in enumerate(sequences):
        for place in range(len(sequence) - spelling.length + 1):
            word = sequence[place : place + spelling.length]
            if "X" not in word:
                value = 0
                for letter in word:
                    value = value * len(spelling.groups) + group[letter]
                expected.append((value, protein, place))
    found = [
        row
        for piece in words(corpus, spelling)
        for row in zip(piece.spelled.tolist(), piece.proteins.tolist(), piece.places.tolist(), strict=True)
    ]
    assert found == expected


def test_parts_of_all_words_make_up_the_whole_and_are_a_fair_sample(
    corpus_of: Build, drawn: Callable[..., str]
) -> None:
    corpus = corpus_of([drawn(np.random.default_rng(1), 20_000)])

    def spelled(part: tuple[float, float]) -> list[int]:
        return np.concatenate([piece.spelled for piece in words(corpus, EXACT, part=part)]).tolist()

    whole, low, high = spelled((0, 1)), spelled((0, 0.3)), spelled((0.3, 1))
    assert sorted(low + high) == sorted(whole)
    assert abs(len(low) / len(whole) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 20_000)


def test_the_best_stretch_is_that_of_all_stretches(
    corpus_of: Build, drawn: Callable[..., str], mutated: Callable[..., str]
) -> None:
    rng = np.random.default_rng(2)
    a = drawn(rng, 40)
    corpus = corpus_of([a, drawn(rng, 30), mutated(rng, a, 0.6), "M"])
    rows = [(i, j, d) for i in range(4) for j in range(4) for d in (-35, -7, 0, 3, 28)]
    pairs = Diagonals(*(np.array(column) for column in zip(*rows, strict=True)))
    expected = []
    for i, j, shift in rows:
        one, other = corpus.tokens(i), corpus.tokens(j)
        facing = [
            SAME if one[k] == other[k - shift] else OTHER
            for k in range(len(one))
            if 0 <= k - shift < len(other)
        ]
        sums = [sum(facing[p:q]) for p in range(len(facing)) for q in range(p, len(facing) + 1)]
        expected.append(max(sums, default=0))
    np.testing.assert_array_equal(best_stretches(corpus, pairs), expected)


@pytest.mark.parametrize("identity", [0.5, 0.7, 0.9])
def test_planted_relatives_are_one_family_and_strangers_are_not(
    corpus_of: Build, drawn: Callable[..., str], mutated: Callable[..., str], identity: float
) -> None:
    rng = np.random.default_rng(3)
    ancestors = [drawn(rng, 400) for _ in range(30)]
    relatives = [mutated(rng, ancestor, identity) for ancestor in ancestors for _ in range(4)]
    corpus = corpus_of(ancestors + relatives)
    truth = np.concatenate((np.arange(30), np.repeat(np.arange(30), 4)))
    found = homologous(corpus)
    together = found[:, None] == found
    related = truth[:, None] == truth
    assert not together[~related].any()
    # At one half, residues hit at random leave hardly a word of seven: real relatives keep theirs in blocks.
    assert together[related].mean() > {0.5: 0.6, 0.7: 0.999, 0.9: 0.999}[identity]


def test_relatives_with_insertions_and_fragments_are_found(
    corpus_of: Build, drawn: Callable[..., str], mutated: Callable[..., str]
) -> None:
    rng = np.random.default_rng(4)
    a = drawn(rng, 300)
    inserted = mutated(rng, a, 0.8)
    inserted = inserted[:120] + drawn(rng, 30) + inserted[120:]
    corpus = corpus_of([a, inserted, a[100:180], drawn(rng, 300), "X" * 50, "MK"])
    np.testing.assert_array_equal(homologous(corpus), [0, 0, 0, 1, 2, 3])


def test_families_depend_neither_on_passes_nor_on_the_order_of_proteins(
    corpus_of: Build,
    drawn: Callable[..., str],
    mutated: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    ancestors = [drawn(rng, 150) for _ in range(20)]
    corpus = corpus_of(ancestors + [mutated(rng, ancestor, 0.7) for ancestor in ancestors])
    whole = homologous(corpus)
    monkeypatch.setattr(candidates_module, "WORDS_AT_ONCE", 500)
    np.testing.assert_array_equal(homologous(corpus), whole)
    np.testing.assert_array_equal(whole[:20], whole[20:])


def test_keys_of_pairs_hold_the_largest_numbers() -> None:
    last = candidates_module.MOST - 1
    for shift in (-candidates_module.FARTHEST + 1, -1, 0, candidates_module.FARTHEST - 1):
        both = words_module.Words(
            np.zeros(2, dtype=np.uint32), np.array([last, last - 1]), np.array([0, shift])
        )
        keys = candidates_module._keys(both, np.array([0, 0]), np.array([1, 1]))
        pairs = candidates_module._repeated(keys)
        assert (pairs.first[0], pairs.second[0], pairs.shift[0]) == (last - 1, last, shift)


def test_ties_are_passed_on() -> None:
    np.testing.assert_array_equal(joined(5, np.array([0, 3]), np.array([3, 4])), [0, 1, 2, 0, 0])


def test_one_word_alone_makes_no_candidate(corpus_of: Build, drawn: Callable[..., str]) -> None:
    rng = np.random.default_rng(6)
    shared = "MKVLSAG"
    one, other = drawn(rng, 50) + "W" + shared + "C" + drawn(rng, 50), drawn(rng, 70) + "C" + shared + "W"
    assert len(candidates(corpus_of([one, other]))) == 0


def test_families_by_column_and_by_protein(tmp_path: Path) -> None:
    from pajamo.data.proteins.building import build_corpus

    (tmp_path / "f.fasta").write_text(">a\nMK\n>b\nML\n>c\nMV\n")
    (tmp_path / "c.csv").write_text("id,c50\na,z\nc,z\nb,y\n")
    corpus = build_corpus(tmp_path / "f.fasta", tmp_path / "out", tmp_path / "c.csv")
    settings = ProteinSplitSettings(by="column", families="c50")
    np.testing.assert_array_equal(families(corpus, settings), [0, 1, 0])
    np.testing.assert_array_equal(families(corpus, ProteinSplitSettings(by="protein")), [0, 1, 2])


def fake_mmseqs(path: Path, body: str) -> str:
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_links_of_mmseqs_are_added(corpus_of: Build, drawn: Callable[..., str], tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    corpus = corpus_of([drawn(rng, 60) for _ in range(4)])
    body = (
        "assert sys.argv[1] == 'easy-linclust' and '--min-seq-id' in sys.argv\n"
        "names = [line[1:].strip() for line in open(sys.argv[2]) if line[0] == '>']\n"
        "open(sys.argv[3] + '_cluster.tsv', 'w').write(''.join(f'1\\t{n}\\n' if n == '3' else f'{n}\\t{n}\\n' "
        "for n in names))"
    )
    found = homologous(corpus, fake_mmseqs(tmp_path / "mmseqs", body))
    np.testing.assert_array_equal(found, [0, 1, 2, 1])


def test_a_failing_mmseqs_is_told(corpus_of: Build, tmp_path: Path) -> None:
    program = fake_mmseqs(tmp_path / "mmseqs", "sys.exit('no room for the index')")
    with pytest.raises(SplitError, match="MMseqs2 did not cluster") as raised:
        homologous(corpus_of(["MKVLSAGR"]), program)
    assert "no room for the index" in raised.value.why
