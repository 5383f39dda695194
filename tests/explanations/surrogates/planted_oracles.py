"""Oracles whose answer is known: a small promoter, and a rule that no additive map can follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import declare
from pajamo.data.assays.alphabet import alphabet_of

WILD_TYPE = "ACGTTGCAAC"
PROMOTER = declare(
    "thermodynamic",
    sites={"A": {"start": 0, "length": 4}, "R": {"start": 5, "length": 4}},
    interactions={"A+R": {}},
    transcribes=["R"],
)
ACTIVATOR = np.random.default_rng(1).normal(0, 1.2, (4, 4))
POLYMERASE = np.random.default_rng(2).normal(0, 1.2, (4, 4))
INTERACTION = -3.0
"""kT."""


def promoter(sequences: list[str]) -> NDArray[np.float64]:
    """Activity of the promoter with planted energies, in the unit of some reporter."""
    codes = alphabet_of("dna").encode(sequences)
    wild_type = alphabet_of("dna").encode([WILD_TYPE])
    first = _energy(ACTIVATOR, codes[:, :4]) - _energy(ACTIVATOR, wild_type[:, :4]) - 1.0
    second = _energy(POLYMERASE, codes[:, 5:9]) - _energy(POLYMERASE, wild_type[:, 5:9]) + 1.0
    both = first + second + INTERACTION
    active = np.logaddexp(-second, -both)
    return 2.0 + 5.0 * np.exp(active - np.logaddexp.reduce([0 * first, -first, -second, -both]))


def parity(sequences: list[str]) -> list[float]:
    """1 where the first two letters are equal, else 0, and a little of how often A occurs."""
    return [float(s[0] == s[1]) + 0.01 * s.count("A") for s in sequences]


def _energy(matrix: NDArray[np.float64], codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(matrix[np.arange(codes.shape[1]), codes].sum(axis=1))
