"""Numbers and names of a flow, and states at the end of histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Edit, History, Segment
from pajamo.errors import warn
from pajamo.mechanisms.composition import incidence
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.regulators import RegulatorFlow, Regulators
from pajamo.mechanisms.flows.solve import Solver
from pajamo.mechanisms.flows.trajectory import Flow, run_histories
from pajamo.models.flow_parts.words import Histories

Array = NDArray[np.float64]

SOLVER = Solver(rtol=1e-5, atol=1e-7)
ROUNDS = 300
TOLERANCE = 1e-7
UNKNOWN = "(never perturbed)"
"""Name of the target that stands for genes that no training condition perturbed."""


@dataclass(frozen=True)
class Space:
    """Names behind the numbers of a flow.

    Attributes
    ----------
    genes: name of each measured gene to its component.
    media: name of each medium to its position.
    targets: name of each perturbed gene or drug to its column.
    """

    genes: Mapping[str, int]
    media: Mapping[str, int]
    targets: Mapping[str, int]

    def intervene(self, segments: Sequence[Segment]) -> Intervention:
        """Numbers of the given segments; targets that no column is known of count as `UNKNOWN` too."""
        known = [self._with_unknown(segment) for segment in segments]
        return Intervention.of(known, self.genes, self.media, targets=self.targets)

    def _with_unknown(self, segment: Segment) -> Segment:
        strange = [edit for edit in segment.edits if edit.target not in self.targets]
        stand_ins = {Edit(UNKNOWN, edit.kind, edit.strength) for edit in strange}
        return Segment(segment.edits | stand_ins, segment.medium, segment.duration)


def states(
    drift: torch.nn.Module,
    space: Space,
    levels: torch.Tensor,
    histories: Sequence[History],
    begins: Sequence[str],
) -> torch.Tensor:
    """Mean state of the cells at the end of each history, shape (histories, genes).

    Parameters
    ----------
    levels: where unperturbed cells rest, shape (media, genes).
    begins: name of the level in which each history begins.
    """
    flow = Flow(drift=drift, intervene=space.intervene, rest=_rest, solver=SOLVER)
    found = levels.new_zeros(len(histories), levels.shape[1])
    for begin in sorted(set(begins)):
        at = torch.tensor([i for i, name in enumerate(begins) if name == begin])
        start = levels[space.media[begin]]
        found = found.index_add(0, at, run_histories(flow, start, [histories[int(i)] for i in at]))
    return found


def changes(
    drift: torch.nn.Module,
    space: Space,
    levels: torch.Tensor,
    histories: Histories,
    conditions: Sequence[Condition],
) -> torch.Tensor:
    """Change of each condition against its matched control, ln(1 + CP10K), shape (conditions, genes)."""
    settings = sorted({condition.control for condition in conditions})
    asked = [*conditions, *settings]
    words = [histories.history(c) if c.genes else histories.control(c) for c in asked]
    found = states(drift, space, levels, words, [histories.begin(c) for c in asked])
    control = torch.tensor([len(conditions) + settings.index(condition.control) for condition in conditions])
    return found[: len(conditions)] - found[control]


def _rest(drift: RegulatorFlow, intervention: Intervention, start: torch.Tensor) -> torch.Tensor:
    """Where the flow comes to rest: made(x) = x, by damped fixed-point steps from the control's rest point.

    A step is dx/dt over one decay time, half of the way; feedback is bounded, so that few perturbations keep moving.
    """
    state = intervention.clamp(start)
    moving = torch.ones(len(state), dtype=torch.bool)
    for _ in range(ROUNDS):
        made = intervention.clamp(drift.made(state, intervention))
        moving = (made - state).abs().amax(dim=1) > TOLERANCE
        if not bool(moving.any()):
            return made
        state = torch.where(moving[:, None], 0.5 * (state + made), made)
    warn(
        f"{int(moving.sum())} perturbations come to no steady state under this feedback; they are predicted "
        "without it (`feedback = 0` under [models.settings.dynamics] does so for all)"
    )
    plain = drift.made(start, intervention)
    return torch.where(moving[:, None], plain, state)


@dataclass(frozen=True)
class Regulation:
    """One column for each perturbed gene, and at the end one of zeros that stands for all others.

    Attributes
    ----------
    targets: names; the last is `UNKNOWN`.
    effect, sd: change of production and its standard deviation, ln(1 + CP10K), shape (targets, genes).
    own: component of each target's own transcript, -1 if it was not measured; shape (targets,).
    moved: how far the edit moves that transcript, ln(1 + CP10K).
    dose: of the edit that the column was measured with.
    """

    targets: tuple[str, ...]
    effect: Array
    sd: Array
    own: NDArray[np.intp]
    moved: Array
    dose: Array

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        effect: Array,
        sd: Array,
        genes: Mapping[str, int],
        doses: Mapping[str, float],
    ) -> Regulation:
        """Columns of the named genes, their own transcripts among the measured ones."""
        own = np.array([genes.get(name, -1) for name in names] + [-1], dtype=np.intp)
        nothing = np.zeros((1, effect.shape[1]))
        effect = np.vstack([effect, nothing])
        moved = np.where(own >= 0, effect[np.arange(len(own)), own], 0.0)
        dose = np.array([doses.get(name, 0.0) for name in names] + [0.0])
        return cls((*names, UNKNOWN), effect, np.vstack([sd, nothing]), own, moved, dose)

    def members(self, conditions: Sequence[Condition]) -> Array:
        """1 where a condition perturbs a target, shape (conditions, targets)."""
        return incidence(conditions, self.targets)

    def flow(self, levels: Array, common: Array, decay: float, own_share: float) -> RegulatorFlow:
        """The flow with these columns.

        Parameters
        ----------
        levels, common: level of unperturbed cells, and the shared response, in each medium; shape (media, genes).
        """
        numbers = (torch.from_numpy(array.copy()) for array in (self.own, self.moved, self.dose))
        arrays = (torch.from_numpy(array.copy()) for array in (levels, self.effect, common))
        level, effect, shared = arrays
        rate = torch.tensor(decay, dtype=torch.float64)
        return RegulatorFlow(level, rate, Regulators(*numbers), effect, shared, own_share=own_share)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        return {"effect": self.effect, "sd": self.sd, "own": self.own, "moved": self.moved, "dose": self.dose}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], targets: Sequence[str]) -> Regulation:
        """Read what `state` gave."""
        own = arrays["own"].astype(np.intp)
        return cls(tuple(targets), arrays["effect"], arrays["sd"], own, arrays["moved"], arrays["dose"])
