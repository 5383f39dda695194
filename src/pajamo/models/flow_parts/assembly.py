"""Numbers and names of a flow, and states at the end of histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from pajamo.mechanisms.flows.solving.solve import Solver
from pajamo.mechanisms.flows.trajectory import Flow, run_histories
from pajamo.models.flow_parts.words import Histories

Array = NDArray[np.float64]

SOLVER = Solver(rtol=1e-5, atol=1e-7)
ROUNDS = 300
TOLERANCE = 1e-7
SURE = 2.0
"""Standard deviations by which an edit must move its own transcript for regulators to be taken to follow it."""
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


def runner(drift: torch.nn.Module, space: Space) -> Flow:
    """What is needed to run words through a drift."""
    return Flow(drift=drift, intervene=space.intervene, rest=_rest, solver=SOLVER)


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
    flow = runner(drift, space)
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


def settle(
    drift: RegulatorFlow, intervention: Intervention, start: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Follow the flow to rest, made(x) = x, and whether it came there; shapes (rows, genes) and (rows,).

    A step is dx/dt over half a decay time. Newton's method would be no gain here: where a level is almost zero,
    production has a kink at rest, and it is the decay, the same for all genes, that draws states together.
    """
    state = intervention.clamp(start)
    moving = torch.ones(len(state), dtype=torch.bool)
    for _ in range(ROUNDS):
        made = intervention.clamp(drift.made(state, intervention))
        moving = (made - state).abs().amax(dim=1) > TOLERANCE
        if not bool(moving.any()):
            return made, ~moving
        state = torch.where(moving[:, None], 0.5 * (state + made), made)
    return state, ~moving


def _rest(drift: RegulatorFlow, intervention: Intervention, start: torch.Tensor) -> torch.Tensor:
    """Where the flow comes to rest; feedback is bounded, so that few perturbations keep moving."""
    state, resting = settle(drift, intervention, start)
    if bool(resting.all()):
        return state
    warn(
        f"{int((~resting).sum())} perturbations come to no steady state under this feedback; they are predicted "
        "without it (`feedback = 0` under [models.settings.dynamics] does so for all)"
    )
    # at the medium's own level no transcript has moved, so that no regulator follows one
    plain = intervention.clamp(drift.made(drift.levels[intervention.medium], intervention))
    return torch.where(resting[:, None], state, plain)


@dataclass(frozen=True)
class Regulation:
    """One column for each perturbed gene, and at the end one of zeros that stands for all others.

    Attributes
    ----------
    targets: names; the last is `UNKNOWN`.
    effect, sd: change of production and its standard deviation in a cell that carries the edit, ln(1 + CP10K),
        shape (targets, genes).
    own: component of each target's own transcript, -1 if it was not measured; shape (targets,).
    moved: how far the edit moves that transcript, ln(1 + CP10K); 0 where that is not sure.
    dose: of the edit that the column was measured with.
    share: of that effect which the fitted responses hold: less than one where editing is incomplete, or had not come
        to its end; shape (targets,).
    """

    targets: tuple[str, ...]
    effect: Array
    sd: Array
    own: NDArray[np.intp]
    moved: Array
    dose: Array
    share: Array

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        effect: Array,
        sd: Array,
        genes: Mapping[str, int],
        doses: Mapping[str, float],
        shares: Mapping[str, float],
    ) -> Regulation:
        """Columns of the named genes from fitted responses, their own transcripts among the measured ones.

        Parameters
        ----------
        effect, sd: of the fitted responses, ln(1 + CP10K), shape (names, genes).
        shares: of the whole effect that they hold, see `share`.
        """
        own = np.array([genes.get(name, -1) for name in names] + [-1], dtype=np.intp)
        nothing = np.zeros((1, effect.shape[1]))
        share = np.array([shares.get(name, 1.0) for name in names] + [1.0])
        effect, sd = (np.vstack([table, nothing]) / share[:, None] for table in (effect, sd))
        itself = np.arange(len(own)), own
        heard = (own >= 0) & (np.abs(effect[itself]) > SURE * sd[itself])
        moved = np.where(heard, effect[itself], 0.0)
        dose = np.array([doses.get(name, 0.0) for name in names] + [0.0])
        return cls((*names, UNKNOWN), effect, sd, own, moved, dose, share)

    @property
    def typical(self) -> Array:
        """Mean square of all columns: variance of one that is not known, shape (genes,)."""
        return np.asarray((self.effect[:-1] ** 2).mean(axis=0))

    def with_columns(self, names: Sequence[str], effect: Array) -> Regulation:
        """Columns of genes that were never perturbed beside these, as edited as these are on average.

        What their edits do to their own transcripts is left to the flow: nothing of that was seen.

        Parameters
        ----------
        effect: change of production, ln(1 + CP10K), shape (names, genes).
        """
        n = len(names)
        added = (
            np.full(n, -1), np.zeros(n), np.full(n, self.dose[:-1].mean()), np.full(n, self.share[:-1].mean()),
        )  # fmt: skip
        old = (self.own, self.moved, self.dose, self.share)
        own, moved, dose, share = (np.insert(a, -1, b) for a, b in zip(old, added, strict=True))
        sd = np.insert(self.sd, -1, np.tile(np.sqrt(self.typical), (n, 1)), axis=0)
        effects = np.insert(self.effect, -1, effect, axis=0)
        return Regulation((*self.targets[:-1], *names, UNKNOWN), effects, sd, own, moved, dose, share)

    def direct(self, gain: float) -> Regulation:
        """Columns that, with this feedback, come to rest where these do without: what each edit does by itself.

        At the rest point T_i of edit i every other regulator j acts by p_ij = gain tanh(T_i,own(j) / moved_j), so
        that T = (I + P) C. The floor at zero is left out.
        """
        heard = np.flatnonzero((self.own >= 0) & (self.moved != 0))
        passive = np.zeros((len(self.own), len(self.own)))
        passive[:, heard] = gain * np.tanh(self.effect[:, self.own[heard]] / self.moved[heard])
        np.fill_diagonal(passive, 1.0)
        mixing = np.linalg.inv(passive)
        return replace(self, effect=mixing @ self.effect, sd=np.sqrt(mixing**2 @ self.sd**2))

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
        return {
            "effect": self.effect, "sd": self.sd, "own": self.own, "moved": self.moved, "dose": self.dose,
            "share": self.share,
        }  # fmt: skip

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], targets: Sequence[str]) -> Regulation:
        """Read what `state` gave."""
        own = arrays["own"].astype(np.intp)
        return cls(
            tuple(targets),
            arrays["effect"],
            arrays["sd"],
            own,
            arrays["moved"],
            arrays["dose"],
            arrays["share"],
        )
