"""A flow whose production answers to regulators: what each does is a column, and columns are a readable network.

    dx/dt = decay * (made - x)
    made  = level of the medium, moved by   sum_i activity_i column_i + common + network(x - level)

Production moves a level up as it is and never takes it below zero: made = L + u for u >= 0 and L e^(u/L) for u < 0,
with slope one at rest. In a medium in which unperturbed cells rest, L is where they rest, by construction.

The activity of a regulator is 0 at rest and 1 under the edit that its column was measured with. Without an edit it
follows the regulator's own transcript: gain * tanh((x_i - L_i) / own_i), own_i being how far that edit moves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import LowRankJacobian
from pajamo.mechanisms.flows.resting.stability import stability_margin


@dataclass(frozen=True)
class Regulators:
    """Which targets a flow knows, and where their own transcripts are.

    Attributes
    ----------
    own: component of each target's own transcript, -1 where it was not measured; shape (targets,).
    moved: how far the edit of full dose moves that transcript, 0 where that is not known; shape (targets,).
    dose: the dose with which each column was measured, 0 for a target without a column; shape (targets,).
    """

    own: torch.Tensor
    moved: torch.Tensor
    dose: torch.Tensor


class RegulatorFlow(torch.nn.Module):
    """Drift of expression levels under edits of regulators.

    Parameters
    ----------
    levels: where unperturbed cells rest in each medium, shape (media, genes), not negative.
    decay: rate at which levels follow production, per unit of time; shape () or (genes,).
    regulators: the targets that edits may name.
    columns: change of production under a target's edit, in units of the level; shape (targets, genes).
    common: change of production under any edit, shape (media, genes).
    network: module from (x - level) to a further change of production that is 0 at 0, or None.
    own_share: share of its production that an edited target loses in its transcript, where no column says so.
    """

    def __init__(
        self,
        levels: torch.Tensor,
        decay: torch.Tensor,
        regulators: Regulators,
        columns: torch.Tensor,
        common: torch.Tensor,
        network: torch.nn.Module | None = None,
        own_share: float = 1.0,
    ) -> None:
        super().__init__()
        self.levels = torch.nn.Parameter(levels)
        self.log_decay = torch.nn.Parameter(decay.log())
        self.columns = torch.nn.Parameter(columns)
        self.common = torch.nn.Parameter(common)
        self.gain = torch.nn.Parameter(torch.zeros((), dtype=levels.dtype))
        self.offset = torch.nn.Parameter(torch.zeros_like(levels))
        self.network = network
        self.own_share = own_share
        self.register_buffer("own", regulators.own)
        self.register_buffer("dose", regulators.dose)
        self.register_buffer("moved", regulators.moved)
        self.listens = torch.nonzero((regulators.own >= 0) & (regulators.moved != 0)).squeeze(-1)
        known = regulators.own[(regulators.dose != 0) & (regulators.own >= 0)]
        self.says = torch.zeros(levels.shape[1], dtype=torch.bool).index_fill(0, known, True)

    @property
    def decay(self) -> torch.Tensor:
        """Rate at which levels follow production, per unit of time."""
        return self.log_decay.exp()

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (rows, genes)."""
        state = intervention.clamp(state)
        made = self.made(state, intervention)
        return torch.where(intervention.held, torch.zeros_like(state), self.decay * (made - state))

    def made(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """The level at which production and decay would balance, shape (rows, genes)."""
        level = self.levels[intervention.medium]
        return moved_level(level, self._change(state, level, intervention)) * self._kept(intervention)

    def low_rank_jacobian(self, state: torch.Tensor, intervention: Intervention) -> LowRankJacobian | None:
        """Jacobian at the state: decay on the diagonal, and one programme for each transcript that is followed.

        None with a network, which may read anything.
        """
        if self.network is not None:
            return None
        state = intervention.clamp(state)
        level, free = self.levels[intervention.medium], ~intervention.held
        bend = moved_level_slope(level, self._change(state, level, intervention)) * self._kept(intervention)
        own, moved = self.own[self.listens], self.moved[self.listens]
        followed = torch.tanh((state[:, own] - level[:, own]) / moved)
        passive = intervention.dose[:, self.listens] == 0
        reads = torch.zeros(self.levels.shape[1], len(own), dtype=state.dtype)
        return LowRankJacobian(
            diagonal=-self.decay * free,
            scale=self.decay * bend * free,
            free=free,
            writes=self.columns[self.listens].T,
            reads=reads.index_put((own, torch.arange(len(own))), torch.ones_like(moved)),
            slope=self.gain * (1.0 - followed**2) / moved * passive,
        )

    def activity(self, state: torch.Tensor, level: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Activity of each target relative to its measured edit, shape (rows, targets)."""
        measured = self.dose != 0
        full = torch.where(measured, self.dose, torch.ones_like(self.dose))
        edited = intervention.dose != 0
        active = torch.where(measured, intervention.dose / full, torch.zeros_like(intervention.dose))
        own = self.own[self.listens]
        followed = torch.tanh((state[:, own] - level[:, own]) / self.moved[self.listens])
        passive = torch.zeros_like(active).index_add(1, self.listens, self.gain * followed)
        return torch.where(edited, active, passive)

    def stability_margin(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Largest real part of the Jacobian's eigenvalues, per unit of time, shape (rows,); negative: attracting.

        With one decay rate d for all genes these are -d, and -d plus the eigenvalues of what the followed transcripts
        do to one another, a matrix of one row a regulator.
        """
        jacobian = self.low_rank_jacobian(state, intervention)
        if jacobian is None or self.log_decay.dim():
            return stability_margin(self, state, intervention)
        if not len(self.listens):
            return -self.decay.expand(len(state))
        among = torch.linalg.eigvals(jacobian.programmes(jacobian.scale)).real.amax(-1)
        alone = (~intervention.held).sum(-1) > len(self.listens)
        return torch.where(alone, among.clamp(min=0.0), among) - self.decay

    def _change(self, state: torch.Tensor, level: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """How far production is moved, in units of the level, shape (rows, genes)."""
        activity = self.activity(state, level, intervention)
        edited = (intervention.dose != 0).any(-1, keepdim=True)
        change = activity @ self.columns + edited * self.common[intervention.medium]
        added = torch.where(self.says, torch.zeros_like(intervention.shift), intervention.shift / self.decay)
        change = change + self.offset[intervention.medium] + added
        return change if self.network is None else change + self.network(state - level)

    def _kept(self, intervention: Intervention) -> torch.Tensor:
        """Share of production that is left to targets whose own column does not say it already."""
        factor = (1.0 + self.own_share * (intervention.factor - 1.0)).clamp(min=0.0)
        return torch.where(self.says, torch.ones_like(factor), factor)


def moved_level(level: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """L + u for u >= 0, L e^(u/L) for u < 0: the slope is one at u = 0, and nothing falls below zero."""
    safe = level.clamp(min=1e-9)
    return torch.where(change >= 0, level + change, safe * torch.exp(change.clamp(max=0.0) / safe))


def moved_level_slope(level: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """d moved_level / d change: one upwards, e^(u/L) downwards."""
    return torch.where(change >= 0, 1.0, torch.exp(change.clamp(max=0.0) / level.clamp(min=1e-9)))
