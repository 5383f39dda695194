"""What designed sequences are to reach: an activity or a reading, in one or several experiments at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from pajamo.config.assays import LatentSettings
from pajamo.config.strict import Config
from pajamo.data.assays.alphabet import Codes
from pajamo.errors import ModelError, nearest
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel

Values = NDArray[np.float64]
BATCH = 8192


class Goal(Config):
    """What one experiment is to show."""

    want: float | Literal["max", "min"]
    """A number to come near, or the largest or smallest possible."""
    of: Literal["activity", "expected"] = "activity"
    """The mechanism's activity (on its own scale; differences count as logarithms), or the expected reading."""
    experiment: str | None = None
    """Which experiment of the model; the only one if not given."""
    inputs: dict[str, float] = Field(default_factory=dict)
    """Concentrations; those of the experiment where it gives one number."""
    weight: float = Field(default=1.0, gt=0)
    """How much it counts beside other goals."""


@dataclass(frozen=True)
class Aim:
    """A goal made ready for a model.

    Attributes
    ----------
    goal: as declared.
    assembly: of the fitted model.
    experiment: its name.
    inputs: concentrations by name.
    """

    goal: Goal
    assembly: Assembly
    experiment: str
    inputs: dict[str, float]

    @property
    def name(self) -> str:
        """How tables call it: "activity in plate (CRP = 2)"."""
        given = ", ".join(f"{key} = {value:g}" for key, value in self.inputs.items())
        return f"{self.goal.of} in {self.experiment}" + (f" ({given})" if given else "")

    @property
    def logarithmic(self) -> bool:
        """Whether the value is a logarithm: activities of mechanisms are, traits and readings are not."""
        return self.goal.of == "activity" and not isinstance(self.assembly.blueprint.settings, LatentSettings)

    @property
    def output(self) -> int:
        """Which output of the mechanism the experiment records."""
        return self.assembly.outputs[self.experiment]

    def conditions(self, rows: int) -> dict[str, Tensor]:
        """The concentrations of so many sequences."""
        return {name: torch.full((rows,), value, dtype=torch.float64) for name, value in self.inputs.items()}

    @torch.no_grad()
    def values(self, codes: Codes) -> Values:
        """ln of the activity (or the trait, or the expected reading) of each sequence, shape (sequences,)."""
        whole = torch.as_tensor(codes)
        parts = [self._values(part) for part in torch.split(whole, BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _values(self, codes: Tensor) -> Values:
        inputs = self.conditions(len(codes))
        if self.goal.of == "activity":
            return np.asarray(self.assembly.activity(codes, self.experiment, inputs).value[:, self.output])
        measurement = self.assembly.measurement(self.experiment)
        return np.asarray(measurement.expected(self.assembly.coordinate(codes, self.experiment, inputs)))

    def score(self, low: Values, high: Values) -> Values:
        """The best score of a value anywhere between two limits: the larger, the better."""
        want, weight = self.goal.want, self.goal.weight
        if want == "max":
            return weight * high
        if want == "min":
            return -weight * low
        target = np.log(want) if self.logarithmic else want
        return -weight * np.maximum(np.maximum(low - target, target - high), 0.0)

    def shown(self, values: Values) -> Values:
        """Values as a user knows them: activities, not their logarithms."""
        return np.exp(values) if self.logarithmic else values


def aims_of(model: AssayModel, goals: Goal | Sequence[Goal]) -> tuple[Aim, ...]:
    """Check goals against a fitted model.

    Raises
    ------
    ModelError: no such experiment, a concentration that is missing or not known, or an activity that cannot be.
    """
    several = (goals,) if isinstance(goals, Goal) else tuple(goals)
    if not several:
        raise ModelError("there is no goal", where="design", fix="give at least one `Goal`")
    aims = tuple(_aim(model, goal) for goal in several)
    names = [aim.name for aim in aims]
    if len(set(names)) < len(names):
        raise ModelError("two goals are about the same value", where="design", fix="give one goal for each")
    return aims


def total_score(aims: Sequence[Aim], codes: Codes) -> Values:
    """Sum of the goals' scores of each sequence, shape (sequences,)."""
    total = np.zeros(len(codes))
    for aim in aims:
        values = aim.values(codes)
        total += aim.score(values, values)
    return total


def _aim(model: AssayModel, goal: Goal) -> Aim:
    known = list(model.experiments)
    name = known[0] if goal.experiment is None and len(known) == 1 else goal.experiment
    if name not in known:
        raise ModelError(
            f"{model.name} has no experiment {name!r}"
            if name
            else "in which experiment is the goal to be reached?",
            where="goal",
            fix=f"{nearest(str(name), known)}give `experiment`, one of: {', '.join(known)}",
        )
    aim = Aim(goal, model.assembly, name, _inputs(model, name, goal))
    if aim.logarithmic and not isinstance(goal.want, str) and goal.want <= 0:
        raise ModelError(
            f"an activity of {goal.want:g} cannot be reached", where="goal", fix="give one above 0"
        )
    return aim


def _inputs(model: AssayModel, experiment: str, goal: Goal) -> dict[str, float]:
    declared = model.experiments[experiment].inputs
    needed = [name for name in model.assembly.blueprint.inputs if declared.get(name) != "fit"]
    for name, value in goal.inputs.items():
        if name not in needed or not 0 <= value < float("inf"):
            raise ModelError(
                f"input {name!r} = {value:g} cannot be set",
                where=f"goal in {experiment}",
                fix=f"{nearest(name, needed)}give concentrations of: {', '.join(needed) or 'none'}",
            )
    given = {name: goal.inputs.get(name, declared.get(name)) for name in needed}
    missing = [name for name, value in given.items() if not isinstance(value, int | float)]
    if missing:
        raise ModelError(
            f"input {missing[0]!r} is missing", where=f"goal in {experiment}", fix="give it in `inputs`"
        )
    return {name: float(value) for name, value in given.items() if value is not None}
