"""Reading what a study of an assay names, once, with everything that there is to note about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pajamo.config.assays import AssayStudy, BinsSettings, ContinuousSettings
from pajamo.data.assays.assay import SETS, Assay, Experiment
from pajamo.data.assays.reading import read_assay
from pajamo.errors import PajamoWarning, warn
from pajamo.evaluation.assays.rows import Array, Kind, Measured
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

    def measured(self, set_name: str) -> dict[str, Measured]:
        """The rows of one set of every experiment that has such rows, as they are scored."""
        known: dict[bytes, int] = {}
        found = {}
        for experiment in self.assay.experiments:
            part = experiment.part(set_name)
            numbers = [known.setdefault(row.tobytes(), len(known)) for row in part.codes]
            if part.n:
                found[part.name] = self._measured(part, set_name, np.array(numbers, dtype=np.intp))
        return found

    def _measured(self, part: Experiment, set_name: str, sequences: np.ndarray) -> Measured:
        kind, recorded, observations = self.recorded(part)
        return Measured(part.name, set_name, kind, recorded, observations, sequences)

    def recorded(self, part: Experiment) -> tuple[Kind, Array, Array]:
        """The kind of what was recorded, one number or one row of reads each, and observations, shape (rows,)."""
        settings = self.study.experiments[part.name].measurement
        if isinstance(settings, BinsSettings):
            counts = part.recorded["counts"]
            return "reads", counts, counts.sum(axis=1)
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
            }
            for set_name in SETS
            for name, measured in self.measured(set_name).items()
        ]


def load_assay(study: AssayStudy) -> LoadedAssay:
    """Find and read every table.

    Raises
    ------
    DataError, SplitError, StudyError: as `read_assay`.
    """
    resolved = resolved_study(study)
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
