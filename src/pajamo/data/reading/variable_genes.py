"""Choosing the genes that vary among control cells, so that the choice does not look at any perturbation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array, add_block
from pajamo.data.screen import Screen
from pajamo.errors import shorten

TREND_BINS = 20
"""Groups of genes of similar mean against whose median each gene's variance is judged."""


def keep_variable(screen: Screen, number: int) -> Screen:
    """Keep the most variable genes among control cells, and every perturbed gene that was measured.

    Genes keep their order. The screen's notes say how many were kept.
    """
    mean, variance = control_moments(screen)
    chosen = np.argsort(-excess_variance(mean, variance), kind="stable")[:number]
    perturbed = {gene for condition in screen.conditions for gene in condition.genes}
    kept = np.union1d(chosen, np.flatnonzero(screen.genes.isin(list(perturbed))))
    note = (
        f"{len(kept)} of {len(screen.genes)} genes kept: the {len(chosen)} most variable among control cells"
    )
    unmeasured = sorted(perturbed - set(screen.genes))
    notes = [f"{note}, and every perturbed gene that was measured"]
    notes += [f"perturbed genes that were not measured: {shorten(unmeasured)}"] if unmeasured else []
    return replace(screen.with_genes(kept), notes=(*screen.notes, *notes))


def control_moments(screen: Screen) -> tuple[Array, Array]:
    """Mean and variance of ln(1 + CP10K) over all control cells, shape (genes,) each; streaming."""
    control = np.array([condition.is_control for condition in screen.conditions])[screen.condition_of]
    sums, squares = np.zeros((1, len(screen.genes))), np.zeros((1, len(screen.genes)))
    for start, block in screen.log_normalised_blocks():
        rows = np.flatnonzero(control[start : start + block.shape[0]])
        if len(rows):
            add_block(sums, squares, block[rows], np.zeros(len(rows), dtype=np.intp))
    mean = sums[0] / control.sum()
    return mean, np.maximum(squares[0] / control.sum() - mean**2, 0.0)


def excess_variance(mean: Array, variance: Array) -> NDArray[np.float64]:
    """How far the logarithm of each gene's variance lies above that of genes with a similar mean.

    Counting noise alone gives every gene a variance that depends on its mean. Genes are put in order
    of their mean and cut into up to 20 groups of equal size; the median of a group is its trend.
    Genes that do not vary get minus infinity.
    """
    excess = np.full(len(mean), -np.inf)
    varying = np.flatnonzero(variance > 0)
    ordered = varying[np.argsort(mean[varying], kind="stable")]
    for group in np.array_split(ordered, min(TREND_BINS, max(1, len(ordered) // 10))):
        logarithm = np.log(variance[group])
        excess[group] = logarithm - np.median(logarithm) if len(group) else logarithm
    return excess
