"""What a metric is, and every metric by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.errors import StudyError, nearest
from pajamo.evaluation.panel.side import Side
from pajamo.evaluation.truth import Cells, Truth

GENERAL: Final = "general"
COUNTS: Final = "counts"
"""Families of metrics: every screen's, and the calibrated ones that need raw counts."""


@dataclass(frozen=True)
class Guess:
    """One model's prediction in the order of a truth's conditions and genes.

    Attributes
    ----------
    delta, level: predicted change against the predictor's controls, and predicted mean; (conditions, genes).
    sd: standard deviation of `delta`, (conditions, genes), or None if the model gives none.
    cells: predicted cells by condition, or empty.
    side: gives the prediction as counted cells of the truth's panel; None without a panel.
    """

    delta: Array
    level: Array
    sd: Array | None
    cells: Cells
    side: Callable[[], Side] | None = None


class Values(NamedTuple):
    """A metric for each condition; NaN where it does not apply.

    `undefined` marks conditions where the truth allows a value and the prediction does not: the
    correlation of a prediction without any change, for instance.
    """

    value: Array
    undefined: NDArray[np.bool_]

    @classmethod
    def of(cls, value: Array) -> Values:
        """Values that are defined wherever the metric applies."""
        return cls(value, np.zeros(len(value), dtype=bool))


@dataclass(frozen=True)
class Metric:
    """How a prediction is compared with what was measured, condition by condition.

    Attributes
    ----------
    name: as in tables.
    title: a few words for figures.
    direction: whether higher or lower is better.
    unit: of its values.
    definition: in words and symbols, with all choices.
    source: publication or package.
    undefined: the score where the prediction leaves the metric undefined.
    needs_cells: whether predicted cells are required.
    family: "general", or "counts" for those that need a panel.
    compute: the metric itself.
    """

    name: str
    title: str
    direction: Literal["higher", "lower"]
    unit: str
    definition: str
    source: str
    compute: Callable[[Guess, Truth], Values]
    undefined: float = 0.0
    needs_cells: bool = False
    family: Literal["general", "counts"] = GENERAL

    @property
    def perfect(self) -> float:
        """The score of the truth itself, without noise: 1 where higher is better, 0 for errors."""
        return 1.0 if self.direction == "higher" else 0.0

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.direction == "higher" else -1


_METRICS: dict[str, Metric] = {}
_FILES: Final = (
    "errors_of_means",
    "directions",
    "discrimination",
    "expression",
    "distributions",
    "panel.metrics",
)


def register(metric: Metric) -> Metric:
    """Make a metric known under its name."""
    if metric.name in _METRICS:
        raise ValueError(f"two metrics are called {metric.name!r}")
    _METRICS[metric.name] = metric
    return metric


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by its name, in the order of a report."""
    for name in _FILES:
        importlib.import_module(f"pajamo.evaluation.{name}")
    # Files may have been imported before in any order; tables must not depend on it.
    position = {f"pajamo.evaluation.{name}": i for i, name in enumerate(_FILES)}
    return dict(sorted(_METRICS.items(), key=lambda item: position[item[1].compute.__module__]))


def metric(name: str) -> Metric:
    """The metric of this name.

    Raises
    ------
    StudyError: there is none.
    """
    known = metrics()
    if name not in known:
        raise StudyError(
            f"there is no metric called {name!r}", fix=f"{nearest(name, known)}known: {', '.join(known)}"
        )
    return known[name]
