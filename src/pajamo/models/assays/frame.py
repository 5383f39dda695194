"""What a model must know of the sequences that it was built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pajamo.config.assays import (
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    ExperimentSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.data.assays.alphabet import Alphabet, Codes
from pajamo.data.assays.assay import Assay, Experiment
from pajamo.data.assays.pairs.enzymes import enzyme_of


@dataclass(frozen=True)
class Frame:
    """Letters and length of the sequences of an assay.

    Attributes
    ----------
    alphabet: letters.
    wild_type: the unmutated sequence, whose codes end in the missing one where the longest sequence is longer.
    varies: whether sequences may differ in length.
    """

    alphabet: Alphabet
    wild_type: str
    length: int
    varies: bool

    @classmethod
    def of(cls, assay: Assay) -> Frame:
        """The frame of an assay."""
        wild_type = assay.alphabet.decode(assay.wild_type[None])[0]
        return cls(assay.alphabet, wild_type, assay.length, assay.varies)

    def empty(self, experiments: Mapping[str, ExperimentSettings]) -> Assay:
        """An assay of these experiments without rows, for which a model can be built."""
        found = [self._experiment(name, settings) for name, settings in experiments.items()]
        return Assay(self.alphabet, self.padded([self.wild_type])[0], tuple(found))

    def padded(self, sequences: list[str], where: str = "sequences") -> Codes:
        """Codes of sequences that are no longer than the assay's, shape (sequences, length)."""
        codes = self.alphabet.encode(sequences, where)
        short = self.length - codes.shape[1]
        return np.pad(codes, ((0, 0), (0, short)), constant_values=self.alphabet.missing)

    def _experiment(self, name: str, settings: ExperimentSettings) -> Experiment:
        none = np.zeros(0)
        recorded = dict.fromkeys(_recorded(settings.measurement), none)
        if isinstance(settings.measurement, BinsSettings):
            recorded["counts"] = np.zeros((0, len(settings.measurement.columns or settings.measurement.bins)))
        codes = np.zeros((0, self.length), dtype=np.uint8)
        inputs = dict.fromkeys((key for key, given in settings.inputs.items() if given != "fit"), none)
        enzyme = "" if settings.pairs is None else enzyme_of(settings.pairs.enzyme).name
        return Experiment(name, codes, recorded, np.zeros(0, dtype=np.int8), inputs, enzyme)


def _recorded(measurement: MeasurementSettings) -> tuple[str, ...]:
    """Names of the arrays that an instrument records of each row."""
    if isinstance(measurement, BinsSettings):
        return ("counts", "library") if measurement.library else ("counts",)
    if isinstance(measurement, ContinuousSettings):
        return ("value", "error") if measurement.error else ("value",)
    if isinstance(measurement, RateSettings):
        return ("value", "censored", "error") if measurement.error else ("value", "censored")
    if isinstance(measurement, CutSettings):
        return ("label", "guide")
    return ("rna", "dna")
