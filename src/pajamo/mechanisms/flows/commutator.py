"""Does the order of two operations matter? The commutator of flows, as a score and as its leading term."""

from __future__ import annotations

import torch

from pajamo.data.history import Segment, Word
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.solving.derivative import directional
from pajamo.mechanisms.flows.trajectory import Flow, run_words


def both_orders(
    flow: Flow, state: torch.Tensor, first: Segment, second: Segment
) -> tuple[torch.Tensor, torch.Tensor]:
    """F_second F_first x and F_first F_second x, each of shape (rows, components).

    Each segment is taken as it stands: an edit that lasts beyond its own segment must be written in both.
    """
    there, back = Word((first, second)), Word((second, first))
    rows = len(state)
    ends = run_words(flow, torch.cat([state, state]), [there] * rows + [back] * rows)
    return ends[:rows], ends[rows:]


def commutator_score(flow: Flow, state: torch.Tensor, first: Segment, second: Segment) -> torch.Tensor:
    """||(F_b F_a - F_a F_b) x|| / ||F_b F_a x - x||, shape (rows,): 0 where the order does not matter.

    A score of 1 means that swapping the two operations moves cells as far as both together moved them. Where
    nothing moves at all the score is 0.

    Parameters
    ----------
    state: x before either operation, shape (rows, components).
    first, second: the operations a and b.
    """
    there, back = both_orders(flow, state, first, second)
    swapped, moved = (there - back).norm(dim=1), (there - state).norm(dim=1)
    still = (swapped == 0) & (moved == 0)
    return torch.where(
        still, torch.zeros_like(swapped), swapped / torch.where(still, torch.ones_like(moved), moved)
    )


def leading_commutator(
    drift: Drift, state: torch.Tensor, first: Intervention, second: Intervention
) -> torch.Tensor:
    """Df_b f_a - Df_a f_b at x, shape (rows, components): the bracket of two drifts.

    Applied for a short time h each, F_b F_a x - F_a F_b x = h^2 (Df_b f_a - Df_a f_b) + O(h^3), with a first in
    the first term (Baker-Campbell-Hausdorff).
    """

    def along(intervention: Intervention, direction: torch.Tensor) -> torch.Tensor:
        return directional(lambda x: drift(x, intervention), state, direction)

    return along(second, drift(state, first)) - along(first, drift(state, second))
