"""Which step of a mechanism a target hits: the term whose change explains most of the fall of the activity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.models.transfer.network import TransferNetwork

POINTS = 3
"""Of Gauss-Legendre quadrature along the path from the matched target: enough to say which term leads."""
NOTHING = 1e-4
"""Fall of log10 of the activity below which no step is named."""
AT_ONCE = 16_384


def steps_hit(network: TransferNetwork, codes: Codes) -> list[str]:
    """For each pair the term that contributes most to the fall from the matched target; "" without a fall.

    Parameters
    ----------
    network: trained.
    codes: pairs, shape (pairs, length).
    """
    names = [term.name for term in network.kinetics.blueprint.terms]
    found: list[str] = []
    for part in torch.as_tensor(codes).split(AT_ONCE):
        falls = contributions(network, part)
        leading, most = falls.argmin(dim=1), falls.min(dim=1).values
        fallen = (falls.sum(dim=1) < -NOTHING) & (most < 0)
        found += [
            names[place] if hit else "" for place, hit in zip(leading.tolist(), fallen.tolist(), strict=True)
        ]
    return found


def contributions(network: TransferNetwork, codes: Tensor, points: int = POINTS) -> Tensor:
    """What the change of each term adds to log10(activity / that of the matched target), shape (pairs, terms).

    The terms go in a straight line from those of the matched target; the derivative along it, integrated, is shared
    out among them without remainder (Aumann and Shapley 1974; Sundararajan et al. 2017, ICML), but for quadrature.
    """
    network.eval()
    with torch.no_grad():
        matched = network.matched(codes)
        change = network.terms(codes) - matched
    total = torch.zeros_like(change)
    places, weights = np.polynomial.legendre.leggauss(points)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        terms = (matched + float(place) * change).requires_grad_()
        activity = network.kinetics.log10_activity(terms)
        (slope,) = torch.autograd.grad(activity.sum(), terms)
        total += float(weight) * slope
    return total * change
