"""How single perturbations change the gene that they target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.checks.subject import Subject
from pajamo.data.reading.columns import numbers
from pajamo.units import NORMALISATION_TARGET

ENOUGH_CELLS = 10
"""Cells of a single from which its mean is looked at."""
EXPRESSED = 0.02
"""Least mean of ln(1 + CP10K), in perturbed or control cells, of a target whose change can be seen."""


def target_changes(subject: Subject) -> pd.DataFrame:
    """Mean ln(1 + CP10K) of each single's own target against controls, in one pass over the cells.

    Returns a table with columns target, cells, control, perturbed, change; targets that are not
    measured, or hardly expressed in either, are left out.
    """
    design = subject.design
    assert design is not None
    counts = design["perturbation"].value_counts()
    measured = {gene: i for i, gene in enumerate(subject.opened.var.index)}
    targets = sorted(str(name) for name, n in counts.items() if n >= ENOUGH_CELLS and name in measured)
    if not targets or "" not in counts:
        return pd.DataFrame(columns=["target", "cells", "control", "perturbed", "change"])
    columns = np.array([measured[gene] for gene in targets])
    codes = pd.Index(["", *targets]).get_indexer(pd.Index(design["perturbation"]))
    everywhere = pd.Series(codes, index=design.index).reindex(subject.opened.obs.index, fill_value=-1)
    means = _means(subject, columns, everywhere.to_numpy())
    table = pd.DataFrame(
        {
            "target": targets,
            "cells": counts.reindex(targets).to_numpy(),
            "control": means[0],
            "perturbed": means[np.arange(1, len(targets) + 1), np.arange(len(targets))],
        }
    )
    table["change"] = table["perturbed"] - table["control"]
    return table[table[["control", "perturbed"]].max(axis=1) >= EXPRESSED].reset_index(drop=True)


def _means(subject: Subject, columns: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Mean of each group of cells (rows) in each of the genes (columns)."""
    assert subject.matrix is not None
    scaling = _scaling(subject)
    sums = np.zeros((int(code.max()) + 1, len(columns)))
    for start, block in subject.matrix.blocks():
        rows = slice(start, start + block.shape[0])
        values = np.asarray(block[:, columns].toarray(), dtype=float)
        if scaling is not None:
            values = np.log1p(values * scaling[rows, None])
        known = code[rows] >= 0
        np.add.at(sums, code[rows][known], values[known])
    number = np.bincount(code[code >= 0], minlength=len(sums))
    return np.asarray(sums / np.maximum(number, 1)[:, None])


def _scaling(subject: Subject) -> np.ndarray | None:
    """What each cell's counts are multiplied with; None for values that are logarithms already."""
    if subject.settings.scale == "log1p":
        return None
    assert subject.values is not None
    name = subject.settings.library_size
    sizes = subject.values.totals if name is None else numbers(subject.opened.obs, name, "library_size")
    return np.asarray(NORMALISATION_TARGET / np.maximum(sizes, 1))
