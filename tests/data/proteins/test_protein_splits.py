"""Splits of proteins keep families together, say what leaks, and are refused when altered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pajamo.config.proteins import ProteinSplitSettings
from pajamo.data.proteins import leaks as leaks_module
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.homology import ProteinSplit, split_proteins
from pajamo.data.proteins.leaks import leaks
from pajamo.errors import IntegrityError, PajamoWarning, SplitError

Build = Callable[[list[str]], ProteinCorpus]


def naive_containment(kept: str, training: list[str]) -> tuple[int, float]:
    def six(sequence: str) -> set[str]:
        found = {sequence[i : i + 6] for i in range(len(sequence) - 5)}
        return {word for word in found if "X" not in word}

    own = six(kept)
    shared = [len(own & six(other)) / max(len(own), 1) for other in training]
    return int(np.argmax(shared)), max(shared)


@pytest.mark.parametrize("identity", [0.5, 0.7, 0.9])
def test_a_planted_relative_is_found_and_its_likeness_estimated(
    corpus_of: Build, drawn: Callable[..., str], mutated: Callable[..., str], identity: float
) -> None:
    rng = np.random.default_rng(11)
    training = [drawn(rng, 400) for _ in range(40)]
    kept = [mutated(rng, training[i], identity) for i in range(20)]
    report = leaks(corpus_of(training + kept), np.arange(40, 60), np.arange(40))
    np.testing.assert_array_equal(report.nearest, np.arange(20))
    # A word of six survives with identity^6; its chance errors are those of some hundred overlapping words.
    assert abs(np.median(report.identity) - identity) < 0.04


def test_containment_is_that_of_sets_of_words(
    corpus_of: Build,
    drawn: Callable[..., str],
    mutated: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leaks_module, "KEPT_AT_ONCE", 3)
    rng = np.random.default_rng(12)
    training = [drawn(rng, int(rng.integers(20, 90))) for _ in range(15)]
    kept = [mutated(rng, one, 0.8) for one in training[:6]] + ["MKVLSAMKVLSAMKVLSA", "MKXVLS", "MK"]
    order = rng.permutation(24)
    sequences = (training + kept)[:24]
    corpus = corpus_of([sequences[i] for i in order])
    at = np.argsort(order)
    numbers, learnt = np.sort(at[15:]), np.sort(at[:15])
    report = leaks(corpus, numbers, learnt)
    placed = [sequences[i] for i in order]
    for row, number in enumerate(numbers):
        nearest, share = naive_containment(placed[number], [placed[i] for i in learnt])
        assert report.containment[row] == pytest.approx(share)
        if share:
            own = naive_containment(placed[number], [placed[report.nearest[row]]])[1]
            assert own == pytest.approx(share)
        else:
            assert report.nearest[row] == -1
        assert nearest >= 0


def test_of_very_many_kept_proteins_some_are_looked_at(
    corpus_of: Build, drawn: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks_module, "MOST_KEPT", 5)
    rng = np.random.default_rng(13)
    report = leaks(corpus_of([drawn(rng, 30) for _ in range(20)]), np.arange(10, 20), np.arange(10))
    assert len(report.kept) == 5
    assert report.facts["kept"] == 5


@pytest.fixture
def related(corpus_of: Build, drawn: Callable[..., str], mutated: Callable[..., str]) -> ProteinCorpus:
    """Forty families of three."""
    rng = np.random.default_rng(14)
    ancestors = [drawn(rng, 120) for _ in range(40)]
    return corpus_of([one if i == 0 else mutated(rng, one, 0.8) for one in ancestors for i in range(3)])


def test_families_never_lie_across(related: ProteinCorpus) -> None:
    split = split_proteins(related, ProteinSplitSettings(validation=0.1, test=0.05), seed=3)
    assert split.counts() == {"training": 102, "validation": 12, "test": 6}
    for side in (split.training, split.validation, split.test):
        _, sizes = np.unique(side // 3, return_counts=True)
        assert (sizes == 3).all()
    everything = np.concatenate((split.training, split.validation, split.test))
    np.testing.assert_array_equal(np.sort(everything), np.arange(120))
    assert split.leaks["largest_containment"] < 0.05
    assert split.made["families"] == 40


def test_a_split_is_the_same_again_and_another_with_another_seed(related: ProteinCorpus) -> None:
    settings = ProteinSplitSettings(by="homology")
    once = split_proteins(related, settings, seed=3)
    assert once.hash == split_proteins(related, settings, seed=3).hash
    assert once.hash != split_proteins(related, settings, seed=4).hash


def test_proteins_dealt_out_one_by_one_leak_and_it_is_said(related: ProteinCorpus) -> None:
    with pytest.warns(PajamoWarning, match="keeps no relatives apart"):
        split = split_proteins(related, ProteinSplitSettings(by="protein", validation=0.1), seed=0)
    assert split.leaks["shares"]["0.1"] > 0.8


def test_a_split_is_saved_and_refused_when_altered_or_of_others(
    related: ProteinCorpus, tmp_path: Path
) -> None:
    split = split_proteins(related, ProteinSplitSettings(test=0), seed=3)
    assert len(split.test) == 0
    split.save(tmp_path / "split")
    loaded = ProteinSplit.load(tmp_path / "split", related)
    assert loaded.hash == split.hash
    assert loaded.leaks == split.leaks
    np.testing.assert_array_equal(loaded.families, split.families)
    (tmp_path / "g.fasta").write_text(">a\nMK\n")
    other = build_corpus(tmp_path / "g.fasta", tmp_path / "other")
    with pytest.raises(IntegrityError, match="made for other proteins"):
        ProteinSplit.load(tmp_path / "split", other)
    numbers = tmp_path / "split" / "training.bin"
    numbers.write_bytes(b"\x07" + numbers.read_bytes()[1:])
    with pytest.raises(IntegrityError, match="changed after it was made"):
        ProteinSplit.load(tmp_path / "split", related)


def test_too_few_families_are_refused(corpus_of: Build) -> None:
    with pytest.raises(SplitError, match="2 families cannot be divided"):
        split_proteins(corpus_of(["MKVLSAGRW", "WWPPGGHHC"]), ProteinSplitSettings(), seed=0)
