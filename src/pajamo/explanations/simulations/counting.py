"""Molecules that were cut by a time, counted one by one: the noise of few molecules beside a scheme's mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pajamo.explanations.pairs.network import KineticNetwork
from pajamo.explanations.simulations.planting import Planted
from pajamo.explanations.simulations.trajectories import gillespie


def simulate_counts(
    planted: Planted,
    start: str,
    targets: Sequence[str],
    times: Sequence[float],
    molecules: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """A time course of each pair, from exact stochastic trajectories of its molecules.

    Each molecule is followed through all times, so that the counts of one pair never fall.

    Parameters
    ----------
    planted: a simulated library.
    start: state in which all molecules set out, as one that is not bound.
    targets: states of which any counts as arrived, as cut.
    times: in seconds.
    molecules: of each pair.
    rng: of waiting times and choices.

    Returns
    -------
    One row a pair and time: the columns of the library, `time`, `arrived`, `molecules`, `fraction`.

    Raises
    ------
    StudyError: the scheme has no such state. ModelError: a time below zero.
    """
    scheme = KineticNetwork.of(planted.model).scheme
    last, noted = max(times), np.asarray(times, dtype=np.float64)
    counts = np.zeros((len(planted.table), len(noted)), dtype=np.intp)
    for row, rates in enumerate(np.exp(planted.log_rates)):
        found = gillespie(
            scheme, rates, start, molecules=molecules, rng=rng, until=last, targets=targets, times=times
        )
        counts[row] = (found.arrival[:, None] <= noted).sum(axis=0)
    table = planted.table.loc[planted.table.index.repeat(len(noted))].reset_index(drop=True)
    return table.assign(
        time=np.tile(noted, len(counts)),
        arrived=counts.ravel(),
        molecules=molecules,
        fraction=counts.ravel() / molecules,
    )
