"""Main effects as a table that a user can read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.models.base import Reference
from pajamo.models.parts.main_effects import MainEffects
from pajamo.models.parts.singles import MAIN_EFFECT


def main_effect_table(effects: MainEffects, reference: Reference) -> pd.DataFrame:
    """Every main effect with its standard error: one row for each seen single and measured gene."""
    genes = reference.genes.astype(str).to_numpy()
    blocks = []
    for s, setting in enumerate(effects.settings):
        known = np.flatnonzero(effects.seen[s])
        singles = [Condition((effects.names[i],), *setting) for i in known]
        names = np.repeat([str(single) for single in singles], len(genes)).astype(object)
        block = {
            "quantity": MAIN_EFFECT,
            "of": names + " on " + np.tile(genes, len(singles)),
            "value": effects.effects[s, known].ravel(),
            "se": np.sqrt(effects.variances(singles)).ravel(),
            "unit": reference.unit,
        }
        blocks.append(pd.DataFrame(block))
    return pd.concat([block for block in blocks if len(block)], ignore_index=True)
