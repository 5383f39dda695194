"""Candidates and what is known of them, as learners and acquisitions see them, wherever they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.graph_coverage import Similarity
from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.state import Measured, State
from pajamo.errors import DataError
from pajamo.protocols.errors import Variances


@dataclass(frozen=True)
class Problem:
    """The pool of a campaign.

    Attributes
    ----------
    names: of all candidates, measured ones too, in the order of the pool.
    features: shape (N, F).
    outputs: names of what is measured.
    data: hash of names and features (sha256).
    members: perturbations of each candidate (A and B of A+B), or None where candidates are no perturbations.
    known: results that came with the candidates: columns candidate, one an output, "error OUTPUT".
    noise: variance of one measurement of each output, where results carry no errors of their own; NaN if unknown.
    between: variance between batches, between batches of one perturbation, and between guides, each as a multiple of
        that between cells; None where the candidates come from no screen with batches.
    classes: names of classes, where classes are recorded instead of values.
    repeats: whether what was measured may be measured again: no, too, or nothing else.
    learner: that goes with these candidates and no other, such as a mechanism.
    graph: how well each candidate stands for each node of a graph of perturbations, shape (N, M), where one is given.
    notes: what a reader has to know of how these candidates were made.
    """

    names: tuple[str, ...]
    features: Features
    outputs: tuple[str, ...]
    data: str
    members: tuple[tuple[str, ...], ...] | None = None
    known: pd.DataFrame | None = None
    noise: Array | None = None
    between: Variances | None = None
    classes: tuple[str, ...] | None = None
    repeats: Literal["no", "too", "only"] = "no"
    learner: Learner | None = None
    graph: Similarity | None = None
    notes: tuple[str, ...] = ()
    place: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {name: row for row, name in enumerate(self.names)})

    @property
    def targets(self) -> Sequence[tuple[str, ...]]:
        """Perturbations of each candidate, or its name alone."""
        return self.members if self.members is not None else [(name,) for name in self.names]

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.names)

    def rows(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Rows of the pool with these names.

        Raises
        ------
        DataError: a name that is none of the candidates.
        """
        missing = [name for name in names if name not in self.place]
        if missing:
            raise DataError(
                f"{missing[0]!r} is not among the candidates",
                where="candidates",
                why=f"{len(missing):,} such names",
                fix="the table of candidates has changed since the campaign began: give the one it was made with",
            )
        return np.array([self.place[name] for name in names], dtype=np.intp)


@dataclass(frozen=True)
class Seen:
    """Results as a learner takes them: one row a measurement, failed ones left out.

    Attributes
    ----------
    rows: of the pool; a candidate that was measured twice stands twice; shape (L,).
    values: shape (L, D).
    noise: variance of each value, shape (L, D), or None where none is known.
    """

    rows: NDArray[np.intp]
    values: Array
    noise: Array | None


def seen_of(problem: Problem, state: State) -> Seen:
    """The results of a campaign that are whole: measurements with an output missing are left out.

    Raises
    ------
    DataError: a result of a candidate that is not in the pool.
    """
    whole = [
        one for one in state.results if all(one.values.get(name) is not None for name in problem.outputs)
    ]
    rows = problem.rows(tuple(one.candidate for one in whole))
    values = np.array([[one.values[name] for name in problem.outputs] for one in whole], dtype=float)
    values = values.reshape(len(whole), len(problem.outputs))
    return Seen(rows, values, _noise(problem, whole))


def _noise(problem: Problem, whole: list[Measured]) -> Array | None:
    """Squared standard errors; where some are missing, the variance of one measurement, or the mean of the others.

    Of an output that came without any it is zero: a learner finds the noise beside what is known by itself.
    """
    fallback = problem.noise if problem.noise is not None else np.full(len(problem.outputs), np.nan)
    given = np.array(
        [[one.errors.get(name, np.nan) for name in problem.outputs] for one in whole], dtype=float
    ).reshape(len(whole), len(problem.outputs))
    found = given**2
    found = np.where(np.isnan(found), fallback, found)
    if np.isnan(found).all():
        return None
    average = np.nanmean(np.where(np.isnan(found).all(axis=0), 0.0, found), axis=0)
    return np.where(np.isnan(found), average, found)
