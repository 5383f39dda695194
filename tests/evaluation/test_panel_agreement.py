"""The six metrics on counts have the values that cell-eval2 gives, to rounding."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp

from pajamo.evaluation.panel import measures
from pajamo.evaluation.panel.group import Group
from pajamo.evaluation.panel.side import Controls, Side

FIXTURES = Path(__file__).parent / "fixtures"
VALUES = json.loads((FIXTURES / "cell_eval2" / "values.json").read_text())
RUNS = sorted(name for name in VALUES if ":" in name)
THEIRS = {
    "discrimination": "pds_cosine",
    "squared_error": "expr_mse_unbiased_capped",
    "squared_effect": "expr_distance_unbiased",
    "direction_fidelity": "de_wilcoxon_direction_fidelity_yield_raw",
    "direction_reach": "de_wilcoxon_direction_reach_raw",
    "significance_jaccard": "de_wilcoxon_sig_jaccard",
    "fold_error": "de_wilcoxon_lfc_nmae",
}


class Cells(NamedTuple):
    counts: np.ndarray
    label: np.ndarray

    def group(self, name: str, most: int | None = None) -> Group:
        counts = self.counts[np.flatnonzero(self.label == name)[:most]].astype(float)
        return Group(sp.csr_matrix(counts), counts.sum(axis=1))


class Case(NamedTuple):
    names: list[str]
    genes: np.ndarray
    own: np.ndarray
    made: Side
    true: Side


def stacked(one: Group, two: Group) -> Group:
    return Group(sp.csr_matrix(sp.vstack([one.counts, two.counts])), np.append(one.library, two.library))


@cache
def case(run: str) -> Case:
    source, kind = run.split(": ")
    path = FIXTURES / ("cell_eval2/made.npz" if source == "made" else "cell_eval/cells.npz")
    with np.load(path) as file:
        genes = file["genes"]
        truth, half = (Cells(file[f"{s}_counts"], file[f"{s}_label"]) for s in ("truth", "pred"))
    names = sorted(set(truth.label) - {"control"})
    targets = VALUES["targets"] if source == "real" else {}
    controls = Controls(truth.group("control"))
    groups = [half.group(name) for name in names]
    if kind == "edge":
        still = half.group("control", 20)
        groups = [stacked(half.group(name, 20), still) for name in names]
        groups[-2] = truth.group("control")
    against = Controls(half.group("control")) if "own" in kind else controls
    return Case(
        names=names,
        genes=genes,
        own=np.array([genes == targets.get(name, name) for name in names]),
        made=Side.of((group, against) for group in groups),
        true=Side.of((truth.group(name), controls) for name in names),
    )


def ours(of: Case, name: str) -> np.ndarray:
    if name == "squared_effect":
        return measures.squared_effect(of.true, of.own)
    if name == "direction_reach":
        return measures.direction_reach(of.made, of.true, of.own, np.argsort(np.argsort(of.genes)))
    return getattr(measures, name)(of.made, of.true, of.own)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", THEIRS)
def test_values_equal_those_of_cell_eval2(run: str, name: str) -> None:
    of = case(run)
    theirs = np.array([VALUES[run][THEIRS[name]].get(label) for label in of.names], dtype=float)
    np.testing.assert_allclose(ours(of, name), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("run", RUNS)
def test_normalised_error_of_the_panel_equals_that_of_cell_eval2(run: str) -> None:
    of = case(run)
    ratio = ours(of, "squared_error").sum() / ours(of, "squared_effect").sum()
    assert ratio == pytest.approx(VALUES[run]["expr_mse_unbiased_capped_norm"], rel=1e-9)


def test_every_metric_is_compared_where_it_has_values() -> None:
    for theirs in THEIRS.values():
        assert any(value is not None for run in RUNS for value in VALUES[run][theirs].values())


def test_script_draws_the_committed_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[2] / "benchmarks" / "peers"
    stub = type(sys)("cell_eval2_metrics")
    stub.values = stub.versions = None
    monkeypatch.setitem(sys.modules, "cell_eval2_metrics", stub)
    monkeypatch.syspath_prepend(str(folder))
    spec = importlib.util.spec_from_file_location("cell_eval2_fixture", folder / "cell_eval2_fixture.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    genes, truth, half = script.made()
    with np.load(FIXTURES / "cell_eval2" / "made.npz") as file:
        np.testing.assert_array_equal(genes, file["genes"])
        np.testing.assert_array_equal(truth.counts, file["truth_counts"])
        np.testing.assert_array_equal(half.label, file["pred_label"])
