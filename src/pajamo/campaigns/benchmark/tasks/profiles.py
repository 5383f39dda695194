"""Perturb-seq by rounds: which perturbations to sequence next, so that the profiles of the others are predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pajamo.campaigns.benchmark.ceilings import Ceiling, ceiling
from pajamo.campaigns.benchmark.oracle import replicate_noise
from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.files import find
from pajamo.campaigns.learners.linear import BayesianLinear
from pajamo.campaigns.predictive import Array, Rows
from pajamo.errors import DataError

NORMAN = "norman2019_k562_crispra.h5ad"
CONTROL, SEPARATOR = "control", "+"
OUTPUTS = 100
LIBRARY = 10_000
SHARE = 10
"""One of so many perturbations is held out, and one of so many is measured in a round."""


def norman_profiles(data: Path | str | None, outputs: int = OUTPUTS) -> Task:
    """CRISPRa of single genes and pairs in K562 cells: the change of expression, as in IterPert's rounds.

    Candidates are perturbations; a result is the mean change of `outputs` genes (ln(1 + CP10K) against control
    cells), those that vary most among control cells, so that no result enters their choice. Each perturbation was
    measured twice: on either half of its cells. Features: which genes are perturbed, and how the perturbed gene
    varies with the outputs among control cells (summed over the members of a pair). A tenth of the perturbations is
    held out, a tenth is measured at the start and in each of five rounds.
    """
    path = find(data, NORMAN)
    expression, labels, names = _cells(path)
    unperturbed = labels == CONTROL
    if unperturbed.sum() < 2:
        raise DataError("there are no control cells", where=str(path), fix=f"label them {CONTROL!r}")
    control = expression[unperturbed]
    shown = np.sort(np.argsort(-control.var(axis=0), kind="stable")[:outputs])
    conditions = [str(name) for name in np.unique(labels) if name != CONTROL]
    halves = np.stack([_halves(expression[labels == name][:, shown]) for name in conditions])
    measurements = halves - control[:, shown].mean(axis=0)
    batch = max(2, len(conditions) // SHARE)
    features, genes = _features(conditions, names, control, shown)
    return Task(
        name="norman-profiles",
        title="expression after activation of genes in K562 cells",
        features=features,
        measurements=measurements,
        learner=BayesianLinear((genes, features.shape[1] - genes)),
        protocol=Protocol(batch, 5, batch),
        kind="values",
        test=batch,
        noise=replicate_noise(measurements),
        ceiling=_ceiling(measurements),
        licence="none stated",
        source="Norman 2019, Science 365:786; rounds as in Huang 2023 (IterPert)",
    )


def _cells(path: Path) -> tuple[Array, np.ndarray[Any, Any], list[str]]:
    """Expression as ln(1 + CP10K), the label of each cell, and the measured genes."""
    import anndata

    table = anndata.read_h5ad(path)
    counts = table.X.toarray() if hasattr(table.X, "toarray") else np.asarray(table.X)
    total = (
        counts.sum(axis=1)
        if "total_counts_all_genes" not in table.obs
        else table.obs["total_counts_all_genes"]
    )
    scaled = counts / np.maximum(np.asarray(total, dtype=float), 1.0)[:, None] * LIBRARY
    return (
        np.log1p(scaled),
        table.obs["perturbation"].astype(str).to_numpy(),
        [str(name) for name in table.var_names],
    )


def _halves(cells: Array) -> Array:
    """Means of every second cell and of the others; NaN where a half has none."""
    parts = (cells[::2], cells[1::2])
    return np.stack([part.mean(axis=0) if len(part) else np.full(cells.shape[1], np.nan) for part in parts])


def _features(conditions: list[str], names: list[str], control: Array, shown: Rows) -> tuple[Array, int]:
    """Perturbed genes, then their correlation with the outputs; and how many genes there are."""
    members = [condition.split(SEPARATOR) for condition in conditions]
    genes = sorted({gene for pair in members for gene in pair})
    which = np.array([[gene in pair for gene in genes] for pair in members], dtype=float)
    scaled = (control - control.mean(axis=0)) / np.maximum(control.std(axis=0), 1e-12)
    place = {name: number for number, name in enumerate(names)}
    alike = np.zeros((len(genes), len(shown)))
    for row, gene in enumerate(genes):
        if gene in place:
            alike[row] = scaled[:, place[gene]] @ scaled[:, shown] / len(scaled)
    return np.concatenate([which, which @ alike], axis=1), len(genes)


def _ceiling(measurements: Array) -> Ceiling | None:
    """Agreement of both halves over all perturbations and genes."""
    flat = measurements.transpose(0, 2, 1).reshape(-1, 2)
    return ceiling(flat, by="magnitude") if np.isfinite(flat).all(axis=1).sum() >= SHARE * 2 else None
