"""What to measure next in real screens: hits among genes, pairs and their interactions, profiles, and ceilings.

    python benchmarks/campaign_screens.py [DATA] [--parts ifng pairs interactions profiles ceilings]
        [--seeds N] [--out FOLDER] [--second TABLE]

ifng          Schmidt 2022, interferon gamma, 128 + 8 x 128 of 18,899 genes, top 5 % by |mean log fold change| of two
              donors: with and without the screens for interleukin 2; learned on one donor and judged by the other
pairs         Horlbeck 2018, growth of pairs in K562, 1,800 of a pool of 10,000: recall of the slowest 5 %, against
              what single genes alone find
interactions  the same pairs, what is left beyond independent action: labels that random selection needs for the same
              error, and how many any design could save
profiles      Norman 2019, Perturb-seq by rounds as in IterPert: Pearson correlation of changes, squared error
ceilings      how far replicates agree: two donors, and Norman's pairs measured 1, 2, 4, 8 times

Settings (least leaf of the trees, the design by partners and its power, noise that is uneven) were compared on seeds
from 100 on; the tables show seeds from 0 on. In ifng another seed changes only what is measured first: the genes and
their hits are the same, so that the least leaf is not independent of them. That a gene's part and the noise of pairs
grow with the partner's effect was first seen in all pairs of Horlbeck, held-out ones included.

The second cell line of Horlbeck (Jurkat) is not among the development data: with `--second TABLE` (columns id1, id2,
score; "negative" for control guides) interactions are repeated there, what K562 showed of each pair being a feature.
Every run is a line of FOLDER/<task>/runs.jsonl; the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from campaign_labels import against_best, bound_table, label_table, show
from common import add_data, machine, print_table
from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.acquisition.integrated_variance import IntegratedVariance
from pajamo.campaigns.acquisition.registry import acquisition, by_goal
from pajamo.campaigns.benchmark.beginning import begin
from pajamo.campaigns.benchmark.ceilings import Ceiling, ceiling, reliability, top_share
from pajamo.campaigns.benchmark.oracle import mean_of
from pajamo.campaigns.benchmark.simulate import simulate
from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.campaigns.benchmark.tasks.pairs import PairDesign, horlbeck_pairs, norman_pairs
from pajamo.campaigns.benchmark.tasks.partners import PartnerDesign, by_partner, second_line
from pajamo.campaigns.benchmark.tasks.profiles import norman_profiles
from pajamo.campaigns.benchmark.tasks.screens import FOLD, SCHMIDT, schmidt_ifng
from pajamo.campaigns.features import stacked
from pajamo.campaigns.learners.trees import ExtraTrees
from pajamo.campaigns.learners.uneven import UnevenLinear

Records = list[dict[str, Any]]
LEAST_LEAF, POWER = 5, 0.5
EARLY = Protocol(24, 8, 222)
"""As many labels as 200 + 8 x 200, of which fewer are drawn at random before the first choice."""
SEEDS = {"ifng": 10, "pairs": 10, "interactions": 10, "profiles": 20, "ceilings": 1}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data(parser)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--seeds", type=int, help="of each table; by default 10 or 20")
    parser.add_argument("--out", type=Path, help="folder of the runs; a temporary one by default")
    parser.add_argument("--second", type=Path, help="pairs in a second cell line, in the form of the first")
    chosen = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        out = chosen.out or Path(folder)
        for name in chosen.parts:
            PARTS[name](chosen.data, chosen.seeds or SEEDS[name], out)
        if chosen.second:
            _second(chosen.data, chosen.second, chosen.seeds or SEEDS["interactions"], out)


def ifng(data: Path, seeds: int, out: Path) -> None:
    """Hits after 6.1 % of the genes."""
    donors = _donors(data, "ifng")
    agreed = ceiling(donors.to_numpy(), by="magnitude")
    both, other = np.abs(donors.mean(axis=1)).to_numpy(), np.abs(donors[2]).to_numpy()
    first = np.abs(donors[1]).to_numpy()
    print(f"\nSchmidt interferon gamma, two donors: {agreed.verdict('hits')}; {agreed.verdict('model')}")
    print(
        "all of donor 1 known, its 1,152 largest changes taken: "
        f"{_share(first, both, 1152):.3f} of the hits of both donors' mean, "
        f"{_share(first, other, 1152):.3f} of donor 2's"
    )
    learner = ExtraTrees(50, least_leaf=LEAST_LEAF)
    shown = {
        "with IL-2": schmidt_ifng(data, learn="both"),
        "without IL-2": schmidt_ifng(data, learn="both", prior=False),
    }
    honest = schmidt_ifng(data)
    # The second column is IL-2 in donor 2, in whose cells the hits are judged.
    own = np.delete(stacked(honest.features), 1, axis=1)
    shown["donor 1 to donor 2"] = replace(honest, features=own, readout=other)
    for title, task in shown.items():
        named = replace(task, name=f"ifng {title}".replace(" ", "-"), learner=learner)
        records = _run(named, _hits("without" not in title), seeds, out)
        show(f"{named.name}: recall of the top 5 % (+- over seeds)", records, "recall")
        against_best(records)


def pairs(data: Path, seeds: int, out: Path) -> None:
    """Recall of the slowest pairs."""
    task = replace(horlbeck_pairs(data), test=1000)
    assert isinstance(task.features, PairDesign)
    zero = [_zero_shot(task, seed) for seed in range(seeds)]
    print(
        f"\nno pair measured, 1,800 by single genes alone (a + b + a b): recall {np.mean(zero):.4f} +- "
        f"{np.std(zero, ddof=1):.4f}, {seeds} seeds"
    )
    chosen = {name: _hits(False)[name] for name in ("random", "greedy", "probability of hit", "default")}
    designed = by_partner(task)
    for title, one in {
        "by partners, 200 + 8 x 200": designed,
        "by partners, 24 + 8 x 222": replace(designed, protocol=EARLY),
        "usual design, 200 + 8 x 200": task,
    }.items():
        named = replace(one, name="pairs " + title.replace(",", ""))
        records = _run(named, chosen, seeds, out)
        show(f"{named.name}: recall of the slowest 5 %", records, "recall")


def interactions(data: Path, seeds: int, out: Path) -> None:
    """Error on what is left beyond independent action."""
    task = horlbeck_pairs(data, "interaction")
    designed = by_partner(task, power=POWER)
    assert isinstance(designed.features, PartnerDesign)
    uneven = replace(designed, learner=UnevenLinear(designed.features.groups))
    for title, one in {
        "by partners, 200 + 8 x 200": designed,
        "by partners with uneven noise, 200 + 8 x 200": uneven,
    }.items():
        _interactions(replace(one, name="interactions " + title.replace(",", "")), seeds, out)
    print_table(
        "any design, if the model with even noise were true: posterior variance of the held-out pairs, seed 0",
        bound_table(designed, 1800, (450, 900, 1350, 1800), 0),
        {
            "error, random": ".4f",
            "error, best design": ".4f",
            "labels of the best design for random's error": ".2f",
        },
    )


def profiles(data: Path, seeds: int, out: Path) -> None:
    """Perturb-seq by rounds."""
    task = norman_profiles(data)
    chosen = {
        name: acquisition(name) for name in ("random", "k-means", "typiclust", "core-set", "max-determinant")
    }
    records = _run(task, {"random": chosen["random"], "default": by_goal("model")} | chosen, seeds, out)
    for record in records:
        record["metrics"]["delta"] = _pearson_delta(task, record)
    show(
        "Norman profiles, 15 + 5 x 15 of 136 perturbations: Pearson correlation of changes", records, "delta"
    )
    show("the same: root mean squared error in standard deviations of each gene", records, "error")


def ceilings(data: Path, seeds: int, out: Path) -> None:  # noqa: ARG001
    """How far replicates agree."""
    rows = [
        _ceiling(f"Schmidt {name}, two donors", ceiling(_donors(data, name).to_numpy(), by="magnitude"))
        for name in ("ifng", "il2")
    ]
    for recorded in ("fitness", "interaction"):
        task = norman_pairs(data, recorded)
        agreed = ceiling(task.measurements[:, :, 0], by="low")
        rows.append(_ceiling(f"Norman pairs, {recorded}, 8 measurements", agreed))
        rows[-1] |= {f"reliability of {k}": reliability(agreed.correlation.value, k) for k in (1, 2, 4, 8)}
    print_table(
        "what replicates allow", pd.DataFrame(rows), {f"reliability of {k}": ".3f" for k in (1, 2, 4, 8)}
    )


PARTS = {
    "ifng": ifng,
    "pairs": pairs,
    "interactions": interactions,
    "profiles": profiles,
    "ceilings": ceilings,
}


def _second(data: Path, second: Path, seeds: int, out: Path) -> None:
    alone = by_partner(horlbeck_pairs(second, "interaction"))
    _interactions(replace(alone, name="second line alone", protocol=EARLY), seeds, out)
    known = second_line(data, second)
    _interactions(replace(known, name="second line with K562", protocol=EARLY), seeds, out)


def _interactions(task: Task, seeds: int, out: Path) -> None:
    chosen = {
        "random": acquisition("random"),
        "default": by_goal("model"),
        "max-determinant": acquisition("max-determinant"),
        "integrated variance": IntegratedVariance(),
    }
    records = _run(task, chosen, seeds, out)
    show(f"{task.name}: root mean squared error of the interaction", records, "rmse")
    last = int(records[0]["labels"][-1])
    print_table(
        "labels for the error that random selection has", label_table(records, "rmse", (last // 2, last))
    )


def _hits(improvement: bool) -> dict[str, Acquisition]:
    """Policies for hits; the first is the reference."""
    found = {
        "random": acquisition("random"),
        "greedy": acquisition("upper-confidence-bound", kappa=0.0),
        "UCB": acquisition("upper-confidence-bound", kappa=1.0, joint=False),
        "probability of hit": acquisition("probability-of-hit"),
        "probability of hit, 10 %": acquisition("probability-of-hit", share=0.1),
        "default": by_goal("hits"),
    }
    return found | ({"expected improvement": acquisition("expected-improvement")} if improvement else {})


def _run(task: Task, chosen: Mapping[str, Acquisition], seeds: int, out: Path) -> Records:
    return simulate([task], chosen, seeds, out / task.name.replace(" ", "-"))


def _donors(data: Path, cytokine: str) -> pd.DataFrame:
    """Log fold changes, one column a donor, in the order of the task's candidates."""
    read = {n: table(data, SCHMIDT.format(cytokine, n), ("id", FOLD), sep="\t") for n in (1, 2)}
    return (
        pd.DataFrame({n: one.set_index("id")[FOLD].astype(float) for n, one in read.items()})
        .dropna()
        .sort_index()
    )


def _share(known: np.ndarray, truth: np.ndarray, number: int) -> float:
    """Share of the top 5 % that is among the `number` highest by what is known."""
    return float(
        top_share(truth, 0.05)[np.argsort(-known, kind="stable")[:number]].sum()
        / top_share(truth, 0.05).sum()
    )


def _zero_shot(task: Task, seed: int) -> float:
    pool = begin(task, seed).pool
    return _share(-task.features.expected[pool], task.judged_by[pool], 1800)


def _pearson_delta(task: Task, record: Mapping[str, Any]) -> list[float]:
    """Correlation over genes of predicted and recorded change, mean over held-out perturbations, by round."""
    test = begin(task, record["seed"]).test
    truth, seen, found = mean_of(task.measurements)[test], [], []
    for rows in record["chosen"]:
        seen += rows
        fitted = task.learner.fit(
            np.asarray(task.features[np.array(seen)]), task.measurements[seen, 0], seed=0
        )
        said = fitted.predict(np.asarray(task.features[test])).mean
        found.append(float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(said, truth, strict=True)])))
    return found


def _ceiling(name: str, agreed: Ceiling) -> dict[str, Any]:
    top, r = agreed.overlap[0.05], agreed.correlation
    return {
        "screen": name,
        "candidates": f"{agreed.candidates:,}",
        "r of two [95 %]": f"{r.value:.3f} [{r.low:.3f}, {r.high:.3f}]",
        "overlap of the top 5 % [95 %], chance .05": f"{top.value:.3f} [{top.low:.3f}, {top.high:.3f}]",
        **{
            f"reliability of {k}": reliability(agreed.correlation.value, k)
            if k <= agreed.replicates
            else np.nan
            for k in (1, 2, 4, 8)
        },
    }


if __name__ == "__main__":
    main()
