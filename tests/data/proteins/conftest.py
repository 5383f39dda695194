"""Proteins drawn at random, mutated, and built into a corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.data.proteins.building import build_corpus
from pajamo.data.proteins.corpus import ProteinCorpus


@pytest.fixture
def corpus_of(tmp_path: Path) -> Callable[[Sequence[str]], ProteinCorpus]:
    """Build a corpus of sequences, named p0, p1, ..."""

    def build(sequences: Sequence[str]) -> ProteinCorpus:
        fasta = tmp_path / "proteins.fasta"
        fasta.write_text("".join(f">p{i}\n{s}\n" for i, s in enumerate(sequences)))
        return build_corpus(fasta, tmp_path / "proteins.corpus")

    return build


@pytest.fixture
def drawn() -> Callable[..., str]:
    """Draw a protein of so many residues, all amino acids alike."""

    def draw(rng: np.random.Generator, residues: int) -> str:
        return "".join(rng.choice(list(RESIDUES), residues))

    return draw


@pytest.fixture
def mutated() -> Callable[..., str]:
    """A protein of which a given share of residues, at random places, is the same."""

    def mutate(rng: np.random.Generator, sequence: str, identity: float) -> str:
        changed = rng.permutation(len(sequence)) < round((1 - identity) * len(sequence))
        others = [RESIDUES[(RESIDUES.index(letter) + rng.integers(1, 20)) % 20] for letter in sequence]
        return "".join(
            other if change else letter
            for letter, other, change in zip(sequence, others, changed, strict=True)
        )

    return mutate
