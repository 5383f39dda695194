"""How long scikit-activeml takes to choose a batch; run in a virtual environment of its own (see README).

    python activeml_speed.py [--pool 5000] [--features 512] [--batch 96] [--measured 100]

Beside `python benchmarks/selection_speed.py --pool 5000 --only core-set typiclust badge`, on features like its own.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from skactiveml.pool import CoreSet, TypiClust

STRATEGIES = {"core-set": CoreSet, "typiclust": TypiClust}


def features(pool: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Candidates in 200 clusters of unequal size and spread."""
    middles = 3 * rng.standard_normal((200, width), dtype=np.float32)
    label = rng.choice(200, pool, p=rng.dirichlet(np.ones(200)))
    return rng.standard_normal((pool, width), dtype=np.float32) + middles[label]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=int, default=5000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--measured", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=list(STRATEGIES), default=list(STRATEGIES))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    held = features(options.pool, options.features, rng)
    labels = np.full(options.pool, np.nan)
    labels[rng.choice(options.pool, options.measured, replace=False)] = 0
    for name in options.only:
        wall, cpu = time.perf_counter(), time.process_time()
        STRATEGIES[name](random_state=0).query(held, labels, batch_size=options.batch)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {cpu:.2f} CPU s, {wall:.2f} s, peak {peak:.2f} GiB so far", flush=True)


if __name__ == "__main__":
    main()
