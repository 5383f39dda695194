"""The best hypotheses of a search, fitted to the whole training set and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.assays.assay import Experiment
from pajamo.measurements.scalar.rates import LogRate
from pajamo.models.assays.model import AssayModel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ensemble:
    """Fitted networks whose readings are averaged; how they differ says how much the choice among them matters."""

    members: Sequence[AssayModel]

    def readings(self, rows: Experiment) -> Array:
        """What each member says that an experiment would record of each row, shape (members, rows)."""
        return np.stack([reading(member, rows) for member in self.members])

    def predict(self, rows: Experiment) -> tuple[Array, Array]:
        """Mean over members, and their standard deviation, each of shape (rows,)."""
        every = self.readings(rows)
        return every.mean(axis=0), every.std(axis=0)


def reading(model: AssayModel, rows: Experiment) -> Array:
    """What an experiment would record of each row, shape (rows,); of rates beyond what it can resolve, the limit.

    Members that agree that a rate is below the limit may differ by decades on how far: their mean would say that of
    the one which exaggerates most.
    """
    measurement = model.assembly.measurement(rows.name)
    if not isinstance(measurement, LogRate):
        return np.asarray(model.predict(rows)["expected"], dtype=np.float64)
    with torch.no_grad():
        return measurement.expected_recorded(torch.as_tensor(model.coordinate(rows))).numpy()
