"""What one-step methods share: a step's end, its error and the states inside it are weighted sums of increments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from pajamo.mechanisms.flows.jacobian import Jacobian

Field = Callable[[torch.Tensor], torch.Tensor]
"""dx/dt as a function of the state alone, both of shape (rows, components)."""


@dataclass(frozen=True)
class Increments:
    """What one step adds to the state, before it is weighted.

    Attributes
    ----------
    parts: one for each stage of the method, each of shape (rows, components).
    slope: dx/dt at the end of the step where the method knows it; the next step need not ask again.
    """

    parts: Sequence[torch.Tensor]
    slope: torch.Tensor | None = None


class Method(Protocol):
    """A one-step method with an embedded error estimate and states inside the step.

    x(t + u h) = x(t) + sum over stages i and powers d of dense[i][d] u^(d + 1) part_i, and `weights` are the
    sums of the rows of `dense`, its value at u = 1.
    """

    order: int
    error_order: int
    weights: Sequence[float]
    error_weights: Sequence[float]
    dense: Sequence[Sequence[float]]

    def increments(
        self,
        field: Field,
        state: torch.Tensor,
        step: torch.Tensor,
        *,
        slope: torch.Tensor | None = None,
        jacobian: Callable[[torch.Tensor], Jacobian | None] | None = None,
        end_only: bool = False,
    ) -> Increments:
        """All stages of a step from `state`; `step` has shape (rows, 1), and a step of 0 adds nothing.

        `end_only` allows to leave out stages that neither the error nor states inside the step are asked for.
        """
        ...


def weighted(parts: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    """Sum of parts by their weights; those of weight zero may be absent."""
    used = [(weight, part) for weight, part in zip(weights, parts, strict=False) if weight]
    total = used[0][0] * used[0][1]
    for weight, part in used[1:]:
        total = total + weight * part
    return total


def inside(
    method: Method,
    state: torch.Tensor,
    parts: Sequence[torch.Tensor],
    share: torch.Tensor,
    rows: torch.Tensor,
) -> torch.Tensor:
    """States inside the step, at the given shares of it and for the given rows, shape (len(rows), components)."""
    dense = torch.as_tensor(method.dense, dtype=state.dtype, device=state.device)
    powers = share[:, None] ** torch.arange(1, dense.shape[1] + 1, device=state.device)
    weights = powers @ dense.T
    moved = torch.stack([part[rows] for part in parts])
    return state[rows] + torch.einsum("ps,spn->pn", weights, moved)
