"""Compiling latent traits: numbers that the sequence sets, or that are the same for all sequences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pajamo.config.assays import LatentSettings
from pajamo.data.assays.assay import Assay
from pajamo.models.assays.blueprint import Blueprint, Reader, Term
from pajamo.models.assays.compiling.windows import refuse_sliding, require_one_length, window_length

NAME = "trait"


def compile_latent(settings: LatentSettings, assay: Assay) -> Blueprint:
    """Compile one latent trait, or one for each experiment that is named.

    Raises
    ------
    StudyError: what it reads lies outside the sequence.
    DataError: sequences of different length, read by a map that names positions.
    """
    names = settings.experiments or (NAME,)
    terms = [_term(name, settings) for name in names]
    readers: dict[str, Reader] = {}
    if settings.sequence:
        reads = settings.reads
        refuse_sliding(reads, "reads")
        readers = dict.fromkeys(names, Reader(reads, window_length(reads, assay, "reads")))
        # A convolution looks for its motifs everywhere.
        if reads.encoder != "convolution":
            require_one_length(assay, f"a map of encoder {reads.encoder!r}")
    return Blueprint(
        settings, tuple(terms), readers, names, np.eye(len(names)), names, names,
        np.zeros((len(names), len(names))), np.full((len(names), len(names)), -1),
    )  # fmt: skip


def _term(name: str, settings: LatentSettings) -> Term:
    if not settings.sequence:
        return Term(name, "", initial=0.0, fixed=True)
    strand: Literal["+", "-"] = "-" if settings.reads.strand == "-" else "+"
    return Term(name, "", encoder=name, start=settings.reads.start, strand=strand)
