"""What the library alone says, without any model: information footprint and expression shift."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.evaluation.information.footprints import information_footprint
from pajamo.evaluation.information.shifts import expression_shift
from pajamo.explanations.explanation import Part

FEWEST = 20
"""Rows below which a footprint shows nothing."""
MOST = 100_000
"""Rows, drawn at random, that show a footprint as well as more would."""


def library_parts(assay: Assay) -> Iterator[Part]:
    """Footprint and shift of each experiment's training set; sequences of different length, and pairs, have none."""
    if assay.varies or isinstance(assay.alphabet, PairAlphabet):
        return
    for experiment in assay.part("training").experiments:
        if experiment.n >= FEWEST:
            shown = shown_rows(experiment)
            yield _footprint(assay, shown)
            yield _shift(assay, shown)


def shown_rows(experiment: Experiment) -> Experiment:
    """The rows that a footprint is made of."""
    if experiment.n <= MOST:
        return experiment
    drawn = np.random.default_rng(0).choice(experiment.n, MOST, replace=False)
    return experiment.rows(np.sort(drawn))


def _footprint(assay: Assay, experiment: Experiment) -> Part:
    table = information_footprint(
        experiment.codes, _recorded(experiment), alphabet=assay.alphabet.letters, wild_type=assay.wild_type
    )
    seen = table[(table["comparison"] == "mutated") & (table["bits"] > table["chance"])]
    text = f"{len(seen)} positions at which a mutation tells more than chance (95 %) about what was recorded."
    return Part(f"footprint of {experiment.name}", text, table, f"footprint_{experiment.name}")


def _shift(assay: Assay, experiment: Experiment) -> Part:
    table = expression_shift(
        experiment.codes, _recorded(experiment), alphabet=assay.alphabet.letters, wild_type=assay.wild_type
    )
    text = "Mean of what was recorded with a mutation minus without: below zero in an activator's site."
    return Part(f"expression shift of {experiment.name}", text, table, f"shift_{experiment.name}")


def _recorded(experiment: Experiment) -> np.ndarray:
    """Counts, values, cut or not, or ln RNA/DNA."""
    recorded = experiment.recorded
    if "counts" in recorded:
        return recorded["counts"]
    if "value" in recorded:
        return recorded["value"]
    if "label" in recorded:
        return recorded["label"]
    return np.asarray(np.log(recorded["rna"] + 0.5) - np.log(recorded["dna"] + 0.5))
