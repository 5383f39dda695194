"""Schemes, exact rational steady states and naive references, for the tests of kinetics."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import torch

from pajamo.mechanisms.kinetics.scheme import Scheme


def chain(states: int, *, closed: bool = True) -> Scheme:
    """s0 <-> s1 <-> ... and, if closed, an irreversible transition from the last to the first."""
    names = tuple(f"s{i}" for i in range(states))
    both = [ends for a, b in pairwise(names) for ends in ((a, b), (b, a))]
    return Scheme(names, (*both, *(((names[-1], names[0]),) if closed else ())))


def ring(states: int) -> Scheme:
    """Every state exchanges with the next, and the last with the first."""
    names = tuple(f"s{i}" for i in range(states))
    following = (*names[1:], names[0])
    return Scheme(names, tuple(e for a, b in zip(names, following, strict=True) for e in ((a, b), (b, a))))


def complete(states: int) -> Scheme:
    """Every state exchanges with every other."""
    names = tuple(f"s{i}" for i in range(states))
    return Scheme(names, tuple((a, b) for a in names for b in names if a != b))


def random_scheme(states: int, extra: int, seed: int) -> Scheme:
    """A one-way circle through all states and some transitions more."""
    draw = np.random.default_rng(seed)
    names = tuple(f"s{i}" for i in range(states))
    circle = list(zip(names, (*names[1:], names[0]), strict=True))
    others = [(a, b) for a in names for b in names if a != b and (a, b) not in circle]
    chosen = draw.choice(len(others), extra, replace=False)
    return Scheme(names, (*circle, *(others[i] for i in chosen)))


def drawn(scheme: Scheme, *rows: int, spread: float = 1.0, seed: int = 0) -> torch.Tensor:
    """Log rates from a normal distribution, shape (*rows, transitions)."""
    draw = torch.Generator().manual_seed(seed)
    return spread * torch.randn(*rows, len(scheme.transitions), generator=draw, dtype=torch.float64)


def solved(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Occupancies by a plain linear solve, one balance replaced by the sum."""
    rates = torch.zeros(*log_rates.shape[:-1], len(scheme.states), len(scheme.states), dtype=log_rates.dtype)
    for i, (source, target) in enumerate(scheme.ends):
        rates[..., target, source] += log_rates[..., i].exp()
        rates[..., source, source] -= log_rates[..., i].exp()
    rates[..., 0, :] = 1.0
    right = torch.zeros(*rates.shape[:-1], 1, dtype=rates.dtype)
    right[..., 0, 0] = 1.0
    return torch.linalg.solve(rates, right).squeeze(-1)


def exact(scheme: Scheme, rates: list[float]) -> list[Fraction]:
    """Occupancies without any rounding, by Gaussian elimination on fractions."""
    count = len(scheme.states)
    matrix = [[Fraction(0)] * (count + 1) for _ in range(count)]
    for (source, target), rate in zip(scheme.ends, rates, strict=True):
        matrix[target][source] += Fraction(rate)
        matrix[source][source] -= Fraction(rate)
    matrix[0] = [Fraction(1)] * (count + 1)
    for column in range(count):
        pivot = next(row for row in range(column, count) if matrix[row][column] != 0)
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        matrix[column] = [value / matrix[column][column] for value in matrix[column]]
        for row in range(count):
            factor = matrix[row][column]
            if row != column and factor != 0:
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[column], strict=True)]
    return [row[-1] for row in matrix]


def logarithm(value: Fraction) -> float:
    """Of a fraction that may be too small for a float."""
    return math.log(value.numerator) - math.log(value.denominator)


def all_trees(scheme: Scheme, root: int) -> set[tuple[int, ...]]:
    """Spanning trees that lead to a state, by trying every set of transitions."""
    found = set()
    for chosen in combinations(range(len(scheme.transitions)), len(scheme.states) - 1):
        following = dict(scheme.ends[i] for i in chosen)
        one_each = len(following) == len(chosen) and root not in following
        if one_each and all(_arrives(start, following, root) for start in following):
            found.add(chosen)
    return found


def _arrives(state: int, following: dict[int, int], root: int) -> bool:
    for _ in following:
        state = following.get(state, state)
    return state == root
