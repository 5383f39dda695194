"""Tables of strategies seed by seed; how many labels a strategy saves, and how many any design could save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common import print_table
from pajamo.campaigns.benchmark.beginning import begin
from pajamo.campaigns.benchmark.comparing import paired
from pajamo.campaigns.benchmark.curves import run_table
from pajamo.campaigns.benchmark.running import recorded
from pajamo.campaigns.benchmark.task import Task

Array = NDArray[np.float64]
RESAMPLES = 2000
FORMATS = {"t": "+.1f", "CPU s": ".1f"}
Records = Sequence[Mapping[str, Any]]


def show(title: str, records: Records, metric: str) -> None:
    runs = run_table(records)
    final, area = (paired(runs, metric, figure=figure) for figure in ("final", "area"))
    print_table(
        title,
        pd.DataFrame(
            {
                "strategy": final["strategy"],
                "seeds": final["seeds"],
                "final": [
                    f"{m:.4f} +- {s:.4f}" for m, s in zip(final["mean"], final["deviation"], strict=True)
                ],
                "area": [f"{m:.4f}" for m in area["mean"]],
                "final - random [95 %]": between(final),
                "area - random [95 %]": between(area),
                "t": area["t"],
                "CPU s": final["choosing_seconds"]
                + runs[runs["metric"] == metric]
                .groupby("strategy")["fitting_seconds"]
                .mean()
                .loc[final["strategy"]]
                .to_numpy(),
            }
        ),
        FORMATS,
    )


def against_best(records: Records) -> None:
    """The default policy against the best of greedy, UCB, and probability of hit."""
    runs = run_table(records)
    final = runs[runs["metric"] == "recall"].groupby("strategy")["final"].mean()
    best = str(final[["greedy", "UCB", "probability of hit"]].idxmax())
    rows = paired(runs, "recall", figure="final", reference=best)
    print_table(
        f"final recall, paired difference to the best of the three, {best}",
        pd.DataFrame({"strategy": rows["strategy"], "difference [95 %]": between(rows), "t": rows["t"]}),
        FORMATS,
    )


def between(rows: pd.DataFrame) -> list[str]:
    return [
        "" if np.isnan(row.difference) else f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]"
        for row in rows.itertuples()
    ]


def label_table(records: Sequence[Mapping[str, Any]], metric: str, at: Sequence[int]) -> pd.DataFrame:
    """Labels that each strategy needs for the error that random selection has with `at` labels, as a share of them.

    From the mean curve over seeds, read between rounds by lines; intervals over resampled seeds, the same for both.
    """
    curves = {
        name: curves_of(records, name, metric) for name in dict.fromkeys(r["strategy"] for r in records)
    }
    labels = np.asarray(records[0]["labels"], dtype=float)
    seeds = len(curves["random"])
    draws = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    rows = []
    for name, own in curves.items():
        row: dict[str, object] = {"strategy": name, "seeds": seeds}
        for number in at:
            found = [
                needed(
                    labels,
                    own[k].mean(axis=0),
                    float(np.interp(number, labels, curves["random"][k].mean(axis=0))),
                )
                / number
                for k in [np.arange(seeds), *draws]
            ]
            # An error that was never reached counts as infinitely many labels.
            low, high = np.quantile(found[1:], [0.025, 0.975], method="nearest")
            row[f"labels / {number:,} at random [95 %]"] = f"{found[0]:.2f} [{low:.2f}, {high:.2f}]"
        rows.append(row)
    return pd.DataFrame(rows)


def curves_of(records: Sequence[Mapping[str, Any]], strategy: str, metric: str) -> Array:
    """Shape (seeds, rounds)."""
    return np.stack([recorded(r["metrics"][metric]) for r in records if r["strategy"] == strategy])


def needed(labels: Array, error: Array, level: float) -> float:
    """Labels at which an error has fallen to a level; infinite if it never has."""
    lowest = np.minimum.accumulate(error)
    return float(np.interp(-level, -lowest, labels)) if lowest[-1] <= level else float("inf")


def bound_table(task: Task, labels: int, at: Sequence[int], seed: int) -> pd.DataFrame:
    """What the best greedy design could save, if a linear model and its prior were true.

    The posterior variance of a linear model does not depend on the results. With prior and noise as the evidence sets
    them on `labels` random pairs, candidates are chosen one by one so that the mean variance over the held-out pairs
    falls most (V-optimal; Cohn 1996, J Artif Intell Res 4, 129), knowing the held-out features, and at random.
    """
    first = begin(task, seed)
    pool, test = (np.asarray(task.features[rows], dtype=float) for rows in (first.pool, first.test))
    chosen = np.random.default_rng(seed).permutation(len(first.pool))[:labels]
    fitted = task.learner.fit(pool[chosen], task.measurements[first.pool[chosen], 0], seed=0)
    scaled = [
        fitted.inputs.apply(part) * fitted.prior.weights / np.sqrt(fitted.prior.further)
        for part in (pool, test)
    ]
    unit = fitted.prior.further * float(fitted.outputs.deviation[0] * fitted.prior.spread[0]) ** 2
    random = np.sqrt(unit * (1 + variances(scaled[0], scaled[1], labels, chosen)))
    best = np.sqrt(unit * (1 + variances(scaled[0], scaled[1], labels, None)))
    grid = np.arange(1, labels + 1, dtype=float)
    rows = [
        {
            "labels": number,
            "error, random": random[number - 1],
            "error, best design": best[number - 1],
            "labels of the best design for random's error": needed(grid, best, float(random[number - 1]))
            / number,
        }
        for number in at
    ]
    return pd.DataFrame(rows)


def variances(pool: Array, test: Array, labels: int, order: NDArray[np.intp] | None) -> Array:
    """Mean variance of held-out candidates after each label, prior and noise 1: in an order, or chosen greedily."""
    cov, moment = np.eye(pool.shape[1]), test.T @ test / len(test)
    held = pool.astype(np.float32)
    own = np.einsum("nf,nf->n", pool, pool)
    gain = np.einsum("nf,nf->n", pool @ moment, pool)
    left, found = np.ones(len(pool), dtype=bool), np.zeros(labels)
    for place in range(labels):
        row = int(np.argmax(np.where(left, gain / (1 + own), -1.0))) if order is None else int(order[place])
        left[row] = False
        step = cov @ pool[row]
        length = 1 + float(pool[row] @ step)
        if order is None:
            toward = cov @ (moment @ step)
            a, b = held @ step.astype(np.float32), held @ toward.astype(np.float32)
            gain = gain - 2 * a * b / length + a**2 * float(step @ moment @ step) / length**2
            own = own - a**2 / length
        cov -= np.outer(step, step) / length
        found[place] = float((moment * cov).sum())
    return found
