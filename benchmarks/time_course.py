"""The iPSC knockout time course that ships with pajamo: an unseen day, unseen knockouts, and the network.

    python benchmarks/time_course.py [DATA] [--controls split shared] [--models ...]

Each model sees the same folds. Differences are of the first model to each other one, paired over knockouts, with 95 %
bootstrap intervals: positive is better. `own gene out` leaves the knocked-out gene itself out of every metric.
RENGE's published network lies in DATA (perturbation/renge_hiPSC_A*.csv); without it that table is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from common import add_data, machine, print_table
from pajamo.config import parse_study
from pajamo.data.prediction import Prediction
from pajamo.data.splits import Fold, make_split
from pajamo.evaluation.scoring import score
from pajamo.evaluation.truth import Truth
from pajamo.models.dynamics import Dynamics
from pajamo.models.registry import create
from pajamo.pipeline.loading import Loaded, load
from pajamo.training.fit import fit_model

MODELS = ("dynamics", "mixed-effects", "renge", "node", "salt-ls", "persistence", "time-mean", "mean-perturbation",
          "linear", "no-change")  # fmt: skip
REGULATORS = ("POU5F1", "SOX2", "NANOG", "PRDM14", "UTF1")
"""Regulators of pluripotency that RENGE found as hubs."""
METRICS = ("mse", "pearson_delta")
FORMATS = {"mse": ".5f", "pearson_delta": ".3f", "seconds": ".1f"}
RESAMPLES = 10_000
SIGNIFICANT = 0.01


@dataclass(frozen=True)
class Question:
    """A split of the time course, by name."""

    name: str
    split: dict[str, object]


QUESTIONS = (
    Question("day 5, from days 2 to 4", {"kind": "time", "held": [5]}),
    Question("knockouts never made, all days", {"kind": "unseen-perturbation", "folds": 23}),
)


def loaded(question: Question, control: str) -> Loaded:
    """The shipped screen under one split and convention."""
    study = {
        "name": "time-course", "data": {"dataset": "renge"}, "split": question.split,
        "evaluation": {"control": control, "distributions": False},
    }  # fmt: skip
    return load(parse_study(study))


def fitted(fold: Fold, data: Loaded, names: Sequence[str]) -> dict[str, tuple[Prediction, float]]:
    """Prediction and seconds of every model that applies to a fold."""
    training = data.training_set(fold.train)
    made = {}
    for name in names:
        model = create(name)
        if model.objection(training, fold.test) is None:
            began = time.perf_counter()
            made[name] = fit_model(model, training).predict(fold.test), time.perf_counter() - began
    return made


def scored(made: Prediction, truth: Truth) -> pd.DataFrame:
    """Squared error and correlation of each knockout, means over the days that were held out."""
    table = score(made, truth, names=METRICS, duplicate=False)
    knockout = {str(condition): condition.genes[0] for condition in truth.conditions}
    wide = table.pivot(index="condition", columns="metric", values="value")
    return wide.groupby(wide.index.map(knockout)).mean()


def compare(scores: dict[str, pd.DataFrame], seconds: dict[str, float], first: str) -> pd.DataFrame:
    """One row a model: means over knockouts, and the difference of the first model to it with its interval."""
    rng = np.random.default_rng(0)
    rows = []
    for name, table in scores.items():
        row: dict[str, object] = {"model": name, **{metric: table[metric].mean() for metric in METRICS}}
        for metric, sign in zip(METRICS, (-1.0, 1.0), strict=True):
            gap = sign * (scores[first][metric] - table[metric]).to_numpy()
            drawn = rng.choice(gap, (RESAMPLES, len(gap))).mean(axis=1)
            low, high = np.quantile(drawn, [0.025, 0.975])
            row[f"{first} better by, {metric}"] = (
                "" if name == first else f"{gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
            )
        rows.append(row | {"seconds": seconds[name]})
    return pd.DataFrame(rows).sort_values("mse")


def answer(question: Question, control: str, names: Sequence[str]) -> None:
    """Print the tables of one question under one convention."""
    data = loaded(question, control)
    folds = make_split(data.study.split, data.bulk, data.study.seed).folds
    done = [fitted(fold, data, names) for fold in folds]
    kept = [name for name in names if all(name in made for made in done)]
    seconds = {name: sum(made[name][1] for made in done) for name in kept}
    for without_own in (False, True):
        truths = [
            Truth.of(data.bulk, fold, shared_control=data.shared_control, exclude_targets=without_own)
            for fold in folds
        ]
        scores = {
            name: pd.concat([scored(made[name][0], truth) for made, truth in zip(done, truths, strict=True)])
            for name in kept
        }
        title = f"{question.name}; {control} controls{'; own gene out' if without_own else ''}"
        print_table(title, compare(scores, seconds, kept[0]), FORMATS)


def network(options: argparse.Namespace) -> None:
    """Columns of the fitted dynamics against RENGE's published network, for the genes that were knocked out."""
    paths = [options.data / "perturbation" / f"renge_hiPSC_A{end}.csv" for end in ("", "_qval")]
    if not all(path.is_file() for path in paths):
        print(f"\n{paths[0]} is absent: no comparison of networks")
        return
    published, q = (pd.read_csv(path, index_col=0) for path in paths)
    data = loaded(QUESTIONS[0], "shared")
    model = fit_model(create("dynamics"), data.training_set(data.perturbed))
    assert isinstance(model, Dynamics)
    known = model.flow.regulation
    z = pd.DataFrame(
        (known.effect[:-1] / known.sd[:-1].clip(min=1e-12)).T,
        index=list(model.flow.genes),
        columns=known.targets[:-1],
    )
    print_table("network of the knocked-out genes, against RENGE's", _agreement(z, published, q, data), {})
    hubs = (z.abs() > 1.96).sum().sort_values(ascending=False)
    print(
        "\nhubs (genes that a knockout moves, |z| > 1.96): "
        + ", ".join(f"{k} {n}" for k, n in hubs.head(8).items())
    )
    rank = {gene: f"rank {i}" for i, gene in enumerate(hubs.index, start=1)}
    print("known: " + ", ".join(f"{gene} {rank.get(gene, 'was not knocked out')}" for gene in REGULATORS))


def _agreement(z: pd.DataFrame, published: pd.DataFrame, q: pd.DataFrame, data: Loaded) -> pd.DataFrame:
    rows = [g for g in z.index if g in published.index]
    columns = [g for g in z.columns if g in published.columns]
    off = np.array([[r != c for c in columns] for r in rows])
    found, true = z.loc[rows, columns].to_numpy()[off], (q.loc[rows, columns].to_numpy() < SIGNIFICANT)[off]
    raw = _raw_z(data, columns).loc[rows, columns].to_numpy()[off]
    # An edge of RENGE's is the effect of more regulator, a column the effect of its loss.
    sign = -np.sign(published.loc[rows, columns].to_numpy()[off])
    return pd.DataFrame(
        {
            "edges": [int(true.sum())],
            "of": [len(true)],
            "chance": [f"{true.mean():.3f}"],
            "AUPRC dynamics": [f"{average_precision_score(true, np.abs(found)):.3f}"],
            "AUPRC mean change / error": [f"{average_precision_score(true, np.abs(raw)):.3f}"],
            "same sign": [f"{(np.sign(found) == sign)[true].mean():.3f}"],
        }
    )


def _raw_z(data: Loaded, genes: Sequence[str]) -> pd.DataFrame:
    """Mean change over days divided by its standard error, without any model."""
    training = data.training_set(data.perturbed)
    found = {}
    for gene in genes:
        rows = [i for i, c in enumerate(training.conditions) if c.genes == (gene,)]
        controls = training.control_variance_of_mean([training.conditions[i] for i in rows])
        error = training.variance_of_mean[rows] + controls
        found[gene] = training.delta[rows].mean(axis=0) / np.sqrt(error.mean(axis=0) / len(rows))
    return pd.DataFrame(found, index=training.genes.astype(str))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--controls", nargs="+", choices=("split", "shared"), default=["split", "shared"])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    options = parser.parse_args()
    print(machine())
    for question in QUESTIONS:
        for control in options.controls:
            answer(question, control, options.models)
    network(options)


if __name__ == "__main__":
    main()
