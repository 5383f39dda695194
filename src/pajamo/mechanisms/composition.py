"""How interventions compose: each contributes its main effect, pairs add what is not additive.

The law, in ln(1 + CP10K) against the control (multiplicative in counts):

    delta(A) = scale(|A|) * sum_{a in A} effect(a) + sum_{a < b in A} interaction(a, b)

Salt is scale = 1 and interaction = 0 (Gaudelet et al. 2024, arXiv 2404.16907). Orders above two
carry the interactions of their pairs, which is the usual truncation of an analysis of variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition

Array = NDArray[np.float64]


def incidence(conditions: Sequence[Condition], genes: Sequence[str]) -> Array:
    """1 where a condition perturbs a gene, shape (conditions, genes). Genes not listed are left out."""
    position = {gene: i for i, gene in enumerate(genes)}
    matrix = np.zeros((len(conditions), len(genes)))
    for row, condition in enumerate(conditions):
        for gene in condition.genes:
            if gene in position:
                matrix[row, position[gene]] = 1.0
    return matrix


def part_incidence(conditions: Sequence[Condition], parts: Sequence[Condition]) -> Array:
    """1 where a single is part of a condition in the same context and time, shape (conditions, parts).

    Parts that are not singles stay 0.
    """
    position = {part: i for i, part in enumerate(parts) if part.order == 1}
    matrix = np.zeros((len(conditions), len(parts)))
    for row, condition in enumerate(conditions):
        for part in condition.parts():
            if part in position:
                matrix[row, position[part]] = 1.0
    return matrix


def scales(conditions: Sequence[Condition], alpha: float | Array) -> Array:
    """Scale of each condition's sum of effects: 1 for singles, alpha for doubles, its square for triples."""
    orders = np.array([max(condition.order, 1) for condition in conditions])
    return np.asarray(alpha ** (orders - 1.0))


def additive(effects: Array, membership: Array) -> Array:
    """Sum of the main effects; effects (genes perturbed, genes), membership (conditions, genes perturbed)."""
    return membership @ effects


def pairs(condition: Condition) -> tuple[tuple[str, str], ...]:
    """The unordered pairs of genes within a condition, each sorted."""
    return tuple(combinations(condition.genes, 2))


def pair_conditions(conditions: Sequence[Condition]) -> tuple[Array, tuple[Condition, ...]]:
    """The doubles that conditions of order two and more are made of, sorted.

    Returns how often each condition holds each double, shape (conditions, doubles), and the doubles.
    """
    within = [
        [Condition(pair, condition.context, condition.time) for pair in pairs(condition)]
        for condition in conditions
    ]
    doubles = tuple(sorted({double for listed in within for double in listed}))
    position = {double: i for i, double in enumerate(doubles)}
    membership = np.zeros((len(conditions), len(doubles)))
    for row, listed in enumerate(within):
        membership[row, [position[double] for double in listed]] = 1.0
    return membership, doubles


def compose(sums: Array, interactions: Array, membership: Array) -> Array:
    """Sums of main effects and the interactions of all pairs within each condition.

    Parameters
    ----------
    sums: shape (conditions, genes).
    interactions: of each double, shape (doubles, genes).
    membership: shape (conditions, doubles).
    """
    return np.asarray(sums + membership @ interactions)
