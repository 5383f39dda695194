"""Held-out pairs of Norman's growth map: additive, quadratic, and pajamo's two models of growth.

    python benchmarks/growth_map.py [DATA] [--repeats 3]

DATA is the folder with `perturbation/`; by default $PAJAMO_DEV_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.growth import curve
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

FOLDS = 5
ROOT = Path(__file__).resolve().parents[1]
Predictor = Callable[[TrainingSet, list[Condition], dict[str, float]], np.ndarray]


def read(folder: Path) -> tuple[dict[str, float], dict[Condition, float]]:
    """Phenotype of singles and of pairs; the row of the negative control is left out."""
    table = pd.read_csv(folder / "norman2019_fitness_gene_matrix.csv", index_col=0)
    singles = pd.read_csv(folder / "norman2019_fitness_singles.csv", index_col=0)["average_fitness"]
    genes = [gene for gene in table.columns if gene != "negative"]
    pairs = {
        Condition((a, b)): float(table.loc[a, b])
        for i, a in enumerate(genes)
        for b in genes[i + 1 :]
        if np.isfinite(table.loc[a, b])
    }
    return {gene: float(singles[gene]) for gene in genes}, pairs


def ceiling(folder: Path) -> float | None:
    """Mean squared difference between two replicates' gene-level pairs; None without a Parquet reader."""
    try:
        table = pd.read_parquet(folder / "norman2019_fitness_sgRNA_pairs_replicates.parquet")
    except ImportError:
        return None
    genes = [table[column].str.split("_").str[0].to_numpy() for column in ("sg1", "sg2")]
    pair = np.sort(np.stack(genes, axis=1).astype(str), axis=1)
    means = table[["rep1", "rep2"]].groupby([pair[:, 0], pair[:, 1]]).mean()
    return float(((means["rep1"] - means["rep2"]) ** 2).mean())


def additive(training: TrainingSet, asked: list[Condition], singles: dict[str, float]) -> np.ndarray:
    """Sum of the singles."""
    del training
    return np.array([sum(singles[g] for g in c.genes) for c in asked])


def quadratic(training: TrainingSet, asked: list[Condition], singles: dict[str, float]) -> np.ndarray:
    """The curve in the two singles, by least squares."""
    names = sorted(singles)
    values = np.array([singles[name] for name in names])

    def terms(conditions: list[Condition]) -> np.ndarray:
        return curve(values, np.array([[names.index(g) for g in c.genes] for c in conditions]))

    rows = training.of_order(2)
    fitted = np.linalg.lstsq(
        terms([training.conditions[i] for i in rows]), training.delta[rows, 0], rcond=None
    )[0]
    return terms(asked) @ fitted


def model(name: str) -> Predictor:
    """A registered model."""

    def predict(training: TrainingSet, asked: list[Condition], singles: dict[str, float]) -> np.ndarray:
        del singles
        prediction = fit_model(create(name), training).predict(asked)
        COVERED.setdefault(name, []).append(prediction)
        return prediction.delta[:, 0]

    return predict


COVERED: dict[str, list] = {}
PREDICTORS: dict[str, Predictor] = {
    "additive": additive,
    "quadratic": quadratic,
    "growth-salt-ls": model("growth-salt-ls"),
    "growth-peper": model("growth-peper"),
}


def evaluate(predict: Predictor, singles: dict[str, float], pairs: dict[Condition, float], repeat: int):
    """Mean squared error, correlation and seconds a fold."""
    conditions = sorted(pairs)
    truth = np.array([pairs[c] for c in conditions])
    fold = np.random.default_rng(repeat).permutation(len(conditions)) % FOLDS
    found, began = np.zeros(len(conditions)), time.perf_counter()
    for k in range(FOLDS):
        known = {Condition((g,)): y for g, y in singles.items()}
        known |= {c: pairs[c] for c, f in zip(conditions, fold, strict=True) if f != k}
        asked = [c for c, f in zip(conditions, fold, strict=True) if f == k]
        found[fold == k] = predict(TrainingSet.from_table(known), asked, singles)
    seconds = (time.perf_counter() - began) / FOLDS
    return ((found - truth) ** 2).mean(), np.corrcoef(found, truth)[0, 1], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("PAJAMO_DEV_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    folder = options.data / "perturbation"
    singles, pairs = read(folder)
    print(f"{len(pairs)} pairs of {len(singles)} genes, {FOLDS} folds, {options.repeats} repeats")
    print(f"{'model':16s} {'mse':>8s} {'r':>7s} {'s a fold':>9s}")
    for name, predict in PREDICTORS.items():
        rows = np.array([evaluate(predict, singles, pairs, repeat) for repeat in range(options.repeats)])
        mse, r, seconds = rows.mean(axis=0)
        print(f"{name:16s} {mse:8.5f} {r:7.4f} {seconds:9.2f}")
    for name, made in COVERED.items():
        inside = [np.abs(p.delta[:, 0] - [pairs[c] for c in p.conditions]) < 1.645 * p.sd[:, 0] for p in made]
        print(f"{name}: 90 % intervals hold {np.concatenate(inside).mean():.3f}")
    replicates = ceiling(folder)
    if replicates is not None:
        print(f"two replicates of a pair differ by {replicates:.5f} (mean squared)")


if __name__ == "__main__":
    main()
