"""Corpora of proteins drawn at random, and streams over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pajamo.config.proteins import MaskingSettings
from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus
from pajamo.training.streams.packs import PackPlan, PackStream, Position


def corpus_of(folder: Path, sequences: list[str]) -> ProteinCorpus:
    """A corpus of these sequences."""
    fasta = folder / "proteins.fasta"
    fasta.write_text("".join(f">p{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))
    return build_corpus(fasta, folder / "proteins.corpus")


def drawn(seed: int, lengths: Any) -> list[str]:
    """Proteins of these lengths."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(RESIDUES), length)) for length in lengths]


def stream_of(corpus: ProteinCorpus, indices: np.ndarray | None = None, **keys: Any) -> PackStream:
    """A stream of small packs."""
    given = {"seed": 1, "tokens": 512, "packs": 3, "longest": 128, "masking": MaskingSettings()} | keys
    return PackStream(corpus, indices, **given)


def taken(stream: PackStream, steps: int, start: Position | None = None) -> tuple[list[PackPlan], Position]:
    """Plans of some global batches, one after the other."""
    position = start or stream.first()
    plans: list[PackPlan] = []
    for _ in range(steps):
        some, position = stream.plan(position)
        plans += some
    return plans, position
