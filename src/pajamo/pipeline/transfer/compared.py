"""Comparisons that learn from the same sites as the network: what is known without any kinetics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from pajamo.config.assays import TransferSettings
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.errors import DataError, ModelError
from pajamo.models.pairs.base import PairModel
from pajamo.models.pairs.registry import MODELS
from pajamo.pipeline.once import Progress
from pajamo.training.transfer.sites import Sites, training_sites

QUICK: Final = ("mismatch-count", "CFD", "additive-sigmoid", "gradient-boosting")
NETWORK: Final = "convolutional"
"""A black box that takes minutes."""


def pooled(assay: Assay, settings: TransferSettings) -> Experiment:
    """The sites of all tables as one table: those that the network learns from, and those of guides kept aside.

    Parameters
    ----------
    assay: tables from which something is learned.
    settings: which rows are left out, for the network and for comparisons alike.

    Returns
    -------
    One experiment; guides are numbered over all tables.

    Raises
    ------
    DataError: nothing to learn from.
    """
    training = training_sites(assay, settings)
    parts = [(training, 0, training.guide)]
    aside = _aside(assay, settings)
    if aside is not None:
        parts.append((aside, 1, aside.guide + int(training.guide.max()) + 1))
    codes = np.concatenate([sites.codes for sites, _, _ in parts])
    recorded = {
        "label": np.concatenate([sites.label for sites, _, _ in parts]),
        "guide": np.concatenate([guide for _, _, guide in parts]).astype(np.float64),
    }
    sets = np.concatenate([np.full(len(sites.label), number) for sites, number, _ in parts])
    return Experiment("pooled", codes, recorded, sets.astype(np.int8))


def _aside(assay: Assay, settings: TransferSettings) -> Sites | None:
    """Sites of the guides kept aside; None where they say nothing."""
    number = SETS.index("validation")
    turned = [
        replace(e, set_of=np.where(e.set_of == number, 0, len(SETS) - 1).astype(np.int8))
        for e in assay.experiments
    ]
    try:
        return training_sites(replace(assay, experiments=tuple(turned)), settings)
    except DataError:
        return None


def fit_compared(
    rows: Experiment, names: Sequence[str], seed: int, progress: Progress = lambda _: None
) -> dict[str, PairModel]:
    """Comparisons by name; one that does not apply to this nuclease is left out.

    Raises
    ------
    DataError: nothing to learn from.
    """
    found = {}
    for name in names:
        progress(f"comparison: {name}")
        model = MODELS[name]("cut", seed)
        try:
            found[name] = model.fit(rows.codes, rows.recorded["label"], rows.set_of, rows.recorded["guide"])
        except ModelError as error:
            progress(f"{name} does not apply: {error.what}")
    return found
