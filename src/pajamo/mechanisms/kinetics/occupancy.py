"""Log occupancies at steady state, by the faster of two exact ways."""

from __future__ import annotations

import torch

from pajamo.mechanisms.kinetics.elimination import by_elimination
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.trees import by_trees, count_trees

TREES_UP_TO = 200
"""Up to here trees are the faster way forward and backward; measured by benchmarks/steady_states.py."""


def log_occupancy(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Natural logarithm of the share of time spent in each state at steady state, shape (..., states).

    Transient states get -inf.

    Parameters
    ----------
    log_rates: natural logarithms of the rates, all in the same unit of time, shape (..., transitions), in the
        order of the scheme; -inf where a transition is absent.

    Raises
    ------
    ModelError: a row has no unique steady state, or the number of rates is not that of the transitions.
    """
    solve = by_trees if count_trees(scheme) <= TREES_UP_TO else by_elimination
    return solve(scheme, log_rates)
