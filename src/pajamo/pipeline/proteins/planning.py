"""A plan of what a study trains, from the lengths of its own proteins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pajamo.config.proteins import ProteinStudy
from pajamo.pipeline.proteins.loading import corpus_of
from pajamo.training.planning.hardware import parse_fleet
from pajamo.training.planning.plan import Plan
from pajamo.training.streams.samples import ENDS

LOOKED_AT = 200_000
"""Proteins whose lengths are looked at, drawn at random."""


def plan_study(study: ProteinStudy, gpus: str | None, price: float | None, runs: Path) -> Plan:
    """Plan a study's training; without its sequences, for proteins as long as they usually are.

    Raises
    ------
    StudyError: the GPUs are not known.
    DataError: the sequences are there and are no FASTA.
    """
    fleet = None if gpus is None else parse_fleet(gpus)
    lengths = None
    if study.data.path.exists():
        corpus = corpus_of(study.data, runs, lambda _: None)
        drawn = np.random.default_rng(0).integers(len(corpus), size=min(len(corpus), LOOKED_AT))
        lengths = np.minimum(corpus.lengths[drawn] + ENDS, study.data.longest)
    return Plan.of(study.model, study.training, study.masking, fleet, lengths, price)
