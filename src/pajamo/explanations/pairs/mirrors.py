"""Rates that go together over the pairs of an assay, so that the data cannot tell which of them a change hits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.pairs.network import KineticNetwork

MIRRORED = 0.999
"""Absolute correlation of two ln rates over pairs from which they count as one quantity."""
FAST = 0.05
"""Control, in %/%, that both rates of a step in equilibrium have together at most, and each alone at least."""
STILL = 1e-9
"""Spread of a ln rate over pairs below which it is the same for all."""


@dataclass(frozen=True)
class Mirror:
    """Two transitions whose ln rates rise and fall together.

    Attributes
    ----------
    first, second: their places.
    value: Pearson correlation over pairs, or what control both together have.
    """

    first: int
    second: int
    value: float


def mirrored(network: KineticNetwork, log_rates: Array, least: float = MIRRORED) -> list[Mirror]:
    """Every two transitions that go together; those that are the same by declaration are left out.

    Parameters
    ----------
    network: of the rates.
    log_rates: of pairs, shape (pairs, transitions).
    least: absolute correlation.
    """
    centred = log_rates - log_rates.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    moving = [place for place in range(len(network.transitions)) if size[place] > STILL]
    found = []
    for one, other in combinations(moving, 2):
        value = float(centred[:, one] @ centred[:, other] / size[one] / size[other])
        if abs(value) >= least and not _declared(network, one, other):
            found.append(Mirror(one, other, value))
    return found


def at_equilibrium(network: KineticNetwork, log_rates: Array) -> list[Mirror]:
    """Steps so fast that, in nine of ten pairs, only the ratio of their two rates sets the output.

    If both rates of a step double, the output changes by the sum of their control coefficients; where that is next to
    nothing though each has control, the step is in equilibrium.

    Parameters
    ----------
    network: of the rates.
    log_rates: of pairs, shape (pairs, transitions).

    Returns
    -------
    Each step as both its transitions, with the 90th percentile over pairs of the size of that sum.
    """
    slopes = network.control(torch.as_tensor(log_rates)).numpy()
    found = []
    for one, other in network.scheme.pairs:
        if other is not None and np.quantile(np.abs(slopes[:, one]), 0.9) > FAST:
            left = float(np.quantile(np.abs(slopes[:, one] + slopes[:, other]), 0.9))
            found += [Mirror(one, other, left)] if left < FAST else []
    return found


def same_window(network: KineticNetwork) -> list[tuple[int, int]]:
    """Transitions and those that undo them, where both read the same positions of the pair."""
    return [
        (one, other)
        for one, other in network.scheme.pairs
        if other is not None
        and windows(network, one) == windows(network, other) != frozenset()
        and not _declared(network, one, other)
    ]


def windows(network: KineticNetwork, transition: int) -> frozenset[tuple[int, int]]:
    """First position and length of every window that sets a rate."""
    blueprint = network.assembly.blueprint
    entering = np.flatnonzero(network.law.incidence[transition].numpy())
    terms = [blueprint.terms[int(place)] for place in entering]
    return frozenset(
        (term.start, blueprint.readers[term.encoder].length) for term in terms if term.encoder is not None
    )


def training_codes(network: KineticNetwork, assay: Assay) -> np.ndarray:
    """Codes of the different pairs that an experiment trained on, shape (pairs, length)."""
    return np.unique(assay.experiment(network.experiment).part("training").codes, axis=0)


def _declared(network: KineticNetwork, one: int, other: int) -> bool:
    """Whether two rates hold the same readings, so that they go together whatever the data say."""
    read = [term.encoder is not None for term in network.assembly.blueprint.terms]
    incidence = network.law.incidence.numpy()[:, read]
    return bool((incidence[one] == incidence[other]).all())
