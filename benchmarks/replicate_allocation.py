"""Replicates or new pairs? Norman 2019 guide-pair fitness, eight measurements a pair, at equal money.

    python benchmarks/replicate_allocation.py [DATA] [--seeds N] [--money M] [--prices P ...] [--test N] [--start N]

DATA is the folder of the development data (campaigns/naiad_norman_gamma.csv.gz). A measurement costs 1, making a
pair that was not made before costs P. Each seed holds out `--test` pairs, whose means of eight are the truth; the
others are the pool. All start with the same random pairs, measured twice, from which the noise of a measurement
and the misfit of the model are estimated; the money then buys a batch by `best_batch` with the gain "model", which
may give a pair

    all eight           few pairs, eight measurements each
    one                 as many pairs as the money makes, one measurement each
    the cost model      anything from one to eight, for each pair as it is worth

Measurements are drawn from the recorded eight without replacement. The model is Bayesian linear regression on the two
single effects (sum, product, difference) and the genes, or (`--features genes`) on the genes alone, as if singles had
not been measured. Figures: root mean squared error of held-out pairs, paired
differences of the cost model to each extreme with t intervals over seeds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from common import add_data, machine, print_table
from pajamo.campaigns.costs.gains import ModelGain
from pajamo.campaigns.costs.knapsack import best_batch
from pajamo.campaigns.costs.options import Pool, menu_of
from pajamo.campaigns.costs.table import TableCost
from pajamo.campaigns.learners.linear import BayesianLinear, FittedLinear
from pajamo.config.campaigns.cost import TableCostSettings

Array = NDArray[np.float64]
EIGHT = 8
SINGLES = 3
"""Features of the two single effects, which come first."""
ARMS = {"all eight": (8,), "one": (1,), "the cost model": tuple(range(1, 9))}
CHOSEN = "the cost model"


@dataclass(frozen=True)
class Pairs:
    """Pairs of two genes: names, features from the singles, and the eight measurements; shape (pairs, 8)."""

    names: list[tuple[str, str]]
    features: Array
    measured: Array


def read_pairs(path: Path) -> Pairs:
    """Pairs with eight measurements and with both single effects (the gene beside a negative guide)."""
    table = pd.read_csv(path, encoding="utf-8-sig")
    both = np.sort(table[["id1", "id2"]].to_numpy(str), axis=1)
    table = table.assign(a=both[:, 0], b=both[:, 1])
    negative = (both == "negative").sum(axis=1)
    single = table[negative == 1]
    gene = np.where(single["a"] == "negative", single["b"], single["a"])
    effect = single["score"].groupby(gene).mean()
    double = table[(negative == 0) & (table["a"] != table["b"])]
    groups = double.groupby(["a", "b"])["score"].apply(np.array)
    kept = groups[[len(one) == EIGHT and a in effect and b in effect for (a, b), one in groups.items()]]
    names = [(str(a), str(b)) for a, b in kept.index]
    return Pairs(names, _features(names, effect), np.stack(kept.to_list()))


def _features(names: list[tuple[str, str]], effect: pd.Series) -> Array:
    genes = sorted({gene for pair in names for gene in pair})
    place = {gene: k for k, gene in enumerate(genes)}
    one, two = (effect.reindex([pair[k] for pair in names]).to_numpy(float) for k in (0, 1))
    members = np.zeros((len(names), len(genes)))
    for row, pair in enumerate(names):
        members[row, [place[gene] for gene in pair]] = 1.0
    return np.column_stack([one + two, one * two, np.abs(one - two), members])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_data(parser)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--money", type=float, default=800.0, help="for the batch, in measurements")
    parser.add_argument("--prices", type=float, nargs="+", default=[0.0, 1.0, 2.0, 4.0, 8.0])
    parser.add_argument("--test", type=int, default=1500)
    parser.add_argument(
        "--features", choices=("singles", "genes"), default="singles", help="what the model knows"
    )
    parser.add_argument("--start", type=int, default=100, help="random pairs that all arms begin with")
    given = parser.parse_args()
    path = given.data / "campaigns" / "naiad_norman_gamma.csv.gz"
    if not path.is_file():
        parser.error(f"there is no {path}: name the folder of the development data, or set PAJAMO_DEV_DATA")
    pairs = read_pairs(path)
    if given.features == "genes":
        pairs = replace(pairs, features=pairs.features[:, SINGLES:])
    print(machine())
    print(f"{len(pairs.names):,} pairs with eight measurements; {given.seeds} seeds, {given.money:g} money")
    before = time.process_time()
    rows = [
        one(pairs, seed, price, arm, given)
        for price in given.prices
        for seed in range(given.seeds)
        for arm in ARMS
    ]
    table = pd.DataFrame(rows)
    print_table("Held-out error (RMSE against the mean of eight), mean and sd over seeds", summary(table))
    print_table("The cost model less each extreme, paired over seeds", differences(table))
    print(f"\n{time.process_time() - before:.0f} CPU s")


def one(pairs: Pairs, seed: int, price: float, arm: str, given: argparse.Namespace) -> dict[str, object]:
    """One arm with one seed and price."""
    rng = np.random.default_rng([seed, 6])
    order = rng.permutation(len(pairs.names))
    test, pool = order[: given.test], order[given.test :]
    draws = np.take_along_axis(
        pairs.measured, rng.permuted(np.tile(np.arange(EIGHT), (len(order), 1)), axis=1), 1
    )
    start = np.arange(given.start)
    sd = float(np.sqrt(draws[pool[start], :2].var(axis=1, ddof=1).mean()))
    fitted = fit(pairs.features[pool[start]], draws[pool[start], :2], np.full(given.start, 2), sd, seed)
    repeats = buy(pairs, pool, fitted, sd, price, ARMS[arm], given)
    rows = np.concatenate([start, np.flatnonzero(repeats)])
    counts = np.concatenate([np.full(given.start, 2), repeats[repeats > 0]])
    final = fit(pairs.features[pool[rows]], draws[pool[rows]], counts, sd, seed)
    error = final.predict(pairs.features[test]).mean[:, 0] - pairs.measured[test].mean(axis=1)
    return {
        "price": price, "arm": arm, "seed": seed, "rmse": float(np.sqrt((error**2).mean())),
        "pairs": int((repeats > 0).sum()), "replicates": float(repeats[repeats > 0].mean()),
    }  # fmt: skip


def fit(features: Array, draws: Array, counts: NDArray[np.intp], sd: float, seed: int) -> FittedLinear:
    """Fit to the means of the first `counts` measurements."""
    means = np.array([row[:number].mean() for row, number in zip(draws, counts, strict=True)])
    whole = set(np.unique(features)) == {0.0, 1.0}
    learner = BayesianLinear() if whole else BayesianLinear(groups=(SINGLES, features.shape[1] - SINGLES))
    return learner.fit(features, means[:, None], (sd**2 / counts)[:, None], seed=seed)


def buy(
    pairs: Pairs,
    pool: NDArray[np.intp],
    fitted: FittedLinear,
    sd: float,
    price: float,
    replicates: tuple[int, ...],
    given: argparse.Namespace,
) -> NDArray[np.intp]:
    """Measurements of each pair of the pool that the money buys."""
    costs = TableCost(TableCostSettings(candidate=price, measurement=1.0, sd=sd))
    misfit = fitted.prior.further * float(fitted.prior.spread[0] * fitted.outputs.deviation[0]) ** 2
    gain = ModelGain(fitted.predict(pairs.features[pool]), misfit=misfit)
    free = np.arange(len(pool)) >= given.start
    chosen = best_batch(
        Pool([pairs.names[row] for row in pool], available=free),
        gain,
        costs,
        given.money,
        menu_of(replicates=replicates),
        shortlist=len(pool),
    )
    found = np.zeros(len(pool), dtype=np.intp)
    found[chosen.rows] = [entry.allocation.replicates for entry in chosen.batch.entries]
    return found


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation by price and arm."""
    grouped = table.groupby(["price", "arm"], sort=False)
    return pd.DataFrame(
        {
            "price of a pair": [key[0] for key in grouped["rmse"].mean().index],
            "arm": [key[1] for key in grouped["rmse"].mean().index],
            "pairs": grouped["pairs"].mean().to_numpy(),
            "replicates": [f"{value:.1f}" for value in grouped["replicates"].mean()],
            "RMSE": [
                f"{m:.5f} +- {s:.5f}"
                for m, s in zip(grouped["rmse"].mean(), grouped["rmse"].std(), strict=True)
            ],
        }
    )


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Paired differences with t intervals."""
    rows = []
    for price, part in table.groupby("price", sort=False):
        wide = part.pivot(index="seed", columns="arm", values="rmse")
        for arm in (name for name in ARMS if name != CHOSEN):
            apart = (wide[CHOSEN] - wide[arm]).to_numpy()
            mean, error = apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart))
            reach = stats.t.ppf(0.975, len(apart) - 1) * error
            rows.append(
                {
                    "price of a pair": price,
                    "against": arm,
                    "difference": f"{mean:+.5f} [{mean - reach:+.5f}, {mean + reach:+.5f}]",
                    "per cent": f"{100 * mean / wide[arm].mean():+.1f}",
                    "t": f"{mean / error:.1f}" if error > 0 else "",
                    "better in": f"{int((apart < 0).sum())} of {len(apart)}",
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
