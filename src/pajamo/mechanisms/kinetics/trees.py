"""Steady states as sums over spanning trees: exact, positive, differentiable any number of times.

The occupancy of a state is the sum, over all spanning trees whose transitions lead to it, of the product of
their rates (King and Altman 1956, J. Phys. Chem. 60:1375; Hill 1966, J. Theor. Biol. 10:442). A product of
rates is a sum of log rates, so the log weights of all trees are one multiplication by a fixed matrix of zeros
and ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.absent import ABSENT, connected, infinite
from pajamo.mechanisms.kinetics.scheme import Scheme

MOST_TREES = 100_000
"""More take minutes to list."""


@lru_cache(maxsize=256)
def count_trees(scheme: Scheme) -> float:
    """How many spanning trees a scheme has over all roots; rounded where they are very many, at most e^700.

    By the matrix-tree theorem (Tutte 1948): the minors of the Laplacian L count the trees of each root, and
    their sum over all roots is the one determinant |L + E|, E with ones in the first column and zeros
    elsewhere.
    """
    laplacian = np.zeros((len(scheme.states), len(scheme.states)))
    for source, target in scheme.ends:
        laplacian[source, source] += 1.0
        laplacian[source, target] -= 1.0
    laplacian[:, 0] += 1.0
    logarithm = np.linalg.slogdet(laplacian).logabsdet
    return float(np.rint(np.exp(min(logarithm, 700.0))))


@lru_cache(maxsize=64)
def incidence(scheme: Scheme) -> tuple[np.ndarray, tuple[int, ...]]:
    """Every spanning tree as a row of zeros and ones, sorted by root: shape (trees, transitions); trees per root.

    Raises
    ------
    ModelError: there are too many to be listed.
    """
    if count_trees(scheme) > MOST_TREES:
        raise ModelError(
            f"a scheme of {len(scheme.states)} states has {count_trees(scheme):.3g} spanning trees",
            why=f"more than {MOST_TREES} take too long to list",
            fix="take elimination.by_elimination, or log_occupancy, which chooses",
        )
    listed = [list(rooted_trees(scheme, root)) for root in range(len(scheme.states))]
    rows = np.zeros((sum(map(len, listed)), len(scheme.transitions)))
    for row, tree in zip(rows, (tree for trees in listed for tree in trees), strict=True):
        row[list(tree)] = 1.0
    return rows, tuple(len(trees) for trees in listed)


def rooted_trees(scheme: Scheme, root: int) -> Iterator[tuple[int, ...]]:
    """The spanning trees that lead to one state, each as the positions of its transitions.

    Each other state is left by one transition of the tree. They are chosen state by state; a choice after
    which some state could no longer come to the root is given up at once, so that every choice kept ends in a
    tree.
    """
    leaving: list[list[int]] = [[] for _ in scheme.states]
    for transition, source in enumerate(scheme.sources):
        leaving[source].append(transition)
    leaving[root] = []
    yield from _completed(scheme, leaving, [state for state in range(len(scheme.states)) if state != root])


def _completed(scheme: Scheme, leaving: list[list[int]], undecided: list[int]) -> Iterator[tuple[int, ...]]:
    if not _all_arrive(scheme, leaving):
        return
    if not undecided:
        yield tuple(choice[0] for choice in leaving if choice)
        return
    for transition in leaving[undecided[0]]:
        chosen = leaving.copy()
        chosen[undecided[0]] = [transition]
        yield from _completed(scheme, chosen, undecided[1:])


def _all_arrive(scheme: Scheme, leaving: list[list[int]]) -> bool:
    """Whether every state can still come to the one that nothing leaves, by the transitions that are left."""
    arrive = sum(1 << state for state, choices in enumerate(leaving) if not choices)
    if arrive.bit_count() != 1:
        return False
    pending = [(1 << state, _targets(scheme, choices)) for state, choices in enumerate(leaving) if choices]
    while pending:
        waiting = []
        for state, targets in pending:
            if targets & arrive:
                arrive |= state
            else:
                waiting.append((state, targets))
        if len(waiting) == len(pending):
            return False
        pending = waiting
    return True


def _targets(scheme: Scheme, choices: list[int]) -> int:
    targets = 0
    for transition in choices:
        targets |= 1 << scheme.ends[transition][1]
    return targets


def by_trees(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Log occupancies at steady state, from all spanning trees, shape (..., states).

    Nothing is subtracted, so that the smallest occupancy is as accurate as the largest.

    Parameters
    ----------
    log_rates: natural logarithms of the rates (any one unit of time), shape (..., transitions); -inf where a
        transition is absent.

    Raises
    ------
    ModelError: too many trees to list, or a row without a unique steady state.
    """
    trees, sizes = incidence(scheme)
    weights = connected(scheme, log_rates) @ torch.from_numpy(trees).to(log_rates).mT
    total = torch.stack([_sum(part) for part in weights.split(sizes, dim=-1)], dim=-1)
    return infinite(total - torch.logsumexp(total, dim=-1, keepdim=True))


def _sum(log_weights: torch.Tensor) -> torch.Tensor:
    if log_weights.shape[-1]:
        return torch.logsumexp(log_weights, dim=-1)
    return log_weights.new_full(log_weights.shape[:-1], ABSENT)
