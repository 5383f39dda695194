"""A made-up run, small but with every part that a report can show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.evaluation.comparison import summarise
from pajamo.evaluation.verdict import verdict
from pajamo.models.base import Card
from pajamo.reports.content import DataFacts, ReportContent

BASELINES = ("no-change", "mean-perturbation", "mean-double", "average-singles", "linear", "salt")
SKILL = {
    "peper": 0.045, "salt-ls": 0.053, "scaled-salt": 0.1, "salt-counts": 0.07, "salt-shift": 0.069,
    "salt": 0.068, "linear": 0.12, "average-singles": 0.174, "mean-double": 0.353, "mean-perturbation": 0.39,
    "no-change": 0.6, "technical-duplicate": 0.02,
}  # fmt: skip
"""Error of each model, from which every other number follows."""
METRICS = {"mse_top": 1.0, "mse": 0.25, "pearson_delta": -1.0, "sign_agreement": -0.6, "discrimination": -0.8}
"""Factor of the error; negative where the metric is one minus something."""
CLASSES = (
    "additive",
    "epistasis",
    "neomorphic",
    "potentiation",
    "redundant",
    "suppressor",
    "synergy-similar",
)
GENES = [f"G{i:03d}" for i in range(60)]
SINGLES = [
    "AHR",
    "BAK1",
    "CEBPA",
    "CEBPE",
    "CNN1",
    "ETS2",
    "FEV",
    "KLF1",
    "MAP2K6",
    "SET",
    "TGFBR2",
    "ZBTB10",
]

Make = Callable[..., ReportContent]


def pairs(n: int = 24) -> list[tuple[str, str]]:
    every = [(a, b) for i, a in enumerate(SINGLES) for b in SINGLES[i + 1 :]]
    chosen = np.random.default_rng(0).permutation(len(every))[:n]
    return [every[i] for i in sorted(chosen)]


def fake_scores(skill: dict[str, float]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for number, (a, b) in enumerate(pairs()):
        hardness = rng.lognormal(0, 0.3)
        for model, error in skill.items():
            value = error * hardness * rng.lognormal(0, 0.08)
            for metric, factor in METRICS.items():
                shown = factor * value if factor > 0 else 1 + factor * value
                rows.append(("doubles", number % 5, model, f"{a}+{b}", f"{a}+{b}", metric, shown))
    columns = ["split", "fold", "model", "condition", "genes", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def fake_examples() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    effect = {name: rng.normal(0, 0.5, len(GENES)) * (rng.random(len(GENES)) < 0.5) for name in SINGLES}
    rows = []
    for a, b in pairs():
        truth = effect[a] + effect[b] + rng.normal(0, 0.12, len(GENES))
        for model in ("peper", "salt", "linear"):
            delta = effect[a] + effect[b] + rng.normal(0, SKILL[model], len(GENES))
            rows += [
                (f"{a}+{b}", gene, t, 0.08, model, d, 0.1)
                for gene, t, d in zip(GENES, truth, delta, strict=True)
            ]
    return pd.DataFrame(rows, columns=["condition", "gene", "truth", "truth_se", "model", "delta", "sd"])


def fake_interactions() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for a, b in pairs():
        strength = 2 ** rng.normal(-0.3, 0.7)
        found = {
            "gene_1": a, "gene_2": b, "strength": strength, "explained": 1 - rng.random() ** 2 * 0.8,
            "class": str(rng.choice(CLASSES)), "strength_predicted": strength * 2 ** rng.normal(0, 0.3),
        }  # fmt: skip
        rows.append(found)
    return pd.DataFrame(rows)


def fake_time_course() -> pd.DataFrame:
    rows = []
    for name, top in (("POU5F1", 1.2), ("SOX2", -0.8)):
        for place, gene in enumerate(["NANOG", "LIN28A", "DPPA4", "T"]):
            for time in (2.0, 3.0, 4.0, 5.0):
                truth = top * (1 - np.exp(-time / (place + 1)))
                models = ("peper", "salt") if time == 5.0 else ("",)
                for model in models:
                    guess = truth * (0.9 if model == "salt" else 1.05) if model else np.nan
                    rows.append((name, gene, time, truth, 0.06, model, guess, 0.1 if model else np.nan))
    columns = ["perturbation", "gene", "time", "truth", "truth_se", "model", "delta", "sd"]
    return pd.DataFrame(rows, columns=columns)


def fake_categories(scores: pd.DataFrame) -> pd.DataFrame:
    label = {f"{a}+{b}": CLASSES[i % len(CLASSES)] for i, (a, b) in enumerate(pairs())}
    grouped = scores.assign(category=scores["condition"].map(label)).groupby(["category", "model", "metric"])
    return grouped.agg(mean=("value", "mean"), n_conditions=("condition", "nunique")).reset_index()


def fake_calibration() -> pd.DataFrame:
    rows = [
        (model, level, level - short * level * (1 - level), 0.3)
        for model, short in (("peper", 0.3), ("salt", 0.9), ("salt-ls", 0.1), ("linear", -0.4))
        for level in (0.5, 0.8, 0.9, 0.95)
    ]
    return pd.DataFrame(rows, columns=["model", "level", "coverage", "width"])


def fake_checks() -> pd.DataFrame:
    rows = [
        ("Counts are counts", "ok", "all values are whole numbers"),
        ("Controls in each batch", "warning", "batch gem_7 has no control cell"),
        ("Combinations", "note", "50 doubles, all with both singles"),
    ]
    return pd.DataFrame(rows, columns=["title", "status", "message"])


def fake_card(name: str) -> Card:
    return Card(
        name, f"the model {name}", "Gaudelet et al. 2024, arXiv 2404.16907, eq. 2", "singles of both genes",
        {"alpha": "share of the singles' sum in a double, 1"}, "not outside of the training manifold",
        name in BASELINES,
    )  # fmt: skip


def fake_weights() -> dict[str, pd.DataFrame]:
    alpha = {"quantity": "alpha", "of": "doubles", "value": 0.71, "se": 0.02, "unit": "1"}
    effects = [
        {"quantity": "effect", "of": gene, "value": 0.1 * i, "se": np.nan, "unit": "ln(1 + CP10K)"}
        for i, gene in enumerate(GENES[:20])
    ]
    return {"scaled-salt": pd.DataFrame([alpha, *effects]), "salt": pd.DataFrame(columns=list(alpha))}


def full_content(skill: dict[str, float] | None = None, **changes: Any) -> ReportContent:
    scores = fake_scores(skill or SKILL)
    summary = summarise(scores, BASELINES, n_bootstrap=200)
    content = ReportContent(
        title="norman-doubles",
        study='name = "norman-doubles"\n[data]\npath = "norman.h5ad"\n',
        verdict=verdict(summary, "mse_top"),
        metric="mse_top",
        split="25 % of the doubles, 5 folds",
        summary=summary.table,
        scores=scores,
        baselines=summary.baselines,
        data=DataFacts(
            name="norman2019", cells=6040, genes=1000, control_cells=40, conditions={1: 101, 2: 50},
            batches=("gem_1", "gem_2"), hash="c0ffee" * 8, source="GEO GSE133344", licence="CC BY 4.0",
        ),
        split_counts=pd.DataFrame({"fold": range(5), "training": 1139, "held out": [5, 5, 5, 5, 4]}),
        checks=fake_checks(),
        cards=tuple(fake_card(name) for name in ("peper", "salt", "salt-ls")),
        weights=fake_weights(),
        refusals={"persistence": "needs a time course", "nearest": "needs prior vectors of genes"},
        categories=fake_categories(scores),
        interactions=fake_interactions(),
        examples=fake_examples(),
        time_course=fake_time_course(),
        calibration=fake_calibration(),
        timings=pd.DataFrame({"step": ["read", "fit", "evaluate"], "seconds": [2.5, 81.0, 31.0]}),
        provenance={"pajamo": "0.1.0", "seed": "0", "command": "pajamo run study.toml", "date": "2026-11-21"},
        notes=("Controls are split between truth and predictor.",),
        files={"scores": "scores.csv", "examples": "examples.csv"},
    )  # fmt: skip
    return replace(content, **changes)


@pytest.fixture(scope="session")
def make() -> Make:
    return full_content


@pytest.fixture(scope="session")
def content() -> ReportContent:
    return full_content()
