"""What a search says of schemes and windows: which of them the best hypotheses share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pajamo.search.record import Evaluation
from pajamo.search.space import Candidate, Space

SHARE = 0.05
"""Share of the evaluations, the best ones, that count."""
FEWEST = 20


def best(evaluations: Sequence[Evaluation], count: int) -> list[Evaluation]:
    """The best different hypotheses that had the most training, best first."""
    steps = max((one.steps for one in evaluations), default=0)
    found: dict[Candidate, Evaluation] = {}
    for one in evaluations:
        if one.steps == steps and np.isfinite(one.reward):
            kept = found.setdefault(one.candidate, one)
            found[one.candidate] = max(kept, one, key=lambda each: each.reward)
    return sorted(found.values(), key=lambda one: (-one.reward, one.number))[:count]


def leading(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The hypotheses that the posterior is made of."""
    return best(evaluations, max(FEWEST, int(SHARE * len(evaluations))))


def windows(space: Space, evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """How many of the leading hypotheses of each scheme read each position for each rate.

    Returns
    -------
    One row a scheme, transition and position: `probability`, the share of the scheme's leading hypotheses.
    """
    rows = []
    chosen = [one.candidate for one in leading(evaluations)]
    for name in space.names:
        own = [space.settings(candidate) for candidate in chosen if candidate.mechanism == name]
        for transition in space.templates[name].transitions if own else ():
            covered = np.zeros(space.length)
            for settings in own:
                reads = settings.transitions[transition].reads
                if reads is not None:
                    covered[reads.start : reads.start + (reads.length or space.length)] += 1.0 / len(own)
            rows += [(name, transition, position, share) for position, share in enumerate(covered)]
    return pd.DataFrame(rows, columns=["mechanism", "transition", "position", "probability"])


def schemes(space: Space, evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """For each scheme how often it was tried and leads, its best reward, and the mean of its best five."""
    leads = [one.candidate.mechanism for one in leading(evaluations)]
    rows = []
    for name in space.names:
        own = [one for one in evaluations if one.candidate.mechanism == name]
        top = [one.reward for one in best(own, 5)]
        rows.append(
            {
                "mechanism": name,
                "states": len(space.templates[name].states),
                "tried": len(own),
                "share_of_leading": leads.count(name) / max(len(leads), 1),
                "best_reward": max(top, default=np.nan),
                "mean_of_best_5": float(np.mean(top)) if top else np.nan,
            }
        )
    return pd.DataFrame(rows)


def options(space: Space, evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """How often each option of each choice is taken among the leading hypotheses of its scheme."""
    rows = []
    for name in space.names:
        own = [one.candidate for one in leading(evaluations) if one.candidate.mechanism == name]
        for number, choice in enumerate(space.choices[name]):
            for place, option in enumerate(choice.options):
                share = float(np.mean([c.places[number] == place for c in own])) if own else np.nan
                rows.append((name, choice.transition, choice.key, str(option), share))
    return pd.DataFrame(rows, columns=["mechanism", "transition", "choice", "option", "probability"])
