"""Strategies of what to measure next, on tasks whose answers are known: learning curves, hits, paired differences.

    python benchmarks/campaign_tasks.py [DATA] --tasks digits concrete --strategies random margin default lcmd
        --seeds 10 --out FOLDER [--workers 2] [--start cold] [--export FOLDER] [--peers FILE ...]

Every run is a line of FOLDER/runs.jsonl; the same command goes on where it was broken off. A strategy may carry
settings, as in upper-confidence-bound:kappa=1; one that does not go with a task is left out and named. `--export`
writes splits and starts for `peers/activeml_select.py`, whose records `--peers` puts into the same tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from common import add_data, machine, print_table
from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.benchmark.beginning import begin
from pajamo.campaigns.benchmark.simulate import simulate
from pajamo.campaigns.benchmark.strategies import strategy
from pajamo.campaigns.benchmark.summary import SECONDS, ceiling_of, summaries
from pajamo.campaigns.benchmark.task import Task
from pajamo.campaigns.benchmark.tasks.registry import task
from pajamo.campaigns.features import stacked
from pajamo.errors import ModelError

FORMATS = {"t": "+.1f", "t final": "+.1f", SECONDS: ".2f"}
YARDSTICKS = {
    "digits": "measured on this protocol, final / area, 10 seeds: random .9153/.8076, margin .9728/.8612, "
    "scikit-activeml 1.0.1 TypiClust .9425/.8677 and CoreSet .9508/.8548, bmdal-reg 3.0.2 LCMD .9439/.8654, "
    "PyRelationAL k-means .9042/.8531 and relative distance .9494/.7855; through PyRelationAL's own pipeline least "
    "confidence .962, three folds",
    "concrete": "measured on this protocol, error final / area, 5 seeds: random .3997/.4470, bmdal-reg 3.0.2 CoreSet "
    ".3783/.4536 and LCMD .3793/.4401 (in ARD space .3720/.4308), PyRelationAL relative distance .3953/.4852; 20 "
    "paired seeds: random .3884/.4613, LCMD in ARD space .3526/.4279; recall: random .270, coherent Thompson 1.000, "
    "PyRelationAL's Thompson .305",
    "schmidt-ifng": "measured with both donors' mean as label, recall at 1,152 genes, 3 seeds: random .0593, k-means "
    ".0632, CoreSet .1702, expected improvement .2256, probability of hit .2429, greedy .2458, UCB .2479; overlap of "
    "the two donors' hits .226",
    "horlbeck-pairs": "measured on this protocol, recall of the slowest 5 %, 3 seeds: no pair measured at all .870 "
    "(by single genes), random .184, greedy .906, UCB .905, probability of hit .898, Thompson .889; rmse random "
    ".0515, max-determinant .0510",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--tasks", nargs="+", default=["digits"])
    parser.add_argument("--strategies", nargs="+", default=["random", "margin"])
    parser.add_argument("--seeds", type=int, default=10, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--start", default="usual", choices=["usual", "warm", "cold"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--export", type=Path, help="folder for splits and starts of a peer")
    parser.add_argument("--peers", type=Path, nargs="*", default=[], help="records of peers")
    chosen = parser.parse_args()
    if not chosen.export and "random" not in chosen.strategies:
        parser.error("differences are to random selection: name random among the strategies")
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    print(machine())
    for name in chosen.tasks:
        one = task(name, chosen.data, start=chosen.start)
        if chosen.export:
            export(one, seeds, chosen.export)
            continue
        folder = chosen.out / (name if chosen.start == "usual" else f"{name}-{chosen.start}")
        records = run_all(one, chosen.strategies, seeds, folder, chosen.workers)
        records += [
            record for record in of_peers(chosen.peers) if record["task"] == name and record["seed"] in seeds
        ]
        report(one, records)


def run_all(
    one: Task, strategies: list[str], seeds: range, folder: Path, workers: int
) -> list[dict[str, Any]]:
    """All runs of a task; strategies that do not go with it are found out with the first seed."""
    fitting: dict[str, Acquisition] = {}
    for text in strategies:
        made = strategy(text, one)
        try:
            simulate([one], {text: made}, seeds[:1], folder, progress=say)
            fitting[text] = made
        except ModelError as error:
            say(f"{one.name}: {text} is left out: {error.what}")
    return simulate([one], fitting, seeds, folder, workers=workers, progress=say)


def report(one: Task, records: list[dict[str, Any]]) -> None:
    """Tables of the figures that a task is judged by, and what others reach."""
    print(f"\n{one.name}: {one.title}; {one.source}; {one.licence}")
    if said := ceiling_of(one):
        print(said)
    for metric, table in summaries(one, records):
        print_table(f"{one.name}, {metric}", table, FORMATS)
    if one.name in YARDSTICKS:
        print(f"\nyardsticks: {YARDSTICKS[one.name]}")


def export(one: Task, seeds: range, folder: Path) -> None:
    """One file a seed: features, recorded values, and which candidates are held out, in the pool, measured first."""
    folder.mkdir(parents=True, exist_ok=True)
    features = stacked(one.features)
    for seed in seeds:
        first = begin(one, seed)
        np.savez_compressed(
            folder / f"{one.name}_{seed}.npz",
            task=one.name,
            kind=one.kind,
            seed=seed,
            features=features,
            values=one.measurements[:, 0, 0],
            test=first.test,
            pool=first.pool,
            start=first.start,
            rounds=one.protocol.rounds,
            batch=one.protocol.batch,
        )
    print(f"{len(seeds)} files of {one.name} in {folder}")


def of_peers(files: list[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
