"""Seeds of everything random in a fit, made of one; nothing reads or moves the global random state."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 2**31 - 1


def seeds(seed: int, number: int) -> list[int]:
    """Seeds that do not depend on one another; the first ones stay when more are asked for."""
    return [int(child.generate_state(1)[0] % LARGEST) for child in np.random.SeedSequence(seed).spawn(number)]


def plain_seed(seed: int) -> int:
    """The seed as scikit-learn takes it: as it is where it can be, or one made of it."""
    return seed if 0 <= seed <= LARGEST else seeds(abs(seed), 1)[0]


def drawn_rows(results: int, seed: int) -> np.ndarray:
    """Rows of a bootstrap sample: as many as there are, with replacement, at least two of them different."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, results, results)
    while results > 1 and len(np.unique(rows)) < 2:
        rows = rng.integers(0, results, results)
    return rows


def seeded(estimator: Any, seed: int) -> Any:
    """A clone of a scikit-learn estimator with every seed in it set and one process everywhere."""
    from sklearn.base import clone

    found = clone(estimator)
    settings = found.get_params(deep=True)
    chosen: dict[str, Any] = {}
    for key in sorted(settings):
        last = key.rsplit("__", 1)[-1]
        if last == "random_state":
            chosen[key] = plain_seed(seed)
        elif last == "n_jobs" and settings[key] is not None:
            chosen[key] = 1
    return found.set_params(**chosen)
