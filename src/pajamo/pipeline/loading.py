"""What a study names, read and summarised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pajamo.config import Study
from pajamo.data.atomic import sha256
from pajamo.data.conditions import Condition
from pajamo.data.datasets import resolve
from pajamo.data.priors import read_embedding
from pajamo.data.pseudobulk import Pseudobulk, pseudobulk, random_halves
from pajamo.data.reading import read_screen
from pajamo.data.screen import Screen
from pajamo.data.training_set import TrainingSet

CELLS_PER_CONDITION = 200
"""Most cells of a condition that distribution models and metrics look at."""
MOST_VALUES = 100_000_000
"""Most values (cells times genes) held for distributions: 400 MB as float32."""

Cells = Mapping[Condition, NDArray[np.float32]]


@dataclass(frozen=True)
class Loaded:
    """A study with its screen, summarised by condition.

    Attributes
    ----------
    study: with its data set resolved to a file and columns.
    screen: cells by genes; values stay in the file if they are many.
    bulk: means and variances by condition and random half.
    embedding: prior vectors of genes, or empty.
    """

    study: Study
    screen: Screen
    bulk: Pseudobulk
    embedding: Mapping[str, NDArray[np.float64]]

    @cached_property
    def data_hash(self) -> str:
        """Hash of the screen's file."""
        assert self.study.data.path is not None
        return sha256(self.study.data.path)

    @cached_property
    def cells(self) -> tuple[Cells, Cells]:
        """Cells of each condition in ln(1 + CP10K), and apart from them the truth's control cells.

        The first mapping holds all cells of perturbed conditions (up to a number) and the
        predictor's half of the controls, the second the truth's half. Both are empty when the screen
        is too large to hold them.
        """
        return sample_cells(self.screen, self.study.seed)

    def training_set(self, conditions: Sequence[Condition]) -> TrainingSet:
        """What a model may see when these conditions are the training conditions."""
        seen: Cells = {}
        if self.study.evaluation.distributions:
            wanted = set(conditions)
            seen = {c: x for c, x in self.cells[0].items() if c in wanted or c.is_control}
        return TrainingSet.from_pseudobulk(
            self.bulk,
            conditions,
            shared_control=self.study.evaluation.control == "shared",
            embedding=self.embedding,
            cells=seen,
        )


def load(study: Study) -> Loaded:
    """Read what a study names.

    Raises
    ------
    DataError, DownloadError, IntegrityError, StudyError: from reading the screen and the priors.
    """
    study = study.model_copy(update={"data": resolve(study.data)})
    screen = read_screen(study.data)
    embedding = read_embedding(study.priors) if study.priors else {}
    return Loaded(study, screen, pseudobulk(screen, study.seed), embedding)


def sample_cells(screen: Screen, seed: int) -> tuple[Cells, Cells]:
    """Draw up to a fixed number of cells of each condition; controls are divided as in the pseudobulk."""
    half = random_halves(screen.condition_of, len(screen.conditions), seed)
    label = screen.condition_of * 2 + np.where(_is_control(screen)[screen.condition_of], half, 0)
    chosen = _first_of_each(label, np.random.default_rng([seed, 1]).permutation(screen.n_cells))
    if len(chosen) * len(screen.genes) > MOST_VALUES:
        return {}, {}
    values = screen.log_normalised_rows(chosen).toarray().astype(np.float32)
    groups = label[chosen]
    seen = {c: values[groups == 2 * i] for i, c in enumerate(screen.conditions)}
    truth = {c: values[groups == 2 * i + 1] for i, c in enumerate(screen.conditions) if c.is_control}
    return seen, truth


def _is_control(screen: Screen) -> NDArray[np.bool_]:
    return np.array([condition.is_control for condition in screen.conditions])


def _first_of_each(label: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first few cells of each label in the given order, sorted by position."""
    arranged = order[np.argsort(label[order], kind="stable")]
    sizes = np.bincount(label)
    rank = np.arange(len(arranged)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(arranged[rank < CELLS_PER_CONDITION])
