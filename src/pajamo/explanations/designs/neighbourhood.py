"""Every sequence with few edits, where there are few enough to try them all."""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np

from pajamo.data.assays.alphabet import Codes
from pajamo.explanations.designs.constraints import Rules

MOST = 60_000


def neighbours(rules: Rules) -> int:
    """How many sequences are no more edits away than allowed, whatever the other rules."""
    places, other = int(rules.free.sum()), rules.letters - 1
    return sum(comb(places, edits) * other**edits for edits in range(min(rules.most_edits, places) + 1))


def neighbourhood(rules: Rules) -> Codes:
    """All of those that keep to the rules, shape (sequences, length)."""
    places, letters = np.flatnonzero(rules.free), rules.letters
    found = [rules.start[None]]
    for edits in range(1, min(rules.most_edits, len(places)) + 1):
        at = np.array(list(combinations(places, edits)))
        steps = np.array(list(product(range(1, letters), repeat=edits)), dtype=np.uint8)
        block = np.repeat(rules.start[None], len(at) * len(steps), axis=0)
        where = np.repeat(at, len(steps), axis=0)
        rows = np.arange(len(block))[:, None]
        block[rows, where] = (block[rows, where] + np.tile(steps, (len(at), 1))) % letters
        found.append(block)
    every = np.concatenate(found)
    return every[rules.hold(every)]
