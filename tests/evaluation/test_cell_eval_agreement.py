"""Where cell-eval and cell-eval2 compute the same metric, the values are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array
from pajamo.evaluation.differential import FALSE_DISCOVERY_RATE, benjamini_hochberg, rank_sum
from pajamo.evaluation.masked import mean_where
from pajamo.evaluation.scoring import score
from pajamo.evaluation.similarity import cosine_similarity, normalised_rank
from pajamo.evaluation.truth import Truth

FOLDER = Path(__file__).parent / "fixtures" / "cell_eval"
VALUES = json.loads((FOLDER / "values.json").read_text())
TARGETS = {"TMSB4X", "HBZ", "S100A4"}
"""Genes that cell-eval2 was told are the perturbed ones; it leaves them out of its discrimination."""


class Side(NamedTuple):
    """Cells of one side of a comparison: counts, library sizes, and what was done to each."""

    counts: Array
    library: Array
    label: np.ndarray

    def of(self, name: str, most: int | None = None) -> Side:
        rows = np.flatnonzero(self.label == name)[:most]
        return Side(self.counts[rows], self.library[rows], self.label[rows])

    def log(self) -> Array:
        return np.log1p(1e4 * self.counts / self.library[:, None])


class Cells:
    """The two disjoint sets of real cells, and predictions made of them."""

    def __init__(self) -> None:
        with np.load(FOLDER / "cells.npz") as file:
            self.genes = file["genes"]
            self.truth, self.half = (
                Side(
                    file[f"{s}_counts"].astype(float), file[f"{s}_library"].astype(float), file[f"{s}_label"]
                )
                for s in ("truth", "pred")
            )
        self.names = sorted(set(self.truth.label) - {"control"})

    def edge(self) -> dict[str, Side]:
        """Half-way to the control; the last perturbation but one is the truth's control itself."""
        control = self.half.of("control", 20)
        mixed = {name: joined(self.half.of(name, 20), control) for name in self.names}
        return mixed | {self.names[-2]: self.truth.of("control"), "control": self.truth.of("control")}

    def prediction(self, name: str) -> dict[str, Side]:
        return self.edge() if name == "edge" else {n: self.half.of(n) for n in (*self.names, "control")}


def joined(one: Side, two: Side) -> Side:
    return Side(*(np.concatenate(parts) for parts in zip(one, two, strict=True)))


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells()


def truth_of(cells: Cells) -> Truth:
    mean = np.array([cells.truth.of(name).log().mean(axis=0) for name in cells.names])
    control = np.tile(cells.truth.of("control").log().mean(axis=0), (len(cells.names), 1))
    every = np.ones(mean.shape, dtype=bool)
    return Truth(
        genes=pd.Index(cells.genes),
        conditions=tuple(Condition(tuple(name.split("+"))) for name in cells.names),
        mean=mean,
        control=control,
        variance_of_mean=np.zeros_like(mean),
        n_cells=np.full(len(mean), 40),
        t=np.zeros_like(mean),
        significant=every,
        counted=every,
        top=every,
        centre=np.zeros(mean.shape[1]),
        centre_seen=np.zeros(mean.shape[1]),
    )


def means_of(cells: Cells, kind: str) -> tuple[Array, Array]:
    if kind != "additive":
        sides = cells.prediction(kind)
        return np.array([sides[n].log().mean(axis=0) for n in cells.names]), sides["control"].log().mean(
            axis=0
        )
    control = cells.half.of("control").log()
    means = {name: cells.half.of(name).log() for name in cells.names}
    for name in cells.names:
        if "+" in name:
            a, b = name.split("+")
            change = means[b].mean(axis=0) - control.mean(axis=0) if b in means else 0.0
            means[name] = np.maximum(means.get(a, control[:40]) + change, 0.0)
    return np.array([means[name].mean(axis=0) for name in cells.names]), control.mean(axis=0)


@pytest.mark.parametrize("kind", ["half", "edge", "additive"])
@pytest.mark.parametrize("name", ["mse", "mse_delta", "pearson_delta"])
def test_errors_and_correlations_equal_those_of_cell_eval(cells: Cells, kind: str, name: str) -> None:
    truth = truth_of(cells)
    means, control = means_of(cells, kind)
    controls = np.tile(control, (len(means), 1))
    guess = Prediction(kind, truth.genes, truth.conditions, means - controls, np.ones_like(means), controls)
    found = score(guess, truth, names=[name]).set_index("genes")
    theirs = VALUES["cell-eval"][kind][name]
    for label in cells.names:
        ours = found.loc["+".join(sorted(label.split("+")))]
        if ours["flag"]:
            # A prediction without any change: theirs is undefined or correlates rounding errors, ours is 0.
            assert ours["value"] == 0
            assert theirs[label] is None or label == cells.names[-2]
        else:
            assert ours["value"] == pytest.approx(theirs[label], rel=1e-9)


@pytest.mark.parametrize("kind", ["half", "edge"])
def test_discrimination_equals_that_of_cell_eval2(cells: Cells, kind: str) -> None:
    keep = ~np.isin(cells.genes, list(TARGETS))

    def profile(side: Side) -> Array:
        total = side.counts.sum(axis=0)
        return np.log1p(5e4 * total / total.sum())

    control = profile(cells.truth.of("control"))
    predicted = np.array([profile(cells.prediction(kind)[n]) - control for n in cells.names])[:, keep]
    measured = np.array([profile(cells.truth.of(n)) - control for n in cells.names])[:, keep]
    ours = normalised_rank(cosine_similarity(predicted, measured))
    theirs = VALUES["cell-eval2"][kind]["pds_cosine"]
    np.testing.assert_allclose(ours, [theirs[name] for name in cells.names], rtol=1e-12)


def differential(side: dict[str, Side]) -> tuple[Array, Array, Array]:
    control = side["control"].log()
    tests = [rank_sum(cells.log(), control) for name, cells in side.items() if name != "control"]
    p = np.array([p for _, p in tests])
    change = [
        np.expm1(c.log().mean(axis=0)) - np.expm1(control.mean(axis=0))
        for n, c in side.items()
        if n != "control"
    ]
    return p, benjamini_hochberg(p), np.array(change)


def test_rank_sum_equals_that_of_cell_eval(cells: Cells) -> None:
    truth = {name: cells.truth.of(name) for name in (*cells.names, "control")}
    p, adjusted, _ = differential(truth)
    theirs = pd.read_csv(FOLDER / "differential.csv.gz")
    for ours, column in ((p, "p_value"), (adjusted, "fdr")):
        table = theirs.pivot(index="target", columns="feature", values=column).loc[
            cells.names, list(cells.genes)
        ]
        np.testing.assert_allclose(ours, table, rtol=1e-5)


def test_direction_and_recall_equal_those_of_cell_eval(cells: Cells) -> None:
    sides = [{n: s.of(n) for n in (*cells.names, "control")} for s in (cells.truth, cells.half)]
    (_, q_true, true), (_, q_made, made) = (differential(side) for side in sides)
    changed, called = q_true < FALSE_DISCOVERY_RATE, q_made < FALSE_DISCOVERY_RATE
    ours = {
        "de_direction_match": mean_where((np.sign(true) == np.sign(made)).astype(float), changed),
        "de_sig_genes_recall": mean_where(called.astype(float), changed),
    }
    for name, values in ours.items():
        theirs = VALUES["cell-eval"]["half"][name]
        expected = [np.nan if theirs.get(n) is None else theirs[n] for n in cells.names]
        np.testing.assert_allclose(values, expected, rtol=1e-12)
