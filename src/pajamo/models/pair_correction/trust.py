"""How far a pair's correction is trusted: by the number of training doubles, and by where the pair lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.encoders.pair import Profiles, pair_summary
from pajamo.models.base import Array
from pajamo.models.pair_correction.manifold import Manifold
from pajamo.models.pair_correction.pair_entries import pair_rows
from pajamo.models.parts.main_effects import MainEffects


def pair_summaries(profiles: Sequence[Profiles], effects: MainEffects, doubles: Sequence[Condition]) -> Array:
    """Summaries of doubles in any settings (`pajamo.encoders.pair.pair_summary`), shape (doubles, 3)."""
    rows, pairs = effects.rows(doubles), pair_rows(effects, doubles)
    found = np.zeros((len(doubles), 3))
    for s in np.unique(rows):
        found[rows == s] = pair_summary(profiles[s], pairs[rows == s])
    return found


def pair_trust(
    manifold: Manifold,
    profiles: Sequence[Profiles],
    effects: MainEffects,
    share: float,
    doubles: Sequence[Condition],
) -> Array:
    """Few doubles in training, or a pair outside their manifold, or of an unknown gene: towards 0; (doubles,).

    Parameters
    ----------
    share: weight of the stack by the number of training doubles, see `stack.share_of_stack`.
    """
    names = set(effects.names)
    known = np.array([set(double.genes) <= names for double in doubles], dtype=bool)
    trusted = np.zeros(len(doubles))
    rows = np.flatnonzero(known)
    if share > 0 and len(rows):
        inside = pair_summaries(profiles, effects, [doubles[int(i)] for i in rows])
        trusted[rows] = manifold.trust(inside)
    return trusted
