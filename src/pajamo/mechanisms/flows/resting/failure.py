"""What is said when perturbed cells do not come to rest."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pajamo.errors import ModelError, shorten

FAR = 1e6
"""Times the largest start above which a state counts as running away."""


def no_rest_point(
    state: torch.Tensor, converged: torch.Tensor, start: torch.Tensor, names: Sequence[str] | None
) -> ModelError:
    """Name the perturbations, and say whether they run away or keep moving."""
    missing = torch.nonzero(~converged).flatten().tolist()
    away = state.abs().amax(-1) > FAR * (1.0 + start.abs().amax(-1))
    running = [row for row in missing if bool(away[row])]
    reasons = []
    if running:
        reasons.append(f"{_listed(running, names)}: levels grow without bound, production outruns decay")
    moving = [row for row in missing if row not in running]
    if moving:
        reasons.append(
            f"{_listed(moving, names)}: the flow keeps moving (a cycle, or a border between basins)"
        )
    return ModelError(
        f"no steady state found for {len(missing)} of {len(converged)} perturbations",
        where=_listed(missing, names),
        why="; ".join(reasons),
        fix="integrate to the time that was measured instead of to rest, weight the stability hinge more, "
        "allow more steps (most_steps), or pass raise_=False and leave these rows out",
    )


def _listed(rows: Sequence[int], names: Sequence[str] | None) -> str:
    return shorten(names[row] if names else f"row {row}" for row in rows)
