"""Planted truth: does a search find which part of the guide-target pair sets which rate, and sooner than chance does?

A nuclease of four states goes round: unbound, open, intermediate, closed, and a cut that starts anew. Three of its
seven rates read windows that are drawn anew for each seed; the others are constant. Rates of random targets of two
guides with one to five changes are SIMULATED, with noise .3 in log10 and a limit of detection of -5. The search knows
the scheme and nothing of the windows; estimation of the distribution and random draws try as many hypotheses. Windows
are compared by intersection over union, the mean over these rates: of the best hypothesis, and of the positions
that more than half of the leading ones read. Rates are compared on fresh targets, before noise.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from common import machine, print_table
from pajamo.config.assays import AssayStudy, KineticSettings, parse_assay_study
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.reading import read_assay
from pajamo.models.assays.model import AssayModel
from pajamo.search.batch import train
from pajamo.search.declaring import space_of
from pajamo.search.executing import Here
from pajamo.search.loop import search
from pajamo.search.posterior import best, windows
from pajamo.search.record import Record
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate, Space

GUIDES = ("GACGCATAAAGATGAGACGCTGG", "CTCCCTCCGGGTATCGGATATGG")
STATES = ("unbound", "open", "intermediate", "closed")
OPENING, BACK, CUT = "open->intermediate", "closed->intermediate", "closed->unbound"
READ = (OPENING, BACK, CUT)
AT_MATCH = {
    "unbound->open": 2.0,
    "open->unbound": 0.0,
    OPENING: 1.5,
    "intermediate->open": -3.0,
    "intermediate->closed": 1.0,
    BACK: 0.0,
    CUT: -1.0,
}
"""ln of the rates at the matched target, per second. A cut takes 1/k12 + (1 + k32/k23)/k30 and what hardly changes: a
slow opening adds, a slow cut multiplies, and a fast step back multiplies once it is the faster way. Rates that could
exchange windows and leave the output as it is (k12 and k23, or all of them mirrored in time) are not read together:
which is which, no data could tell."""
COST, SPREAD = 1.8, 0.4
"""How much a change slows a rate on average (it speeds the step back), and how much changes differ, in ln k."""
NOISE, LIMIT, MOST_CHANGES = 0.3, -5.0, 5
STARTS, LENGTHS = (3, 18), (4, 12)


def declared() -> dict[str, Any]:
    """The scheme as a study would write it, with windows anywhere."""
    reads = {"start": 3, "length": 8, "encoder": "convolution", "kernel": 1, "sd": 2.0}
    transitions: dict[str, Any] = {name: {} for name in AT_MATCH} | {name: {"reads": reads} for name in READ}
    transitions[CUT] = transitions[CUT] | {"makes": ["cleavage"]}
    return {"kind": "kinetic", "states": list(STATES), "transitions": transitions}


def study(folder: Path, rows: int, evaluations: int, method: str, seed: int) -> AssayStudy:
    """A study of random targets whose search may move every window."""
    rng = np.random.default_rng(seed)
    pairs = [(guide, target(guide, rng), -1.0) for guide in GUIDES for _ in range(rows)]
    table = folder / "pairs.csv"
    pd.DataFrame(pairs, columns=["guide", "target", "value"]).to_csv(table, index=False)
    measurement = {"kind": "rate", "value": "value", "lower": LIMIT}
    choices = {name: {"start": list(STARTS), "length": list(LENGTHS)} for name in READ}
    return parse_assay_study(
        {
            "name": "planted",
            "seed": seed,
            "alphabet": "guide-target",
            "holdout": [0.0, 0.5],
            "experiments": {"rates": {"path": str(table), "pairs": {}, "measurement": measurement}},
            "mechanisms": {"cas9": declared()},
            "search": {
                "choices": {"cas9": choices},
                "method": method,
                "evaluations": evaluations,
                "generation": 24,
                "steps": 20,
            },
        }
    )


def target(guide: str, rng: np.random.Generator) -> str:
    """The guide's target with one to five changes in the protospacer."""
    found = list(guide)
    for place in rng.choice(20, size=rng.integers(1, MOST_CHANGES + 1), replace=False):
        found[place] = str(rng.choice([base for base in "ACGT" if base != guide[place]]))
    return "".join(found)


@dataclass(frozen=True)
class Planted:
    """A truth: its windows, its rates without noise, and what was recorded of them."""

    hypothesis: Candidate
    rates: NDArray[np.float64]
    assay: Assay


def plant(space: Space, asked: AssayStudy, assay: Assay, seed: int) -> Planted:
    """Windows and weights at random, rates of every pair, and noisy readings of them."""
    rng = np.random.default_rng([seed, 1])
    hypothesis = space.canonical(space.draw(rng))
    truth = AssayModel("truth", space.settings(hypothesis), asked.experiments)
    assembly = truth.build(assay)
    with torch.no_grad():
        for place, term in enumerate(assembly.blueprint.terms):
            name = term.name.removeprefix("ln k ")
            if term.encoder is None:
                assembly.constants[assembly.constant_terms.index(place)] = AT_MATCH[name]
                continue
            weights = assembly.encoder(term).weights
            cost = COST if name == BACK else -COST
            weights.copy_(torch.as_tensor(rng.normal(cost, SPREAD, len(weights))))
            weights[0] = AT_MATCH[name]
    (rows,) = assay.experiments
    rates = truth.predict(rows)["expected"].to_numpy()
    value = np.maximum(rates + rng.normal(0.0, NOISE, len(rates)), LIMIT)
    recorded = {"value": value, "censored": np.where(value <= LIMIT, -1.0, 0.0)}
    return Planted(hypothesis, rates, replace(assay, experiments=(replace(rows, recorded=recorded),)))


def covered(settings: KineticSettings) -> dict[str, NDArray[np.bool_]]:
    """The positions that each rate reads."""
    found = {}
    for name in READ:
        reads = settings.transitions[name].reads
        assert reads is not None
        found[name] = np.isin(np.arange(23), np.arange(reads.start, reads.start + (reads.length or 23)))
    return found


def overlap(one: dict[str, NDArray[np.bool_]], other: dict[str, NDArray[np.bool_]]) -> list[float]:
    """Intersection over union of each rate's windows."""
    return [float((one[name] & other[name]).sum() / max((one[name] | other[name]).sum(), 1)) for name in READ]


def recovered(rows: int, evaluations: int, method: str, seed: int) -> dict[str, Any]:
    """One search on one truth."""
    with tempfile.TemporaryDirectory() as folder:
        asked = study(Path(folder), rows, evaluations, method, seed)
        assert asked.search is not None
        assay = read_assay(asked)
        space = space_of(asked, asked.search, assay.length)
        planted = plant(space, asked, assay, seed)
        task = Task(asked, space, planted.assay.part("training"), asked.search)
        began = time.process_time()
        made = search(task, Record(Path(folder) / "evaluations.jsonl"), Here())
        seconds = time.process_time() - began
    truth, winner = covered(space.settings(planted.hypothesis)), best(made, 1)[0]
    shares = windows(space, made).pivot_table(index="transition", columns="position", values="probability")
    shared = {name: shares.loc[name].to_numpy() > 0.5 for name in READ}
    of_truth = task.rewards([planted.hypothesis], asked.search.steps)[0]
    own = overlap(truth, covered(space.settings(winner.candidate)))
    return {
        "method": method,
        "seed": seed,
        "IoU, best": float(np.mean(own)),
        "IoU, shared": float(np.mean(overlap(truth, shared))),
        **dict(zip(("k12", "k32", "k30"), own, strict=True)),
        "r on fresh": fresh(asked, planted, space.settings(winner.candidate)),
        "reward": winner.reward,
        "of the truth": of_truth,
        "CPU s": seconds,
    }


def fresh(asked: AssayStudy, planted: Planted, settings: KineticSettings) -> float:
    """Correlation with the rates of targets that were not learned from, before noise, within the limit."""
    rows = planted.assay.experiments[0]
    learned = rows.set_of == 0
    said = train([settings], asked.experiments, planted.assay, 40, {"rates": learned}).predicted["rates"][0]
    seen = [np.maximum(values[~learned], LIMIT) for values in (said, planted.rates)]
    return float(np.corrcoef(*seen)[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=600, help="targets of each guide; half are learned from")
    parser.add_argument("--evaluations", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(machine())
    rows = []
    for seed in range(options.seeds):
        for method in ("estimation", "random"):
            rows.append(recovered(options.rows, options.evaluations, method, seed))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    means = table.drop(columns="seed").groupby("method", sort=False).mean().reset_index()
    shown = pd.concat([table, means.assign(seed="mean")], ignore_index=True)
    print_table("Windows that a search finds", shown, dict.fromkeys(shown.columns[2:], ".3f"))


if __name__ == "__main__":
    main()
