"""The tables of a search: its course, and what the best hypotheses share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pajamo.search.posterior import options, schemes, windows
from pajamo.search.record import Evaluation
from pajamo.search.space import Space


def tables_of(
    space: Space, evaluations: Sequence[Evaluation], chosen: Sequence[Evaluation], pam: int, generation: int
) -> dict[str, pd.DataFrame]:
    """Schemes, windows, options, members and course, by name."""
    return {
        "schemes": schemes(space, evaluations),
        "windows": positions(windows(space, evaluations), pam),
        "options": options(space, evaluations),
        "members": members(space, chosen),
        "course": course(evaluations, generation),
    }


def positions(found: pd.DataFrame, pam: int) -> pd.DataFrame:
    """Positions counted from the PAM: 1 beside it, 0 and below within."""
    from_pam = found["position"] - pam + 1
    return found.assign(from_pam=from_pam, inclusion=found["probability"])[
        ["mechanism", "transition", "from_pam", "inclusion"]
    ]


def members(space: Space, chosen: Sequence[Evaluation]) -> pd.DataFrame:
    """What each member of the ensemble chose."""
    rows = []
    for number, one in enumerate(chosen, start=1):
        held = {"member": number, "mechanism": one.candidate.mechanism, "reward": one.reward}
        rows.append(held | {key: str(value) for key, value in space.values(one.candidate).items()})
    return pd.DataFrame(rows)


def course(evaluations: Sequence[Evaluation], generation: int) -> pd.DataFrame:
    """Mean and best reward of each generation, and the best so far of those with the most training."""
    found, top = [], -np.inf
    steps = max((one.steps for one in evaluations), default=0)
    for first in range(0, len(evaluations), generation):
        part = [one for one in evaluations[first : first + generation] if np.isfinite(one.reward)]
        rewards = [one.reward for one in part]
        top = max([top, *(one.reward for one in part if one.steps == steps)])
        found.append(
            {
                "evaluations": first + min(generation, len(evaluations) - first),
                "mean": float(np.mean(rewards)) if rewards else np.nan,
                "best": max(rewards, default=np.nan),
                "best_so_far": top if np.isfinite(top) else np.nan,
            }
        )
    return pd.DataFrame(found)
