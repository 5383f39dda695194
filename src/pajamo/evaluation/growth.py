"""Genetic interactions of a scalar phenotype such as growth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError, shorten

FEWEST_PARTNERS = 5
"""A gene with fewer partners gets no curve of its own."""


def growth_interactions(singles: Mapping[str, float], doubles: Mapping[Condition, float]) -> pd.DataFrame:
    """Observed minus expected phenotype of each double.

    For each gene, the phenotypes of its doubles are fitted as a quadratic in the partner's single
    phenotype that passes through the gene's own single phenotype where the partner does nothing:
    y = y_gene + b x + c x². The interaction is the deviation from that curve, averaged over the two
    genes of the pair.

    Parameters
    ----------
    singles: phenotype of each gene alone (log2 enrichment per doubling, for growth), control at 0.
    doubles: phenotype of each pair, in the same unit.

    Returns
    -------
    One row a double: gene_1, gene_2, observed, expected, score (negative: sicker than expected), z
    (score over the robust standard deviation of all scores). NaN where neither gene has five partners.

    Raises
    ------
    DataError: a gene without single phenotype, values that are not finite, or no gene with five partners.

    Source: Horlbeck et al. 2018, Cell 174:953; Norman et al. 2019, Science 365:786.
    """
    pairs = [pair for pair in doubles if pair.order == 2]
    _require(singles, pairs, doubles)
    first, second = (np.array([pair.genes[k] for pair in pairs]) for k in (0, 1))
    observed = np.array([doubles[pair] for pair in pairs], dtype=float)
    x, y = (np.array([singles[gene] for gene in genes], dtype=float) for genes in (first, second))
    queries, partners = np.concatenate([first, second]), np.concatenate([y, x])
    curves = _expected(queries, np.concatenate([x, y]), partners, np.tile(observed, 2))
    expected = _mean_present(*np.split(curves, 2))
    score = observed - expected
    spread = 1.4826 * float(np.nanmedian(np.abs(score - np.nanmedian(score))))
    return pd.DataFrame(
        {
            "gene_1": first,
            "gene_2": second,
            "observed": observed,
            "expected": expected,
            "score": score,
            "z": score / spread if spread > 0 else np.zeros_like(score),
        },
        index=[str(pair) for pair in pairs],
    )


def _expected(query: NDArray[np.str_], own: Array, partner: Array, observed: Array) -> Array:
    """The query gene's fitted curve at the partner's phenotype, for each row; NaN with few partners."""
    _, gene = np.unique(query, return_inverse=True)

    def total(values: Array) -> Array:
        return np.asarray(np.bincount(gene, weights=values), dtype=np.float64)

    rise = observed - own
    moments = np.array([[total(partner**2), total(partner**3)], [total(partner**3), total(partner**4)]])
    gram = np.moveaxis(moments, 2, 0)
    # Partners that all do nothing say nothing about the curve; the ridge then leaves it flat.
    ridge = 1e-10 * np.maximum(np.trace(gram, axis1=1, axis2=2), 1e-12)
    right = np.column_stack([total(partner * rise), total(partner**2 * rise)])
    curve = np.linalg.solve(gram + ridge[:, None, None] * np.eye(2), right[:, :, None])[:, :, 0]
    fitted = own + curve[gene, 0] * partner + curve[gene, 1] * partner**2
    return np.where(np.bincount(gene)[gene] >= FEWEST_PARTNERS, fitted, np.nan)


def _mean_present(first: Array, second: Array) -> Array:
    both = (first + second) / 2
    return np.where(np.isnan(both), np.where(np.isnan(first), second, first), both)


def _require(
    singles: Mapping[str, float], pairs: Sequence[Condition], doubles: Mapping[Condition, float]
) -> None:
    lacking = sorted({gene for pair in pairs for gene in pair.genes} - singles.keys())
    if lacking:
        raise DataError(f"no single phenotype for {shorten(lacking)}", fix="drop these doubles")
    bad = [
        pair for pair in pairs if not np.isfinite([doubles[pair], *(singles[g] for g in pair.genes)]).all()
    ]
    if bad:
        raise DataError(f"phenotypes that are not finite: {shorten(bad)}", fix="drop these doubles")
    partners = Counter(gene for pair in pairs for gene in pair.genes)
    if not partners or max(partners.values()) < FEWEST_PARTNERS:
        raise DataError(
            f"no gene is in {FEWEST_PARTNERS} doubles or more",
            why="what to expect of a pair is fitted on the other pairs of its genes",
            fix="use a map with more pairs",
        )
