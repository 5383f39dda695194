"""A task: an experiment that was done already, and the rules by which strategies repeat a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.benchmark.ceilings import Ceiling
from pajamo.campaigns.benchmark.oracle import mean_of
from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Learner
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Target
from pajamo.errors import DataError

Beginning = Literal["random", "one per class", "most distant"]


@dataclass(frozen=True)
class Protocol:
    """How much is measured and when.

    Attributes
    ----------
    start: candidates that are measured before the first choice.
    rounds, batch: candidates chosen in each round.
    begin: how the start is drawn: at random (warm), one of each class and the rest at random, or the two candidates
        that are furthest apart and the rest at random (cold starts).
    replicates: measurements of each candidate that is chosen.
    repeats: whether candidates that were measured may be chosen again, as long as there are further measurements.
    """

    start: int
    rounds: int
    batch: int
    begin: Beginning = "random"
    replicates: int = 1
    repeats: bool = False

    def __post_init__(self) -> None:
        if min(self.start, self.batch, self.replicates) < 1 or self.rounds < 0:
            raise DataError(
                f"a protocol of {self.start} + {self.rounds} x {self.batch}, {self.replicates} replicates",
                where="protocol of a task",
                fix="start, batch and replicates are at least 1",
            )


@dataclass(frozen=True)
class Price:
    """What measurements cost, for curves on money; the cost of a real screen gives these two numbers.

    Attributes
    ----------
    per_round: fixed cost of a batch.
    per_measurement: of one measurement of one candidate, whether it succeeds or fails.
    unit: of money.
    """

    per_round: float = 0.0
    per_measurement: float = 1.0
    unit: str = "measurements"

    def of(self, measurements: int) -> float:
        """Cost of one round."""
        return self.per_round + self.per_measurement * measurements


@dataclass(frozen=True)
class Task:
    """An experiment that was done already.

    Attributes
    ----------
    name, title: as a command takes it, and in words.
    features: of all candidates, shape (N, F).
    measurements: R of each candidate, D outputs, shape (N, R, D); NaN where one failed. Class numbers 0, 1, ... in
        one output where classes are recorded.
    learner: fitted to the revealed measurements after every round.
    kind: "classes" or "values".
    goal: what strategies are judged on first.
    test: number of candidates held out to judge the model, drawn anew by each seed, or their rows.
    pool: most candidates that may be chosen, drawn by each seed; all others if None.
    target: what makes a candidate good.
    readout: by which hits are judged, upwards good, shape (N,); the mean of the measurements if None. It may rest
        on more than strategies are shown (a second donor).
    share: of the pool that is called hits.
    noise: deviations of real replicates, from which measurements beyond the recorded ones are drawn, shape (K, D).
    noisy: whether they are added to the recorded measurements too.
    price, ceiling, licence, source: what measurements cost, how far replicates agree, whose data these are.
    """

    name: str
    title: str
    features: Features = field(repr=False)
    measurements: Array = field(repr=False)
    learner: Learner
    protocol: Protocol
    kind: Literal["classes", "values"]
    goal: Literal["model", "hits"] = "model"
    test: int | Rows = 0
    pool: int | None = None
    target: Target = field(default_factory=Target)
    readout: Array | None = field(default=None, repr=False)
    share: float = 0.05
    noise: Array | None = field(default=None, repr=False)
    noisy: bool = False
    price: Price = field(default_factory=Price)
    ceiling: Ceiling | None = None
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        found = np.asarray(self.measurements)
        if found.ndim != 3 or len(found) != self.features.shape[0]:
            raise DataError(
                f"measurements have the shape {found.shape}, features {self.features.shape}",
                where=f"task {self.name}",
                fix="give measurements of shape (candidates, measurements of each, outputs)",
            )
        if self.readout is not None and len(self.readout) != len(found):
            raise DataError("the readout needs one value a candidate", where=f"task {self.name}")
        asked = (self.test if isinstance(self.test, int) else len(self.test)) + self.protocol.start
        if asked >= len(found):
            raise DataError(
                f"{len(found):,} candidates, of which {asked:,} are held out or measured at the start",
                where=f"task {self.name}",
                fix="leave some to choose from",
            )

    @property
    def figure(self) -> str:
        """Metric on which strategies are judged first."""
        if self.goal == "hits":
            return "recall"
        return "accuracy" if self.kind == "classes" else "error"

    @property
    def judged_by(self) -> Array:
        """What hits and regret are judged by, upwards good; shape (N,)."""
        return self.target.of(mean_of(self.measurements)) if self.readout is None else self.readout


class Part:
    """Some rows of features, read when they are asked for."""

    def __init__(self, features: Features, rows: Rows) -> None:
        self._features, self._rows = features, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and features."""
        return len(self._rows), self._features.shape[1]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some candidates, shape (rows, F)."""
        return self._features[self._rows[rows]]
