"""Which proteins, members and stretches an epoch takes: each as often as it should be."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.training.streams.protein_streams import corpus_of, drawn, stream_of, taken

from pajamo.data.proteins.clusters import Clusters
from pajamo.errors import DataError, StudyError
from pajamo.training.streams.samples import ProteinSamples


def numbers(samples: ProteinSamples, epochs: int) -> np.ndarray:
    return np.arange(epochs * len(samples))


def test_each_protein_stands_once_in_each_epoch_in_orders_of_their_own(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, drawn(0, range(20, 70)))
    chosen = np.array([3, 7, 8, 20, 21, 40, 49])
    samples = ProteinSamples(corpus, chosen, None, seed=5, longest=100)
    found = samples.at(numbers(samples, 4)).proteins.reshape(4, 7)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(chosen, (4, 1)))
    assert len(np.unique(found, axis=0)) == 4


def test_each_cluster_gives_one_member_an_epoch_and_all_members_alike(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, drawn(1, [30] * 12))
    clusters = Clusters.numbered(np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]))
    samples = ProteinSamples(corpus, None, clusters, seed=6, longest=100)
    epochs = 3000
    proteins = samples.at(numbers(samples, epochs)).proteins.reshape(epochs, 4)
    np.testing.assert_array_equal(np.sort(clusters.of[proteins], axis=1), np.tile(np.arange(4), (epochs, 1)))
    counts = np.bincount(proteins.reshape(-1), minlength=12)
    for cluster in range(1, 4):
        assert stats.chisquare(counts[clusters.of == cluster]).pvalue > 1e-3
    # Where a cluster comes in an epoch, and which member it gives, have nothing to do with each other.
    place = np.argmax(clusters.of[proteins] == 3, axis=1)
    member = np.take_along_axis(proteins, place[:, None], axis=1)[:, 0]
    table = np.histogram2d(place, member, bins=(4, 6))[0]
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_members_are_taken_from_the_proteins_that_train_alone(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, drawn(2, [30] * 6))
    clusters = Clusters.numbered(np.array([0, 0, 1, 1, 2, 2]))
    stream = stream_of(corpus, np.array([0, 2, 3]), sampled_by=clusters)
    assert len(stream.samples) == 2
    plans, _ = taken(stream, 30)
    seen = {int(one) for plan in plans for one in stream.pack(plan).samples}
    assert seen == {0, 2, 3}


def test_stretches_begin_everywhere_alike_and_whole_proteins_are_whole(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, drawn(3, [57, 20]))
    samples = ProteinSamples(corpus, None, None, seed=7, longest=50)
    found = samples.at(numbers(samples, 4000))
    long = found.proteins == 0
    assert (found.lengths[long] == 50).all()
    assert (found.lengths[~long] == 22).all()
    assert (found.begins[~long] == 0).all()
    counts = np.bincount(found.begins[long])
    assert len(counts) == 10  # 59 tokens, 50 of them: ten places to begin
    assert stats.chisquare(counts).pvalue > 1e-3
    assert samples.cropped() == 1
    assert ProteinSamples(corpus, np.array([1]), None, seed=7, longest=50).cropped() == 0


def test_a_sample_does_not_depend_on_those_asked_for_with_it(tmp_path: Path) -> None:
    samples = ProteinSamples(corpus_of(tmp_path, drawn(4, range(30, 90))), None, None, seed=8, longest=40)
    together = samples.at(numbers(samples, 3))
    for number in (0, 59, 60, 100, 179):
        alone = samples.at(np.array([number]))
        assert alone.proteins[0] == together.proteins[number]
        assert alone.begins[0] == together.begins[number]


class Computed:
    """An array whose values are computed: as a mapped one, it takes no memory."""

    def __init__(self, size: int, value: Any) -> None:
        self.size, self.value = size, value

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: np.ndarray) -> np.ndarray:
        return self.value(place)


def test_sixty_five_million_clusters_need_no_memory_of_their_own() -> None:
    clusters = 65_672_139
    corpus: Any = SimpleNamespace(
        lengths=Computed(3 * clusters, lambda place: 30 + place % 700),
        facts={"residues": 3 * clusters * 380, "proteins": 3 * clusters},
        folder=SimpleNamespace(path="uniref"),
    )
    starts = Computed(clusters + 1, lambda place: 3 * place)
    sampled: Any = Clusters(of=starts, starts=starts, members=Computed(3 * clusters, lambda place: place))
    tracemalloc.start()
    stream = stream_of(corpus, tokens=8192, packs=64, longest=1024, sampled_by=sampled)
    plans, position = taken(stream, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plans) == 640
    assert position.next < clusters
    assert peak < 8e6


def test_nothing_to_train_on_and_samples_that_fit_no_pack_are_refused(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, drawn(5, [30]))
    with pytest.raises(DataError, match="no protein to sample"):
        stream_of(corpus, np.zeros(0, dtype=np.int64))
    with pytest.raises(StudyError, match="does not fit a pack"):
        stream_of(corpus, tokens=64, longest=65)
    with pytest.raises(StudyError, match="hold no residue"):
        stream_of(corpus, longest=2)
