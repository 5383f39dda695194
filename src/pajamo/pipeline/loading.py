"""What a study names, read and summarised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pajamo.config import DataSettings, Study
from pajamo.data.atomic import sha256
from pajamo.data.cells import Halves, sample_halves, seen_cells
from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.pseudobulk import Pseudobulk, pseudobulk
from pajamo.data.public.datasets import resolve
from pajamo.data.reading.priors import read_embedding
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet


@dataclass(frozen=True)
class Loaded:
    """A study with its screen, summarised by condition.

    Attributes
    ----------
    study: as the user wrote it.
    data: where the screen is, its data set resolved to a file and columns.
    screen: cells by genes; values stay in the file if they are many.
    bulk: means and variances by condition and random half.
    embedding: prior vectors of genes, or empty.
    """

    study: Study
    data: DataSettings
    screen: Screen
    bulk: Pseudobulk
    embedding: Mapping[str, NDArray[np.float64]]

    @cached_property
    def data_hash(self) -> str:
        """Hash of the screen's file."""
        assert self.data.path is not None
        return sha256(self.data.path)

    @cached_property
    def halves(self) -> Halves:
        """Cells of each condition by half; empty if distributions are off or the screen is too large."""
        return sample_halves(self.screen, seed=self.study.seed) if self.study.evaluation.distributions else {}

    @property
    def shared_control(self) -> bool:
        """Whether truth and predictor see the same control cells."""
        return self.study.evaluation.control == "shared"

    @property
    def perturbed(self) -> tuple[Condition, ...]:
        """Every condition but the controls."""
        return tuple(c for c in self.screen.conditions if not c.is_control)

    def training_set(self, conditions: Sequence[Condition], *, counts: bool = False) -> TrainingSet:
        """What a model may see when these are the training conditions; with raw counts if asked for."""
        wanted = set(conditions)
        cells = seen_cells(self.halves, shared_control=self.shared_control)
        table = None
        if counts and self.screen.scale == "counts":
            table = CountTable.from_screen(
                self.screen, conditions, seed=self.study.seed, shared_control=self.shared_control
            )
        return TrainingSet.from_pseudobulk(
            self.bulk,
            conditions,
            shared_control=self.shared_control,
            embedding=self.embedding,
            cells={c: x for c, x in cells.items() if c in wanted or c.is_control},
            counts=table,
        )


def load(study: Study) -> Loaded:
    """Read what a study names.

    Raises
    ------
    DataError, DownloadError, IntegrityError, StudyError: from reading the screen and the priors.
    """
    data = resolve(study.data)
    screen = read_screen(data)
    embedding = read_embedding(study.priors) if study.priors else {}
    return Loaded(study, data, screen, pseudobulk(screen, study.seed), embedding)
