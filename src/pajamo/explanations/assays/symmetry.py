"""A discrete symmetry of a mechanism: other energies, other states, the same prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.explanations.assays.gauges import Array
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.symbols import Symbols

TINY = 1e-9


@dataclass(frozen=True)
class Symmetry:
    """new terms = matrix @ terms + shift, under which the states take each other's places.

    Attributes
    ----------
    states: for each state the one whose probability it takes, shape (states,).
    matrix: shape (terms, terms).
    shift: shape (terms,).
    mirrored: for each output whether its activity t becomes 1 - t.
    scaled: ln of the factor that multiplies each output, linear in the terms with the constant last; shape
        (outputs, terms + 1).
    error: largest difference between both activities on random terms, on the scale of a measurement.
    """

    states: tuple[int, ...]
    matrix: Array
    shift: Array
    mirrored: tuple[bool, ...]
    scaled: Array
    error: float = np.nan

    @property
    def mirrors(self) -> bool:
        """Whether some output is turned upside down."""
        return any(self.mirrored)

    def transformed(self, terms: Array) -> Array:
        """The other terms of the same activity, shape (..., terms)."""
        return terms @ self.matrix.T + self.shift

    def describe(self, blueprint: Blueprint) -> str:
        """The transformation in words, as "dG[CRP] -> -dG[CRP]; ..."; terms that stay are left out."""
        symbols = [Symbols().term(term) for term in blueprint.terms]
        changes = [
            f"{symbols[row]} -> {_combination(self.matrix[row], self.shift[row], symbols)}"
            for row in range(len(symbols))
            if self._changes(row)
        ]
        outputs = zip(blueprint.outputs, self.mirrored, self.scaled, strict=True)
        changes += [_output(name, mirrored, scaled, symbols) for name, mirrored, scaled in outputs]
        return "; ".join(filter(None, changes))

    def exchanged(self, blueprint: Blueprint) -> str:
        """Which states take each other's places, as "free <-> CRP, RNAP <-> CRP+RNAP"."""
        names = blueprint.states
        moved = [(s, t) for s, t in enumerate(self.states) if s != t]
        swaps = [f"{names[s]} <-> {names[t]}" for s, t in moved if self.states[t] == s and s < t]
        return ", ".join(swaps + [f"{names[s]} -> {names[t]}" for s, t in moved if self.states[t] != s])

    def _changes(self, row: int) -> bool:
        same = np.eye(len(self.shift))[row]
        return bool(np.abs(self.matrix[row] - same).max() > TINY or abs(self.shift[row]) > TINY)


def identity(blueprint: Blueprint) -> Symmetry:
    """The symmetry that changes nothing."""
    terms, outputs = len(blueprint.terms), len(blueprint.outputs)
    states = tuple(range(len(blueprint.states)))
    return Symmetry(
        states, np.eye(terms), np.zeros(terms), (False,) * outputs, np.zeros((outputs, terms + 1)), 0.0
    )


def _combination(factors: NDArray[np.float64], constant: float, symbols: list[str]) -> str:
    parts = [_times(f, symbol) for f, symbol in zip(factors, symbols, strict=True) if abs(f) > TINY]
    if abs(constant) > TINY:
        parts.append(f"{constant:.4g}")
    return " + ".join(parts).replace("+ -", "- ") or "0"


def _times(factor: float, symbol: str) -> str:
    if abs(abs(factor) - 1) < TINY:
        return symbol if factor > 0 else f"-{symbol}"
    return f"{factor:.3g} {symbol}"


def _output(name: str, mirrored: bool, scaled: Array, symbols: list[str]) -> str:
    if mirrored:
        return f"{name} -> 1 - {name}"
    if np.abs(scaled).max() <= TINY:
        return ""
    return f"ln {name} -> ln {name} + {_combination(scaled[:-1], scaled[-1], symbols)}"
