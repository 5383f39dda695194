"""Calibrating an ensemble on guides that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pajamo.data.assays.assay import Assay
from pajamo.errors import DataError
from pajamo.models.transfer.calibration import Calibration, platt

if TYPE_CHECKING:
    from pajamo.models.transfer.model import TransferModel


def calibrations(model: TransferModel, validation: Assay) -> dict[str, Calibration]:
    """A line for each table that the model was trained on and that has sites of both kinds here; see `platt`.

    Rows of one pair count as one site, which is found if any of them is.

    Raises
    ------
    DataError: there is no such table.
    """
    found = {}
    for experiment in validation.experiments:
        if experiment.name not in model.experiments or len(set(experiment.recorded["label"].tolist())) < 2:
            continue
        codes, place = np.unique(experiment.codes, axis=0, return_inverse=True)
        labels = np.zeros(len(codes))
        np.maximum.at(labels, place.ravel(), experiment.recorded["label"])
        raw = model.raw_log_odds(codes, experiment.name).mean(axis=0)
        found[experiment.name] = platt(raw, labels)
    if not found:
        raise DataError(
            "there is nothing to calibrate on",
            where="validation set",
            why="no table has sites that were found, and sites that were not, of guides kept aside",
            fix="name `validation_guides` that have both",
        )
    return found
