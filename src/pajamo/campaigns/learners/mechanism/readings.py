"""What an experiment records of a candidate, as the columns of a table of results, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.predictive import Array
from pajamo.config.assays import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    ExperimentSettings,
    MeasurementSettings,
)
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Experiment
from pajamo.errors import DataError, ModelError, StudyError


@dataclass(frozen=True)
class Plan:
    """How candidates are measured.

    Attributes
    ----------
    experiment: its name.
    settings: as the assay's study declares it.
    reads: that each candidate gets: reads in all bins together, or DNA counts. Without meaning for one number.
    error: standard error of one number, where the experiment records errors and a result comes without.
    inputs: concentrations at which all candidates are measured.

    Raises
    ------
    StudyError: no reads, or an error that is not above zero.
    ModelError: an experiment whose records are no result of a single sequence.
    """

    experiment: str
    settings: ExperimentSettings
    reads: float = 100.0
    error: float | None = None
    inputs: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.reads > 0 or (self.error is not None and not self.error > 0):
            raise StudyError(
                f"{self.reads:g} reads and a standard error of {self.error} measure nothing",
                where=f"experiment {self.experiment}",
                fix="give `reads` and `error` above 0",
            )
        outputs_of(self.settings.measurement, self.experiment)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns of results: reads of the library and of each bin, RNA and DNA, or the number."""
        return outputs_of(self.settings.measurement, self.experiment)

    def rows(self, codes: Codes, values: Array, noise: Array | None) -> Experiment:
        """Results as rows of the experiment, all to be learned from.

        Parameters
        ----------
        codes: of what was measured, shape (L, length).
        values: as recorded, shape (L, D).
        noise: their variances, shape (L, D), or None.

        Raises
        ------
        DataError: counts that are negative, or a number without its standard error.
        """
        sets = np.zeros(len(codes), dtype=np.int8)
        inputs = {name: np.full(len(codes), value) for name, value in self.inputs.items()}
        return Experiment(self.experiment, codes, self._recorded(values, noise), sets, inputs)

    def _recorded(self, values: Array, noise: Array | None) -> dict[str, NDArray[np.float64]]:
        settings = self.settings.measurement
        if isinstance(settings, ContinuousSettings):
            found = {"value": values[:, 0]}
            return found if settings.error is None else found | {"error": self._errors(len(values), noise)}
        _require_counts(values, self)
        if isinstance(settings, BarcodeSettings):
            return {"rna": values[:, 0], "dna": values[:, 1]}
        assert isinstance(settings, BinsSettings)
        return {"library": values[:, 0], "counts": values[:, 1:]} if settings.library else {"counts": values}

    def _errors(self, size: int, noise: Array | None) -> Array:
        errors = np.full(size, np.nan) if noise is None else np.sqrt(noise[:, 0])
        errors = np.where(np.isnan(errors), np.nan if self.error is None else self.error, errors)
        if not (errors > 0).all():
            raise DataError(
                "a result has no standard error, and the experiment records them",
                where=f"results of {self.experiment}",
                fix=f"give the column 'error {self.outputs[0]}', or one `error` for all in the study",
            )
        return errors


def outputs_of(settings: MeasurementSettings, experiment: str) -> tuple[str, ...]:
    """Names of what an experiment records of one candidate, as its table has them.

    Raises
    ------
    ModelError: an experiment on pairs or rates.
    """
    if isinstance(settings, BinsSettings):
        bins = settings.columns or settings.bins
        return bins if settings.library is None else (settings.library, *bins)
    if isinstance(settings, BarcodeSettings):
        return settings.rna, settings.dna
    if isinstance(settings, ContinuousSettings):
        return (settings.value,)
    raise ModelError(
        f"candidates cannot be chosen for an experiment that records {settings.kind!r}",
        where=f"experiment {experiment}",
        fix="choose an experiment with bins, barcodes or one number a sequence",
    )


def _require_counts(values: Array, plan: Plan) -> None:
    wrong = np.argwhere(~(values >= 0))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"{plan.outputs[column]} is {values[row, column]}, and counts are never below zero",
            where=f"results of {plan.experiment}, row {row + 1}",
            fix="give the counts as recorded",
        )
