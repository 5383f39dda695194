"""Compiling a latent trait: one number that the sequence sets, or one for all sequences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pajamo.config.assays import LatentSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.models.assays.blueprint import Blueprint, Reader, Term
from pajamo.models.assays.compiling.windows import refuse_sliding, require_one_length, window_length

NAME = "trait"


def compile_latent(settings: LatentSettings, assay: Assay) -> Blueprint:
    """Compile a latent trait.

    Raises
    ------
    StudyError: what it reads lies outside the sequence.
    DataError: sequences of different length, read by a map that names positions.
    """
    readers: dict[str, Reader] = {}
    if settings.sequence:
        reads = settings.reads
        refuse_sliding(reads, "reads")
        readers[NAME] = Reader(reads, window_length(reads, assay, "reads"))
        # A convolution looks for its motifs everywhere.
        if reads.encoder != "convolution":
            require_one_length(assay, f"a map of encoder {reads.encoder!r}")
    # Rates keep their unit, so that what is the same for all is a number to be found.
    fixed = not isinstance(assay.alphabet, PairAlphabet)
    return Blueprint(
        settings, (_term(settings, fixed),), readers, (NAME,), np.ones((1, 1)), (NAME,), (NAME,),
        np.zeros((1, 1)), np.full((1, 1), -1),
    )  # fmt: skip


def _term(settings: LatentSettings, fixed: bool) -> Term:
    if not settings.sequence:
        return Term(NAME, "", initial=0.0, fixed=fixed)
    strand: Literal["+", "-"] = "-" if settings.reads.strand == "-" else "+"
    return Term(NAME, "", encoder=NAME, start=settings.reads.start, strand=strand)
