"""What every comparison on guide-target pairs is: pairs in, log10 of a rate or the probability of a cut out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.assay import SETS
from pajamo.data.assays.pairs.pairing import Codes
from pajamo.errors import DataError, ModelError
from pajamo.models.pairs.keeping import kept_aside

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Arrays = dict[str, np.ndarray]
Task = Literal["rate", "cut"]


@dataclass(frozen=True)
class Learned:
    """Rows that a model learns from, and rows on which it stops or chooses.

    Attributes
    ----------
    codes: pairings, shape (rows, length).
    value: log10 of a rate, or 1 found and 0 not, shape (rows,).
    train, aside: places of both sorts of rows.
    """

    codes: Codes
    value: Array
    train: Places
    aside: Places


class PairModel(ABC):
    """A comparison. Test rows may be given to `fit`: they are not looked at.

    Parameters
    ----------
    task: "rate", log10 of 1/s; or "cut", 1 found and 0 not.
    seed: of every random choice.
    """

    name: ClassVar[str]
    """As in tables."""
    title: ClassVar[str]
    """What it is, in a few words."""

    def __init__(self, task: Task, seed: int = 0) -> None:
        self.task, self.seed, self._fitted = task, seed, False

    def fit(
        self,
        codes: Codes,
        value: Array,
        set_of: NDArray[np.int8],
        groups: NDArray[np.float64] | NDArray[np.intp] | None = None,
    ) -> Self:
        """Learn from the training rows; without validation rows some of the training rows are kept aside.

        Parameters
        ----------
        codes: pairings, shape (rows, length).
        value: log10 of the rate, those beyond a limit of detection being the limit; or 1 found and 0 not; (rows,).
        set_of: 0 training, 1 validation, 2 test, shape (rows,).
        groups: the guide of each row, which stays on one side where rows are kept aside, shape (rows,).

        Raises
        ------
        DataError: nothing to learn from: no rows, only one label, or one rate.
        """
        _check(self.task, value[set_of == SETS.index("training")])
        train, aside = kept_aside(codes, value, set_of, groups, seed=self.seed, labels=self.task == "cut")
        self._learn(Learned(codes, value, train, aside))
        self._fitted = True
        return self

    def predict(self, codes: Codes) -> Array:
        """log10 of the rate of each pair, or the probability that it is found; (pairs, length) to (pairs,).

        Raises
        ------
        ModelError: the model was not fitted.
        """
        if not self._fitted:
            raise ModelError(f"{self.name} is not fitted", fix="call fit(...) first")
        return self._say(codes)

    def state(self) -> Arrays:
        """Every number of a fitted model, for a file.

        Raises
        ------
        ModelError: the model was not fitted, or is of a kind that is fitted anew instead.
        """
        if not self._fitted:
            raise ModelError(f"{self.name} is not fitted", fix="call fit(...) first")
        return self._state()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take the numbers that `state` gave: the model then says the same bits.

        Raises
        ------
        ModelError: they are of another kind of model.
        """
        try:
            self._restore(arrays)
        except (KeyError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"the numbers are not of a model {self.name!r}",
                why=str(error),
                fix="name the model that was saved",
            ) from error
        self._fitted = True
        return self

    @abstractmethod
    def _learn(self, learned: Learned) -> None:
        """Fit; both labels, or several rates, are among the training rows."""

    @abstractmethod
    def _say(self, codes: Codes) -> Array:
        """What `predict` promises."""

    @abstractmethod
    def _state(self) -> Arrays:
        """What `state` promises."""

    @abstractmethod
    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """What `restore` promises; numbers that do not fit raise KeyError, ValueError or RuntimeError."""


def _check(task: Task, value: Array) -> None:
    if task == "cut" and not np.isin(value, (0.0, 1.0)).all():
        raise DataError(
            "a label is neither 0 nor 1", where="labels", fix="give 1 for sites that were found, else 0"
        )
    if not np.isfinite(value).all():
        raise DataError("a rate is missing or infinite", where="rates", fix="leave out rows without a rate")
    if len(np.unique(value)) < 2:
        what = "sites that were found and sites that were not" if task == "cut" else "different rates"
        raise DataError(
            "there is nothing to learn from",
            where=f"training set, {len(value)} rows",
            why=f"it needs {what}",
            fix="give other guides or more rows",
        )
