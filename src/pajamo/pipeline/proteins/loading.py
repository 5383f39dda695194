"""A study's proteins as a corpus, and which of them are kept aside; both are made once and found again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pajamo.config.proteins import ProteinDataSettings, ProteinStudy
from pajamo.data.mapped.manifest import NAME as MANIFEST
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.clusters import Clusters
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.data.proteins.homology import ProteinSplit, split_proteins
from pajamo.data.proteins.variants import Variants, read_variants
from pajamo.pipeline.identity import digest, named_by_hash
from pajamo.pipeline.once import Progress
from pajamo.training.streams.packs import PackStream

CORPORA: Final = "corpora"
"""Folder, beside the runs, of corpora and splits: runs on the same proteins share them."""
ONCE: Final = 1 << 30
"""Added to the seed of masks that stay the same whenever a model is looked at."""


@dataclass(frozen=True)
class LoadedProteins:
    """What a study trains and judges on.

    Attributes
    ----------
    study: as it was asked for.
    corpus: all proteins.
    split: which of them train, validate, and test.
    variants: measured variants by name.
    """

    study: ProteinStudy
    corpus: ProteinCorpus
    split: ProteinSplit
    variants: dict[str, Variants]

    @cached_property
    def clusters(self) -> Clusters | None:
        """Clusters of which an epoch takes one member each."""
        column = self.study.data.sampled_by
        return None if column is None else self.corpus.clusters(column)

    def training(self) -> PackStream:
        """What is trained on."""
        return self._stream(self.split.training, self.study.seed, self.clusters)

    def kept(self, side: str) -> PackStream:
        """What is looked at, "validation" or "test": every protein once, masked as always."""
        return self._stream(getattr(self.split, side), self.study.seed + ONCE, None)

    def _stream(self, indices: NDArray[np.int64], seed: int, clusters: Clusters | None) -> PackStream:
        training = self.study.training
        return PackStream(
            self.corpus, indices, seed=seed, tokens=training.tokens, packs=training.packs,
            longest=min(self.study.data.longest, training.tokens), masking=self.study.masking, sampled_by=clusters,
        )  # fmt: skip


def load_proteins(study: ProteinStudy, runs: Path, progress: Progress) -> LoadedProteins:
    """Read a study's tables; the corpus and the split are made if they have not been made before.

    Raises
    ------
    DataError: whatever is wrong with sequences, clusters or variants.
    SplitError: too few families.
    """
    variants = {name: read_variants(one) for name, one in study.variants.items()}
    corpus = corpus_of(study.data, runs, progress)
    split = _split(study, corpus, runs, progress)
    return LoadedProteins(study, corpus, split, variants)


def corpus_of(data: ProteinDataSettings, runs: Path, progress: Progress) -> ProteinCorpus:
    """The corpus that a study names, or that of the FASTA file that it names.

    Raises
    ------
    DataError: the file is no FASTA, or clusters do not fit it.
    IntegrityError: a corpus that is not whole.
    """
    if (data.path / MANIFEST).is_file():
        return ProteinCorpus.open(data.path)
    stem = data.path.name.split(".")[0]
    path = runs / CORPORA / named_by_hash(stem, digest(data.path), digest(data.clusters), data.name)
    if not path.is_dir():
        progress(f"reading {data.path.name}")
        build_corpus(data.path, path, data.clusters, data.name)
    return ProteinCorpus.open(path)


def _split(study: ProteinStudy, corpus: ProteinCorpus, runs: Path, progress: Progress) -> ProteinSplit:
    path = runs / CORPORA / named_by_hash("split", corpus.digest, _asked(study), study.seed)
    if not path.is_dir():
        progress("looking for families" if study.split.by == "homology" else "dividing proteins")
        split_proteins(corpus, study.split, study.seed).save(path)
    return ProteinSplit.load(path, corpus)


def _asked(study: ProteinStudy) -> dict[str, Any]:
    return study.split.model_dump(mode="json")
