"""How long each acquisition takes to choose a batch from a large pool, and how much memory: SIMULATED features.

    python benchmarks/selection_speed.py [--pool 100000] [--features 512] [--rank 128] [--batch 96] [--only NAME ...]

Each acquisition runs in a process of its own. Seconds are of choosing alone (features and predictions lie ready, as
they do in a campaign); memory is the peak of the whole process, with what lies ready. The bar: 20 s, 4 GiB, 2 cores.
PyRelationAL's relative distance took 37 CPU seconds for 400 candidates and 100 measured ones with its own defaults.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from common import machine, print_table
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.registry import acquisition
from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation

MEASURED, CLASSES, MEMBERS, NEIGHBOURS = 1000, 10, 20, 50
SETTINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "random": ("random", "nothing", {}),
    "k-means": ("k-means", "nothing", {}),
    "core-set": ("core-set", "nothing", {}),
    "relative-distance": ("relative-distance", "nothing", {}),
    "relative-distance, cosine": ("relative-distance", "nothing", {"metric": "cosine"}),
    "typiclust": ("typiclust", "nothing", {}),
    "lcmd": ("lcmd", "values", {}),
    "lcmd, posterior": ("lcmd", "values", {"space": "posterior"}),
    "max-determinant": ("max-determinant", "values", {}),
    "max-determinant, draws": ("max-determinant", "draws", {}),
    "thompson": ("thompson", "values", {}),
    "expected-improvement": ("expected-improvement", "values", {}),
    "probability-of-hit": ("probability-of-hit", "values", {}),
    "knowledge-gradient": ("knowledge-gradient", "values", {}),
    "badge": ("badge", "classes", {}),
    "batch-bald": ("batch-bald", "classes", {}),
    "power-bald": ("power-bald", "classes", {}),
    "diverse-margin": ("diverse-margin", "classes", {}),
    "graph-coverage": ("graph-coverage", "nothing", {}),
    "default, model of classes": ("default", "classes", {}),
    "default, model of values": ("default", "values", {}),
    "default, hits": ("default", "values", {"goal": "hits"}),
}


def features(pool: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Candidates in 200 clusters of unequal size and spread, as screens have them."""
    middles = 3 * rng.standard_normal((200, width), dtype=np.float32)
    label = rng.choice(200, pool, p=rng.dirichlet(np.ones(200)))
    found = rng.standard_normal((pool, width), dtype=np.float32)
    found += middles[label]
    return found


def predictive(kind: str, pool: int, rank: int, rng: np.random.Generator) -> Any:
    """Predictions as a linear model, an ensemble, or a classifier makes them."""
    if kind == "values":
        factor = rng.standard_normal((pool, rank)) / np.sqrt(rank)
        return FactorPredictive(rng.standard_normal(pool), factor, noise=0.1)
    if kind == "draws":
        return SampledPredictive(rng.standard_normal((64, pool)), 0.1)
    if kind == "classes":
        return ClassPredictive(rng.dirichlet(np.full(CLASSES, 0.3), (MEMBERS, pool)))
    return None


def situation(kind: str, options: argparse.Namespace) -> Situation:
    rng = np.random.default_rng(0)
    if options.pairs:
        members = np.stack(np.triu_indices(int(np.sqrt(2 * options.pool)) + 2, 1), axis=1)[: options.pool]
        singles = rng.standard_normal((int(members.max()) + 1, options.features))
        held: Any = PairFeatures(singles, members)
    else:
        held = features(options.pool, options.features, rng)
    seen = np.asarray(held[rng.choice(options.pool, MEASURED, replace=False)], dtype=float)
    return Situation(
        held,
        np.ones(options.pool, dtype=bool),
        predictive(kind, options.pool, options.rank, rng),
        measured_features=seen,
        measured=np.zeros((MEASURED, 1)),
        rng=rng,
    )


def graph(pool: int, rng: np.random.Generator) -> sparse.csr_array:
    """Neighbour lists of a random graph with similarities."""
    nodes = rng.integers(0, pool, (pool, NEIGHBOURS)).ravel()
    rows = np.repeat(np.arange(pool), NEIGHBOURS)
    return sparse.csr_array((rng.random(len(nodes)), (rows, nodes)), (pool, pool))


def one(label: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds and memory of one acquisition, in this process."""
    name, kind, settings = SETTINGS[label]
    given = situation(kind, options)
    if name == "graph-coverage":
        settings = {"similarity": graph(options.pool, np.random.default_rng(1))}
    chosen = acquisition(name, **settings)
    ready = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = choose_batch(chosen, given, options.batch)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = len(np.unique(found.rows))
    return {"acquisition": label, "CPU s": cpu, "wall s": wall, "peak GiB": peak / 2**20} | {
        "ready GiB": ready / 2**20,
        "chosen": kept,
    }


def apart(label: str) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", label]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["killed"]
        return {"acquisition": label, "failed": last[0]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--rank", type=int, default=128, help="of the posterior covariance")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--pairs", action="store_true", help="pairs of perturbations, made on demand")
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS), metavar="NAME")
    parser.add_argument("--one", choices=list(SETTINGS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options)))
        return
    print(machine())
    rows = []
    for label in options.only:
        rows.append(apart(label))
        print(rows[-1], file=sys.stderr, flush=True)
    title = f"{options.pool:,} candidates x {options.features} features, rank {options.rank}, batch {options.batch}"
    formats = {"CPU s": ".2f", "wall s": ".2f", "peak GiB": ".2f", "ready GiB": ".2f"}
    print_table(title, pd.DataFrame(rows), formats)


if __name__ == "__main__":
    main()
