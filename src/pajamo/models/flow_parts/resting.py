"""Where the cells of each condition come to rest, how firmly, and whether they could rest elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import Segment
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.models.flow_parts.assembly import settle
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.operations import Operation

RANDOM_STARTS = 64
SAME = 1e-3
"""Largest difference of any level between two states that count as one, ln(1 + CP10K)."""
WIDEST = 2.0
"""Random starts lie between no expression and so many times the level of unperturbed cells."""


@dataclass(frozen=True)
class RestPointTable:
    """Rest points of several conditions.

    Attributes
    ----------
    table: a row a condition: converged, margin (largest real part of the Jacobian's eigenvalues, per unit of time;
        negative: small disturbances die out), return_time (-1 / margin), moved (root mean square change against the
        level of unperturbed cells), gene and change (where it is largest), and the units.
    state: levels at rest, ln(1 + CP10K), conditions by genes.
    """

    table: pd.DataFrame
    state: pd.DataFrame


@dataclass(frozen=True)
class AttractorTable:
    """States that cells of one condition can rest in.

    Attributes
    ----------
    table: a row an attractor, the largest basin first: attractor, share (of the starts), margin (above 0 for a rest
        point that some start lay on exactly, but that does not attract), from_control (whether unperturbed cells come
        to rest there), apart (root mean square distance to that one), unit.
    state: levels, ln(1 + CP10K), attractors by genes.
    basins: a row a start: kind (control, perturbation, random), start, and the attractor (-1: it comes to no rest).
    """

    table: pd.DataFrame
    state: pd.DataFrame
    basins: pd.DataFrame


def last_segment(flow: FittedFlow, condition: Condition) -> Segment:
    """Edits and medium at the end of a condition's protocol, in cells that carry most edits."""
    words = [word for _, word in flow.histories.history(condition).branches if len(word)]
    if not words:
        return Segment(medium=flow.histories.begin(condition))
    return max((word.segments[-1] for word in words), key=lambda segment: len(segment.edits))


def rest_points(flow: FittedFlow, conditions: Sequence[Condition]) -> RestPointTable:
    """Rest points of the edits and the medium with which each condition's protocol ends."""
    flow.require_media(conditions)
    drift = flow.drift
    edits = flow.space.intervene([last_segment(flow, condition) for condition in conditions])
    start = drift.levels[edits.medium].detach()
    with torch.no_grad():
        state, resting = settle(drift, edits, start)
        margin = torch.where(resting, drift.stability_margin(state, edits), torch.nan)
    change = (state - start).numpy()
    furthest = np.abs(change).argmax(axis=1)
    time = flow.histories.protocol.time_unit or "decay time"
    names = [str(condition) for condition in conditions]
    table = pd.DataFrame(
        {
            "condition": names,
            "converged": resting.numpy(),
            "margin": margin.numpy(),
            "margin_unit": f"1 / {time}",
            "return_time": -1.0 / margin.numpy(),
            "return_time_unit": time,
            "moved": np.sqrt((change**2).mean(axis=1)),
            "gene": [flow.genes[i] for i in furthest],
            "change": change[np.arange(len(conditions)), furthest],
            "unit": "ln(1 + CP10K)",
        }
    )
    return RestPointTable(table, pd.DataFrame(state.numpy(), index=names, columns=list(flow.genes)))


def attractor_table(
    flow: FittedFlow, condition: Condition, *, random: int = RANDOM_STARTS, seed: int = 0
) -> AttractorTable:
    """Attractors of a condition's last edits and medium, from many starts.

    Starts are unperturbed cells, cells at rest under each known perturbation, and random levels between none and
    `WIDEST` times that of unperturbed cells. An attractor whose basin holds a share p of the random starts is missed
    with probability (1 - p)^random.
    """
    flow.require_media([condition])
    drift = flow.drift
    edits = flow.space.intervene([last_segment(flow, condition)])
    level = drift.levels[edits.medium].detach()
    singles = _rested_singles(flow, edits)
    draws = torch.rand(
        random, len(flow.genes), generator=torch.Generator().manual_seed(seed), dtype=level.dtype
    )
    starts = torch.cat([level, singles, WIDEST * draws * level])
    kinds = ["control"] + ["perturbation"] * len(singles) + ["random"] * random
    names = ["unperturbed", *flow.regulation.targets[:-1], *(f"random {i}" for i in range(random))]
    repeated = edits[torch.zeros(len(starts), dtype=torch.long)]
    with torch.no_grad():
        ends, resting = settle(drift, repeated, starts)
        at = _grouped(ends, resting)
        state = ends[[int(np.argmax(at == label)) for label in range(at.max() + 1)]]
        margin = drift.stability_margin(state, repeated[: len(state)])
    home = state[at[0]] if at[0] >= 0 else level[0]
    labels = np.arange(len(state))
    table = pd.DataFrame(
        {
            "attractor": labels,
            "share": [float((at == label).mean()) for label in labels],
            "margin": margin.numpy(),
            "from_control": labels == at[0],
            "apart": (state - home).square().mean(dim=1).sqrt().numpy(),
            "unit": "ln(1 + CP10K)",
        }
    )
    basins = pd.DataFrame({"kind": kinds, "start": names, "attractor": at})
    return AttractorTable(table, pd.DataFrame(state.numpy(), index=labels, columns=list(flow.genes)), basins)


def _grouped(ends: torch.Tensor, resting: torch.Tensor) -> NDArray[np.intp]:
    """Number of the state that each row came to, the most frequent first; -1 for rows that came to no rest."""
    group = np.full(len(ends), -1, dtype=np.intp)
    left = resting.clone()
    while bool(left.any()):
        first = ends[int(left.nonzero()[0])]
        same = left & ((ends - first).abs().amax(dim=1) <= SAME)
        group[same.numpy()] = group.max() + 1
        left &= ~same
    counts = np.bincount(group[group >= 0], minlength=0)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.array([rank[i] if i >= 0 else -1 for i in group], dtype=np.intp)


def _rested_singles(flow: FittedFlow, edits: Intervention) -> torch.Tensor:
    """Rest points of every known single perturbation in the same medium, shape (targets, genes)."""
    medium = flow.media[int(edits.medium[0])]
    operations = [Operation.of(name, flow) for name in flow.regulation.targets[:-1]]
    segments = [Segment(operation.edits, medium) for operation in operations]
    numbers = flow.space.intervene(segments)
    with torch.no_grad():
        return settle(flow.drift, numbers, flow.drift.levels[numbers.medium])[0]
