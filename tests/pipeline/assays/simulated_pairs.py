"""Guides, targets with a few differences, and rates or cuts that a planted cost of each mismatch makes."""

import numpy as np
import pandas as pd

STEPS = 6
"""Base pairs of the guides: short ones keep tests quick."""
PAM = "TGG"
LIMIT = -5.0


def pair_table(guides: int, pairs: int, seed: int = 0) -> pd.DataFrame:
    """Columns guide, target, log10_k (beyond the limit: the limit), label; mismatches near the PAM cost most."""
    rng = np.random.default_rng(seed)
    made = ["".join(rng.choice(list("ACGT"), STEPS)) + PAM for _ in range(guides)]
    rows = []
    for number in range(pairs):
        guide = made[number % guides]
        target, cost = list(guide), 0.0
        for place in rng.permutation(STEPS)[: rng.integers(0, 4)]:
            target[place] = str(rng.choice([base for base in "ACGT" if base != guide[place]]))
            cost += 0.6 + 0.4 * place
        rate = -0.5 - cost + 0.2 * rng.standard_normal()
        rows.append(
            (guide, "".join(target), max(rate, LIMIT), int(rate + 0.5 * rng.standard_normal() > -1.5))
        )
    return pd.DataFrame(rows, columns=["guide", "target", "log10_k", "label"])


def rate_study(path, **changed) -> dict:
    """A study of rates of the table, with an R-loop and a short cycle."""
    return {
        "name": "pairs",
        "alphabet": "guide-target",
        "holdout": [0.15, 0],
        "experiments": {
            "wt": {
                "path": str(path),
                "pairs": {"guide": "guide", "target": "target"},
                "output": "cleavage",
                "measurement": {"kind": "rate", "lower": LIMIT},
            }
        },
        "mechanisms": {"loop": {"kind": "r-loop", "steps": STEPS}},
        **changed,
    }


def cycle() -> dict:
    """Bound at the PAM, open, cut: three states, each step reading its own part of the guide."""
    near = {"start": 3, "length": 3, "changes": "kind", "encoder": "profile", "sd": 2.0}
    return {
        "kind": "kinetic",
        "states": ["free", "bound", "open"],
        "transitions": {
            "free->bound": {},
            "bound->free": {},
            "bound->open": {"reads": near},
            "open->bound": {"reads": near},
            "open->free": {"reads": near | {"start": 6}, "makes": ["cleavage"]},
        },
    }
