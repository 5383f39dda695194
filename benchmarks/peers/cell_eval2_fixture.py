"""Makes tests/evaluation/fixtures/cell_eval2; run it with the interpreter of cell-eval2's environment.

    python cell_eval2_fixture.py [FOLDER]

Writes made.npz, cells drawn here with effects strong enough for every metric to apply, and values.json, what
cell-eval2 gives on them and on the real cells of the folder cell_eval beside it. No code of cell-eval2 is written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from cell_eval2_metrics import values, versions
from exchange import CONTROL

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "evaluation" / "fixtures"
TARGETS = {"KLF1": "HBZ", "KLF1+MAP2K6": "HBZ", "CEBPE+RUNX1T1": "S100A4"}
"""Made up, so that target genes of the real cells are left out as well; TMSB4X is a gene by its own name."""
GENES, KNOCKED, CELLS, CONTROLS = 60, 12, 40, 60
SILENT = 3
"""Genes at the end that controls hardly express; one of them appears in one perturbation."""


class Cells(NamedTuple):
    """Counts and what was done to each cell."""

    counts: np.ndarray
    label: np.ndarray

    def of(self, name: str, most: int | None = None) -> np.ndarray:
        """Counts of one label's cells, the first few if so asked."""
        return self.counts[np.flatnonzero(self.label == name)[:most]]

    def to_anndata(self, genes: np.ndarray) -> anndata.AnnData:
        """As cell-eval2 reads them."""
        obs = pd.DataFrame(
            {"perturbation": pd.Categorical(self.label)}, index=[f"cell{i}" for i in range(len(self.label))]
        )
        counts = sp.csr_matrix(self.counts.astype(np.float32))
        return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=genes))


def made(seed: int = 11) -> tuple[np.ndarray, Cells, Cells]:
    """Knock-downs of genes, measured and predicted with 70 % of the effect and some error of its own."""
    rng = np.random.default_rng(seed)
    genes = np.array([f"G{i:02d}" for i in range(GENES)])
    base = np.exp(rng.normal(1.2, 1.1, GENES))
    base[-SILENT:] = (0.0, 1e-4, 1e-4)
    effect = np.zeros((KNOCKED, GENES))
    for row in range(KNOCKED - 1):
        moved = rng.choice(GENES - SILENT, 18 if row < 8 else 4, replace=False)
        effect[row, moved] = rng.normal(0, 1.0, len(moved))
    effect[np.arange(KNOCKED), np.arange(KNOCKED)] = -2.0
    appears = np.zeros((KNOCKED, GENES))
    appears[3, -2] = 1.0

    def drawn(mean: np.ndarray, n: int) -> np.ndarray:
        depth = np.exp(rng.normal(0, 0.35, (n, 1)))
        return rng.poisson(rng.gamma(4.0, 0.25, (n, GENES)) * depth * mean)

    def side(scale: float, error: float) -> Cells:
        noise = error * rng.normal(size=effect.shape) * (effect != 0)
        means = [base, *(base * np.exp(scale * effect + noise) + appears)]
        sizes = [CONTROLS, *[CELLS] * KNOCKED]
        counts = np.concatenate([drawn(mean, n) for mean, n in zip(means, sizes, strict=True)])
        return Cells(counts, np.repeat([CONTROL, *genes[:KNOCKED]], sizes))

    return genes, side(1.0, 0.0), side(0.7, 0.3)


def real(path: Path) -> tuple[np.ndarray, Cells, Cells]:
    """The two disjoint sets of real cells."""
    with np.load(path) as file:
        sides = [
            Cells(file[f"{side}_counts"].astype(int), file[f"{side}_label"]) for side in ("truth", "pred")
        ]
        return file["genes"], *sides


def edge(truth: Cells, half: Cells) -> Cells:
    """Half-way to the control; the last perturbation but one is the truth's control itself: no effect, and a tie."""
    names = sorted(set(truth.label) - {CONTROL})
    still = half.of(CONTROL, 20)
    groups = {name: np.concatenate([half.of(name, 20), still]) for name in names}
    groups |= {names[-2]: truth.of(CONTROL), CONTROL: truth.of(CONTROL)}
    sizes = [len(group) for group in groups.values()]
    return Cells(np.concatenate(list(groups.values())), np.repeat(list(groups), sizes))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "cell_eval2"
    folder.mkdir(parents=True, exist_ok=True)
    sources = {"made": (made(), None), "real": (real(FIXTURES / "cell_eval" / "cells.npz"), TARGETS)}
    genes, truth, half = sources["made"][0]
    np.savez_compressed(
        folder / "made.npz",
        genes=genes,
        truth_counts=truth.counts.astype(np.uint16),
        truth_label=truth.label,
        pred_counts=half.counts.astype(np.uint16),
        pred_label=half.label,
    )
    found: dict[str, object] = {"versions": versions(), "targets": TARGETS}
    for name, ((genes, truth, half), targets) in sources.items():
        measured = truth.to_anndata(genes)
        for kind, cells, own in (
            ("half", half, False), ("edge", edge(truth, half), False), ("half, own controls", half, True)
        ):  # fmt: skip
            run = values(measured.copy(), cells.to_anndata(genes), targets, own)
            found[f"{name}: {kind}"] = {key: value for key, value in run.items() if key != "seconds"}
    (folder / "values.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
