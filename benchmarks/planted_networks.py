"""Planted truth: does a drift with structure, or a loss with stationarity, help a neural differential equation?

Sixteen random networks of ten genes, dx/dt = (1 - knocked out) 3 sigmoid(b + W (x - 3/2)) - x. Six knockouts and
the control are measured at t = 0.5, 1, 2, 4 with noise 0.15; four more knockouts, and t = 20, are for testing only.
Everything goes through pajamo's own model `node`, TrainingSet and fit_model. Weights are those of the stationarity of
controls and of perturbed cells; `validation` chooses them on training knockouts kept aside.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import expit
from scipy.stats import wilcoxon

from common import machine, print_table
from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.node import Node
from pajamo.models.registry import create
from pajamo.protocols.protocol import Protocol
from pajamo.training.fit import fit_model

Array = NDArray[np.float64]
N_GENES, TRAINED = 10, 6
TIMES, FAR = (0.5, 1.0, 2.0, 4.0), 20.0
NOISE, CELLS = 0.15, 25
MOST = 3.0
"""Level of a gene whose production is at its highest; regulators act around half of it."""
PLAIN, SIGNIFICANT = "0, 0", 0.05
WEIGHTS: dict[str, list[tuple[float, float] | str]] = {
    "black-box": [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), "validation"],
    "production": [(0.0, 0.0), (1.0, 0.0), (1.0, 0.1), "validation"],
}
COLUMNS = ("train-KO at 20", "unseen up to 4", "unseen at 20", "control at 20")


@dataclass(frozen=True)
class Network:
    """A random network of regulators, and where its unperturbed cells rest."""

    weights: Array
    bias: Array
    rest: Array

    @classmethod
    def draw(cls, seed: int) -> Network:
        """Each gene is regulated by about three others."""
        rng = np.random.default_rng(seed)
        weights = rng.normal(0.0, 1.0, (N_GENES, N_GENES)) * (rng.random((N_GENES, N_GENES)) < 0.3)
        np.fill_diagonal(weights, 0.0)
        made = cls(weights, rng.normal(0.0, 0.5, N_GENES), np.ones(N_GENES))
        return cls(weights, made.bias, made.levels(None, (200.0,))[0])

    def levels(self, knockout: int | None, times: tuple[float, ...]) -> Array:
        """Levels at some times after a knockout of cells at rest, shape (times, genes)."""
        made = np.ones(N_GENES)
        if knockout is not None:
            made[knockout] = 0.0

        def change(_: float, x: Array) -> Array:
            return np.asarray(made * MOST * expit(self.bias + self.weights @ (x - MOST / 2.0)) - x)

        solved = solve_ivp(change, (0.0, times[-1]), self.rest, t_eval=times, rtol=1e-8, atol=1e-10)
        return np.asarray(solved.y.T)


def gene(number: int) -> str:
    return f"g{number}"


def conditions_of(knockouts: range, times: tuple[float, ...]) -> list[Condition]:
    return [Condition((gene(k),), time=t) for k in knockouts for t in times]


def measured(network: Network, seed: int) -> TrainingSet:
    """Noisy means of the control and of six knockouts."""
    rng = np.random.default_rng([seed, 1])
    truth = np.concatenate([network.levels(k, TIMES) for k in range(TRAINED)])
    control = network.levels(None, TIMES)

    def moments(levels: Array) -> Moments:
        noisy = levels + rng.normal(0.0, NOISE, levels.shape)
        counted = np.full(len(levels), CELLS)
        return Moments(counted, noisy, np.full_like(levels, CELLS * NOISE**2))

    conditions = tuple(conditions_of(range(TRAINED), TIMES))
    genes = pd.Index([gene(k) for k in range(N_GENES)])
    settings = tuple(("", t) for t in TIMES)
    protocol = Protocol.plain("hour")
    return TrainingSet(genes, conditions, moments(truth), settings, moments(control), protocol=protocol)


def errors(model: Node, network: Network) -> dict[str, float]:
    """Mean squared errors of levels, the knocked-out gene's own included."""
    unseen = range(TRAINED, N_GENES)
    far = {"train-KO at 20": range(TRAINED), "unseen at 20": unseen}
    found = {name: _error(model, network, group, (FAR,)) for name, group in far.items()}
    found["unseen up to 4"] = _error(model, network, unseen, TIMES)
    control = model.fitted.levels([Condition((), time=FAR)])[:, 0].mean(axis=0)
    found["control at 20"] = float(((control - network.rest) ** 2).mean())
    return found


def _error(model: Node, network: Network, knockouts: range, times: tuple[float, ...]) -> float:
    truth = np.concatenate([network.levels(k, times) for k in knockouts])
    found = model.fitted.levels(conditions_of(knockouts, times)).mean(axis=0)
    return float(((found - truth) ** 2).mean())


def no_change(network: Network) -> float:
    """Error on unseen knockouts up to t = 4 of saying that nothing happens."""
    truth = np.concatenate([network.levels(k, TIMES) for k in range(TRAINED, N_GENES)])
    return float(((truth - network.rest) ** 2).mean())


def fits(systems: int, steps: int) -> Iterator[dict[str, object]]:
    """Every drift with every choice of weights on every network."""
    for seed in range(systems):
        network = Network.draw(seed)
        training = measured(network, seed)
        for drift, choices in WEIGHTS.items():
            for weights in choices:
                asked = {"drift": drift, "weights": weights, "steps": steps, "members": 1}
                model = fit_model(create("node", asked, seed=seed), training)
                assert isinstance(model, Node)
                label = str(weights) if isinstance(weights, str) else "{:g}, {:g}".format(*weights)
                yield {"system": seed, "drift": drift, "weights": label, **errors(model, network)}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Medians over networks."""
    return table.groupby(["drift", "weights"], sort=False)[list(COLUMNS)].median().reset_index()


def paired(table: pd.DataFrame) -> pd.DataFrame:
    """Each choice of weights against the plain loss of the same drift, and structure against the black box.

    Networks in which the error is smaller, and Wilcoxon's p of the paired differences of log errors.
    """
    wide = {key: group.set_index("system") for key, group in table.groupby(["drift", "weights"], sort=False)}
    pairs = [(key, (key[0], PLAIN)) for key in wide if key[1] != PLAIN]
    pairs.append((("production", PLAIN), ("black-box", PLAIN)))
    rows = []
    for this, against in pairs:
        for column in COLUMNS:
            difference = np.log(wide[this][column]) - np.log(wide[against][column])
            p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
            rows.append((" ".join(this), " ".join(against), column, int((difference < 0).sum()), p))
    found = pd.DataFrame(rows, columns=["this", "against", "column", "wins", "p"])
    return found.assign(of=table["system"].nunique())


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """One row a comparison."""
    cells = found.assign(
        cell=[f"{w:.0f}/{n:.0f} (p {p:.2g})" for w, n, p in found[["wins", "of", "p"]].to_numpy()]
    )
    wide = cells.pivot(index=["this", "against"], columns="column", values="cell")[list(COLUMNS)]
    order = pd.MultiIndex.from_frame(found[["this", "against"]].drop_duplicates())
    return wide.reindex(order).reset_index()


def sentences(found: pd.DataFrame) -> list[str]:
    """Where each choice helps, where it harms, and where these networks cannot tell (p above 0.05)."""
    said = []
    for (this, against), group in found.groupby(["this", "against"], sort=False):
        told = group["p"] < SIGNIFICANT
        better = group["wins"] > group["of"] / 2
        parts = {
            "helps": group[told & better],
            "harms": group[told & ~better],
            "makes no clear difference to": group[~told],
        }
        text = "; ".join(f"{verb} {', '.join(part['column'])}" for verb, part in parts.items() if len(part))
        said.append(f"{this} against {against}: {text}.")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", type=int, default=16, help="number of random networks")
    parser.add_argument("--steps", type=int, default=100, help="steps of training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(machine())
    began = time.perf_counter()
    table = pd.DataFrame(fits(options.systems, options.steps))
    print_table("Median squared error over networks", summary(table), dict.fromkeys(COLUMNS, ".4f"))
    reference = np.median([no_change(Network.draw(seed)) for seed in range(options.systems)])
    print(f"\nNo change at all, {COLUMNS[1]}: {reference:.4f}")
    found = paired(table)
    print_table("Networks in which the error is smaller, and Wilcoxon's p", shown(found))
    print("\n" + "\n".join(sentences(found)))
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
