"""Whether rest points attract: eigenvalues of the Jacobian, the stability margin and its hinge."""

from __future__ import annotations

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import Jacobian, jacobian_of
from pajamo.mechanisms.flows.resting.leading import leading

DENSE_UP_TO = 200
"""Components up to which all eigenvalues are found; beyond, only the leading one, by Arnoldi's iteration."""


def eigenvalues(drift: Drift, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    """All eigenvalues of the Jacobian, per unit of time, largest real part first, shape (rows, components).

    A clamped component, which does not move, is not part of the dynamics: its entries come last, as minus infinity.

    Parameters
    ----------
    state: rest points, shape (rows, components).
    """
    with torch.no_grad():
        found = torch.linalg.eigvals(_moving(jacobian_of(drift, state, intervention), intervention).dense())
    found = found.gather(-1, found.real.argsort(dim=-1, descending=True))
    held = intervention.held.sum(-1, keepdim=True)
    position = torch.arange(found.shape[-1], device=state.device)
    return torch.where(position >= found.shape[-1] - held, torch.full_like(found, -torch.inf), found)


def stability_margin(drift: Drift, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    """Largest real part alpha of the Jacobian's eigenvalues, per unit of time, shape (rows,); negative: attracting.

    The state comes back from small disturbances at rate -alpha. Differentiable in the drift's weights and the
    state where the leading eigenvalue is simple: d alpha = Re(w* dJ v / w* v), w and v its left and right
    eigenvectors (Magnus 1985, Econometric Theory 1:179).

    Parameters
    ----------
    state: rest points, shape (rows, components); its own gradient is passed on.
    """
    with torch.no_grad():
        jacobian = _moving(jacobian_of(drift, state, intervention), intervention)
        left, right = leading(jacobian, all_at_once=state.shape[-1] <= DENSE_UP_TO)
    return _bilinear(drift, state, intervention, left, right)


def stability_hinge(
    drift: Drift, state: torch.Tensor, intervention: Intervention, *, margin: float = 0.01
) -> torch.Tensor:
    """max(0, alpha + margin), averaged over rows: zero once every rest point attracts at rate `margin`.

    Parameters
    ----------
    margin: per unit of time.
    """
    return torch.relu(stability_margin(drift, state, intervention) + margin).mean()


def _moving(jacobian: Jacobian, intervention: Intervention) -> Jacobian:
    """The Jacobian with an eigenvalue for each clamped component that is never the leading one.

    The leading real part is at least the mean of all, trace / components.
    """
    held = intervention.held
    entries = torch.where(held, 0.0, jacobian.diagonal_entries())
    mean = entries.sum(-1, keepdim=True) / (~held).sum(-1, keepdim=True).clamp(min=1)
    return jacobian.minus(torch.where(held, 1.0 + 2.0 * mean.abs(), 0.0))


def _bilinear(
    drift: Drift,
    state: torch.Tensor,
    intervention: Intervention,
    left: torch.Tensor,
    right: torch.Tensor,
) -> torch.Tensor:
    """Re(w* J v) of each row as a function of the drift's weights and the state."""
    kept = torch.is_grad_enabled()
    with torch.enable_grad():
        point = state if kept and state.requires_grad else state.detach().requires_grad_()
        change = drift(point, intervention) + 0.0 * point
        parts = []
        for w, v in ((left.real, right.real), (left.imag, right.imag)):
            (pulled,) = torch.autograd.grad(change, point, w, create_graph=kept, retain_graph=True)
            parts.append((pulled * v).sum(-1))
    return parts[0] + parts[1]
