"""Reading what a study of an assay names, once, with everything that there is to note about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pajamo.config.assays import AssayStudy, BinsSettings, ContinuousSettings, CutSettings, RateSettings
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.reading import read_assay
from pajamo.errors import PajamoWarning, warn
from pajamo.evaluation.assays.rows import Array, Kind, Measured
from pajamo.evaluation.assays.units import Numbers, numbered, resampled_units
from pajamo.pipeline.assays.resolving import resolved_study
from pajamo.pipeline.identity import digest

Result = TypeVar("Result")
PSEUDOCOUNT = 0.5
"""Added to counts of RNA and DNA before their ratio is taken, where a figure needs one number a row."""


@dataclass(frozen=True)
class LoadedAssay:
    """A study of an assay and its tables.

    Attributes
    ----------
    asked, study: the study as it was given, and with every table found.
    assay: what was recorded.
    notes: what reading the tables left to say.
    digests: hash of each experiment's table.
    """

    asked: AssayStudy
    study: AssayStudy
    assay: Assay
    notes: tuple[str, ...]
    digests: dict[str, str]

    @property
    def pairs(self) -> bool:
        """Whether guide-target pairs were recorded, no sequences."""
        return isinstance(self.assay.alphabet, PairAlphabet)

    def measured(self, set_name: str) -> dict[str, Measured]:
        """The rows of one set of every experiment that has such rows, as they are scored."""
        listed = [part for e in self.assay.experiments if (part := e.part(set_name)).n]
        blocks = [part.codes for part in listed]
        unit, units = resampled_units(blocks, self.assay.alphabet)
        return {
            part.name: self._measured(part, set_name, sequences, unit, own)
            for part, sequences, own in zip(listed, numbered(blocks), units, strict=True)
        }

    def _measured(
        self, part: Experiment, set_name: str, sequences: Numbers, unit: str, units: Numbers
    ) -> Measured:
        kind, recorded, observations = self.recorded(part)
        censored = part.recorded.get("censored")
        return Measured(part.name, set_name, kind, recorded, observations, sequences, units, unit, censored)

    def recorded(self, part: Experiment) -> tuple[Kind, Array, Array]:
        """The kind of what was recorded, one number or one row of reads each, and observations, shape (rows,).

        A site that was found cut or not counts as one read in one of two bins.
        """
        settings = self.study.experiments[part.name].measurement
        if isinstance(settings, BinsSettings):
            counts = part.recorded["counts"]
            return "reads", counts, counts.sum(axis=1)
        if isinstance(settings, CutSettings):
            label = part.recorded["label"]
            return "cuts", np.stack([1 - label, label], axis=1), np.ones(part.n)
        if isinstance(settings, RateSettings):
            return "rates", part.recorded["value"], np.ones(part.n)
        if isinstance(settings, ContinuousSettings):
            return "values", part.recorded["value"], np.ones(part.n)
        ratio = (part.recorded["rna"] + PSEUDOCOUNT) / (part.recorded["dna"] + PSEUDOCOUNT)
        return "ratios", np.log(ratio), np.ones(part.n)

    @property
    def scored_set(self) -> str:
        """The set on which models are judged: the test set, else what else was held out, else all rows."""
        for name in reversed(SETS):
            if any((experiment.set_of == SETS.index(name)).any() for experiment in self.assay.experiments):
                return name
        return SETS[0]

    def counts(self) -> list[dict[str, object]]:
        """Rows, different sequences and observations of every set of every experiment."""
        return [
            {
                "experiment": name,
                "set": set_name,
                "rows": measured.n,
                "sequences": len(np.unique(measured.sequences)),
                "observations": float(measured.observations.sum()),
                **_beyond(measured),
            }
            for set_name in SETS
            for name, measured in self.measured(set_name).items()
        ]


def _beyond(measured: Measured) -> dict[str, object]:
    """How many rates lie beyond each limit of detection, and how many sites were cut, where either was recorded."""
    if measured.kind == "cuts":
        return {"cut": int(measured.recorded[:, 1].sum())}
    if measured.censored is None:
        return {}
    below, above = (measured.censored < 0).sum(), (measured.censored > 0).sum()
    return {"below the limit": int(below), "above the limit": int(above)}


def load_assay(study: AssayStudy) -> LoadedAssay:
    """Find and read every table.

    Raises
    ------
    DataError, SplitError, StudyError: as `read_assay`; an input of an experiment that no mechanism takes.
    """
    from pajamo.models.assays.compile import refuse_unused_inputs

    resolved = resolved_study(study)
    refuse_unused_inputs(resolved)
    assay, notes = noting(lambda: read_assay(resolved))
    digests = {name: digest(settings.path) for name, settings in resolved.experiments.items()}
    return LoadedAssay(study, resolved, assay, notes, digests)


def noting(work: Callable[[], Result]) -> tuple[Result, tuple[str, ...]]:
    """Do some work, and keep what it warns of as notes; whoever listens is warned all the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = work()
    own = [str(warning.message) for warning in caught if issubclass(warning.category, PajamoWarning)]
    notes = tuple(dict.fromkeys(own))
    for note in notes:
        warn(note)
    return result, notes
