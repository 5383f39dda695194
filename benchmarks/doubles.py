"""Held-out doubles of Norman 2019: the Salt family and Peper on the same splits, with paired differences.

    python benchmarks/doubles.py [DATA] [--splits 20] [--controls split shared] [--models ...]

DATA is the folder with `perturbation/`; by default $PAJAMO_DEV_DATA or ../shared/data. Columns are the
mean squared error over each double's 20 strongest genes, over all genes, and the Pearson correlation of
changes; errors are standard errors over splits (over doubles for the cluster split). `covered` is the
share of measured changes within 90 % intervals, over all genes and over the 20 strongest.
missing-single removes one single of each of a quarter of the doubles at once; one-missing removes one
double and one of its singles, and keeps all else. Both are repeated with the singles put back ("measured"),
and for doubles whose missing parent is in one training double ("bridged") or two. `--cells` adds a table of
distances between drawn and measured cells (energy distance, maximum mean discrepancy).
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.config import DataSettings, SplitSettings
from pajamo.data.cells import Halves, sample_halves, seen_cells
from pajamo.data.conditions import singles_of
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Pseudobulk, pseudobulk
from pajamo.data.reading.screens import read_screen
from pajamo.data.splits import Fold, make_split
from pajamo.data.training_set import TrainingSet
from pajamo.evaluation.cell_space import CellSpace
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import Truth
from pajamo.models.base import DrawsCells
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

DISTANCES = ("energy_distance", "mmd")
METRICS = ("mse_top", "mse", "pearson_delta")
ROOT = Path(__file__).resolve().parents[1]
MODELS = ("no-change", "mean-double", "salt", "scaled-salt", "salt-ls", "linear-scm", "dynamics", "peper")
NINETY_PERCENT = 1.645
FOLDS_OF_ONE = 5
"""Folds of one-missing for each split asked for: each has a single double."""
MEASURED = " (measured)"


@dataclass(frozen=True)
class Scheme:
    """A split by name; `missing` also fits with the missing singles put back.

    `unit` is what standard errors are over: a split, or a double where a fold holds out few.
    """

    name: str
    settings: SplitSettings
    missing: bool = False
    unit: str = "split"


def schemes(splits: int) -> list[Scheme]:
    """The splits of the table."""
    shares = [
        Scheme(f"doubles {share:.0%}", SplitSettings(kind="doubles", holdout=share, folds=splits))
        for share in (0.25, 0.5, 0.75)
    ]
    cluster = Scheme("cluster", SplitSettings(kind="cluster", folds=4), unit="condition")
    many, one = (
        SplitSettings(kind="missing-single", holdout=0.25, folds=splits),
        SplitSettings(kind="missing-single", holdout=1e-6, folds=FOLDS_OF_ONE * splits),
    )
    missing = Scheme("missing-single", many, missing=True)
    return [*shares, cluster, missing, Scheme("one-missing", one, missing=True, unit="condition")]


def fitted(name: str, training: TrainingSet, number: int):
    """A model by name; `salt-ls-fixed` is Salt-LS that shrinks all genes alike."""
    settings: dict[str, object] = {"shrinkage": "fixed"} if name == "salt-ls-fixed" else {}
    return fit_model(create(name.removesuffix("-fixed"), settings, seed=number), training)


def coverage(prediction: Prediction, truth: Truth) -> tuple[float, float]:
    """Share of measured changes within 90 % intervals that allow for the measurement's own error."""
    error = np.sqrt(prediction.sd**2 + truth.variance_of_mean)
    inside = np.abs(prediction.delta - truth.delta) < NINETY_PERCENT * error
    return float(inside.mean()), float(inside[truth.top].mean())


def one(name: str, training: TrainingSet, truth: Truth, number: int, label: str) -> pd.DataFrame | None:
    """Scores of one model on one fold, a row a double; None if the model does not apply."""
    reason = create(name.removesuffix("-fixed")).refusal(training, truth.conditions)
    if reason:
        print(f"{label} is left out of split {number}: {reason}")
        return None
    began = time.perf_counter()
    prediction = replace(fitted(name, training, number).predict(truth.conditions), model=label)
    seconds = time.perf_counter() - began
    table = score(prediction, truth, names=METRICS, duplicate=False)
    wide = table.pivot(index="condition", columns="metric", values="value")[list(METRICS)]
    everywhere, top = coverage(prediction, truth)
    return wide.assign(model=label, split=number, seconds=seconds, covered=everywhere, covered_top=top)


def fold_scores(
    scheme: Scheme, fold: Fold, number: int, bulk: Pseudobulk, models: Iterable[str], shared: bool
) -> Iterator[pd.DataFrame]:
    """Scores of every model on one fold."""
    truth = Truth.of(bulk, fold, shared_control=shared)
    training = TrainingSet.from_pseudobulk(bulk, fold.train, shared_control=shared)
    sides = {"": training}
    if scheme.missing:
        whole = sorted({*fold.train, *singles_of(fold.test)} & set(bulk.conditions))
        sides[MEASURED] = TrainingSet.from_pseudobulk(bulk, whole, shared_control=shared)
    for suffix, seen in sides.items():
        for name in models:
            table = one(name, seen, truth, number, name + suffix)
            if table is not None:
                yield table


def run(scheme: Scheme, bulk: Pseudobulk, models: Iterable[str], shared: bool) -> pd.DataFrame:
    """Scores of every model on every fold of a scheme."""
    split = make_split(scheme.settings, bulk, seed=0)
    tables = [
        table
        for number, fold in enumerate(split.folds)
        for table in fold_scores(scheme, fold, number, bulk, models, shared)
    ]
    return pd.concat(tables).reset_index()


def bridged(scores: pd.DataFrame, scheme: Scheme, bulk: Pseudobulk, least: int) -> pd.DataFrame:
    """Only doubles each of whose unmeasured genes is in so many training doubles or more."""
    kept = []
    for number, fold in enumerate(make_split(scheme.settings, bulk, seed=0).folds):
        alone = {c.genes[0] for c in fold.train if c.order == 1}
        count = Counter(gene for c in fold.train if c.order > 1 for gene in c.genes)
        names = {str(c) for c in fold.test if all(g in alone or count[g] >= least for g in c.genes)}
        kept.append(scores[(scores["split"] == number) & scores["condition"].isin(names)])
    return pd.concat(kept)


def cell_distances(bulk: Pseudobulk, halves: Halves, models: Iterable[str], shared: bool) -> None:
    """Distances between drawn and measured cells of doubles held out in four random folds."""
    split = make_split(SplitSettings(kind="doubles", holdout=0.25, folds=4), bulk, seed=0)
    seen, tables = seen_cells(halves, shared_control=shared), []
    for number, fold in enumerate(split.folds):
        cells = {c: x for c, x in seen.items() if c.is_control or c in set(fold.train)}
        training = TrainingSet.from_pseudobulk(bulk, fold.train, shared_control=shared, cells=cells)
        space = CellSpace.fit(cells)
        own = {c: halves[c] for c in fold.test}
        truth = Truth.of(bulk, fold, shared_control=shared, cells=own, space=space)
        for name in models:
            model = fitted(name, training, number)
            if isinstance(model, DrawsCells):
                rng = np.random.default_rng(number)
                drawn = {name: {c: model.draw(c, 200, rng) for c in fold.test}}
                prediction = replace(model.predict(fold.test), model=name)
                tables.append(score(prediction, truth, names=DISTANCES, cells=drawn, duplicate=False))
    wide = pd.concat(tables).groupby(["model", "metric"], sort=False)["value"].agg(["mean", "sem"]).unstack()
    print(f"\n== cells of held-out doubles, 4 random folds\n{wide.to_string(float_format='%.4f')}")


def units(scores: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Mean metrics of each model and independent unit."""
    return scores.groupby(["model", scheme.unit], sort=False)[list(METRICS)].mean()


def print_table(scores: pd.DataFrame, scheme: Scheme, reference: str) -> None:
    """Means with standard errors, and paired differences to one model with 95 % intervals."""
    by_unit = units(scores, scheme)
    print(f"{'model':24s} {'mse_top':>15s} {'mse':>15s} {'pearson_delta':>13s} {'covered':>11s} {'s':>5s}")
    for model in scores["model"].unique():
        values = by_unit.loc[model].to_numpy()
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        mean = values.mean(axis=0)
        rest = scores[scores["model"] == model][["covered", "covered_top", "seconds"]].mean()
        print(
            f"{model:24s} {mean[0]:.4f} ±{error[0]:.4f} {mean[1]:8.5f} ±{error[1]:.5f}"
            f" {mean[2]:.3f} ±{error[2]:.3f} {rest.iloc[0]:5.2f} {rest.iloc[1]:5.2f} {rest.iloc[2]:5.2f}"
        )
    if reference in scores["model"].unique():
        print_differences(by_unit, reference)


def print_differences(by_unit: pd.DataFrame, reference: str) -> None:
    """Reference minus each other model, paired over units, with 95 % intervals."""
    own = by_unit.loc[reference]
    for model in by_unit.index.get_level_values(0).unique():
        if model == reference:
            continue
        gap = (own - by_unit.loc[model]).dropna().to_numpy()
        half = 1.96 * gap.std(axis=0, ddof=1) / np.sqrt(len(gap))
        cells = [
            f"{m:+.4f} [{m - h:+.4f}, {m + h:+.4f}]" for m, h in zip(gap.mean(axis=0), half, strict=True)
        ]
        print(f"  {reference} - {model:22s} " + "  ".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("PAJAMO_DEV_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--controls", nargs="+", choices=("split", "shared"), default=["split", "shared"])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--schemes", nargs="+", help="names as in the table, all if not given")
    parser.add_argument("--cells", action="store_true", help="also compare distributions of cells")
    options = parser.parse_args()
    path = options.data / "perturbation" / "norman2019_k562_crispra.h5ad"
    screen = read_screen(DataSettings(path=path, library_size="total_counts_all_genes"))
    bulk = pseudobulk(screen)
    for control in options.controls:
        shared = control == "shared"
        for scheme in schemes(options.splits):
            if options.schemes is None or scheme.name in options.schemes:
                print(f"\n== {scheme.name}, {control} controls, {scheme.settings.folds} folds")
                scores = run(scheme, bulk, options.models, shared)
                print_table(scores, scheme, "peper")
                if scheme.missing:
                    for least, title in ((1, "bridged"), (2, "bridged by two or more")):
                        print(title)
                        print_table(bridged(scores, scheme, bulk, least), scheme, "peper")
        if options.cells:
            cell_distances(bulk, sample_halves(screen, seed=0), options.models, shared)


if __name__ == "__main__":
    main()
