"""Which states a perturbed cell can rest in, and from where it gets there."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.resting.problem import largest, magnitude
from pajamo.mechanisms.flows.resting.rest import rest_point

SAME = 1e-4
"""Largest relative difference of a component between two states that count as one attractor."""


@dataclass(frozen=True)
class Attractors:
    """Rest points of one perturbation, the one with the largest basin first.

    Attributes
    ----------
    state: shape (attractors, components).
    share: share of the starts that ended there, shape (attractors,).
    unresolved: share of the starts that came to no rest.
    """

    state: torch.Tensor
    share: torch.Tensor
    unresolved: float

    def __len__(self) -> int:
        return len(self.state)

    def nearest(self, state: torch.Tensor) -> torch.Tensor:
        """Position of the attractor that each state is, shape (rows,); -1 where it is none of them."""
        if not len(self):
            return torch.full((len(state),), -1, dtype=torch.long, device=state.device)
        apart = torch.stack([_apart(state, one) for one in self.state], dim=1)
        found = apart.argmin(1)
        return torch.where(apart.amin(1) <= SAME, found, torch.full_like(found, -1))


def attractors(
    drift: Drift, intervention: Intervention, starts: torch.Tensor, *, tolerance: float = 1e-10
) -> Attractors:
    """Follow the flow of one perturbation from many starts and collect where it ends.

    Shares are basin sizes under the distribution that the starts were drawn from; an attractor whose basin holds
    a share p is missed by n starts with probability (1 - p)^n.

    Parameters
    ----------
    intervention: of one row.
    starts: shape (starts, components), for example cells of the control, or draws over the range of levels.

    Raises
    ------
    ModelError: more than one row of interventions, or no start.
    """
    _one_row(intervention, starts)
    with torch.no_grad():
        repeated = intervention[torch.zeros(len(starts), dtype=torch.long, device=starts.device)]
        found = rest_point(drift, repeated, starts, tolerance=tolerance, raise_=False)
    return _collected(found.state[found.converged], len(starts))


def basin(drift: Drift, intervention: Intervention, states: torch.Tensor, known: Attractors) -> torch.Tensor:
    """Position in `known` of the attractor that each state flows to, shape (rows,).

    -1 where a state comes to no rest, or to an attractor that is not among the known ones.

    Parameters
    ----------
    intervention: of one row.
    states: shape (rows, components).
    """
    _one_row(intervention, states)
    with torch.no_grad():
        repeated = intervention[torch.zeros(len(states), dtype=torch.long, device=states.device)]
        found = rest_point(drift, repeated, states, raise_=False)
    return torch.where(found.converged, known.nearest(found.state), -1)


def _collected(ends: torch.Tensor, starts: int) -> Attractors:
    states, counts = [], []
    while len(ends):
        same = _apart(ends, ends[0]) <= SAME
        states.append(ends[0])
        counts.append(int(same.sum()))
        ends = ends[~same]
    order = sorted(range(len(states)), key=lambda i: -counts[i])
    kept = torch.stack([states[i] for i in order]) if states else ends
    share = torch.tensor([counts[i] / starts for i in order], dtype=ends.dtype)
    return Attractors(kept, share, 1.0 - sum(counts) / starts)


def _apart(states: torch.Tensor, one: torch.Tensor) -> torch.Tensor:
    return largest(states - one, magnitude(one.unsqueeze(0)))


def _one_row(intervention: Intervention, states: torch.Tensor) -> None:
    if len(intervention) != 1 or not len(states):
        raise ModelError(
            f"attractors are those of one perturbation, not of {len(intervention)}, from {len(states)} starts",
            where="the search for attractors",
            fix="pass one row of the intervention (intervention[i : i + 1]) and at least one start",
        )
