"""A batch that is proposed: which candidates, measured how, what they are expected to give and to cost, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

Number = int | float
REPLICATES = "replicates"
"""Key of an allocation that says how many measurements of the candidate are asked for; one without it."""


@dataclass(frozen=True)
class Choice:
    """One candidate of a batch, or of those that would come next.

    Attributes
    ----------
    candidate: its name; a combination of perturbations is written A+B.
    gain: what it was expected to add to the batch when it was chosen, in the proposal's unit.
    score: what it was worth before anything else was chosen.
    why: in words.
    cost: its share of the money, lanes and controls left out.
    allocation: how it is measured: guides, cells, replicates, lane; empty where there is only one way.
    mean, deviation: what the model expects of each output, and its standard deviation; empty without a model.
    """

    candidate: str
    gain: float
    score: float
    why: str
    cost: float = 0.0
    allocation: Mapping[str, Number | str] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A batch.

    Attributes
    ----------
    choices: in the order in which they were chosen.
    runners_up: what would have come next, the best first.
    unit: of gains, for instance "nats" or "expected hits".
    expected: gain of the whole batch.
    at_random: what a random batch for the same money would be expected to give, or None where it is not known.
    random_deviation: standard deviation of the gain over random batches.
    cost: money by item; their sum is what the batch costs.
    acquisition, model: names of what chose and what predicted.
    fingerprint: hash of the fitted model (sha256), empty without one.
    data: hash of candidates and their features (sha256).
    outputs: names of what is measured.
    controls: how many control guides and usable cells (or wells) a run has, in how many runs and lanes; empty where
        there is no cost.
    layout: rows (candidate or "control", run, lane or plate, usable cells or wells); empty likewise.
    notes: what a reader has to know besides.
    """

    choices: tuple[Choice, ...]
    runners_up: tuple[Choice, ...]
    unit: str
    expected: float
    at_random: float | None
    random_deviation: float | None
    cost: Mapping[str, float]
    acquisition: str
    model: str
    fingerprint: str
    data: str
    outputs: tuple[str, ...]
    controls: Mapping[str, Number | str] = field(default_factory=dict)
    layout: tuple[tuple[str, int, int, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total_cost(self) -> float:
        """Money for the batch."""
        return float(sum(self.cost.values()))

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names in the order in which they were chosen."""
        return tuple(choice.candidate for choice in self.choices)

    def table(self, *, runners_up: bool = False) -> pd.DataFrame:
        """One row a candidate: what to do, how, what it is expected to give, what it costs, and why."""
        rows = [
            self._row(n, one)
            for n, one in enumerate(self.runners_up if runners_up else self.choices, start=1)
        ]
        if self.controls and not runners_up:
            rows.append({"candidate": "control", **self.controls, "why": "what effects are measured against"})
        return pd.DataFrame(rows)

    def lanes(self) -> pd.DataFrame:
        """What goes into which lane (plate) of which run: columns candidate, run, lane, cells."""
        return pd.DataFrame(self.layout, columns=["candidate", "run", "lane", "cells"])

    def _row(self, place: int, one: Choice) -> dict[str, object]:
        expected = {f"expected {name}": value for name, value in zip(self.outputs, one.mean, strict=False)}
        spread = {f"sd {name}": value for name, value in zip(self.outputs, one.deviation, strict=False)}
        return {
            "place": place,
            "candidate": one.candidate,
            **one.allocation,
            f"gain ({self.unit})" if self.unit else "gain": one.gain,
            "score": one.score,
            "cost": one.cost,
            **expected,
            **spread,
            "why": one.why,
        }
