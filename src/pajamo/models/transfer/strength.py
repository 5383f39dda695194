"""How strong a guide's own base pairs are: an R-loop that is rich in G:C pairs stays open, whatever it meets."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import BASES, GUIDE, SIZE, parts
from pajamo.encoders.guides.steps import StepMap
from pajamo.models.transfer.layer import KineticLayer

STRONG = "CG"
"""Bases whose pairs have three hydrogen bonds."""


class PairStrength(nn.Module):
    """change of a term = weight of its reader x sum over bases of the guide that it reads (1/2 for G and C, or -1/2).

    Rates of one or two guides cannot tell what their bases do from what the nuclease does; tables of many guides can,
    and without it they rank sites of one guide against sites of another wrongly. Each reader of the mechanism has one
    weight: a G:C pair adds as much to each step of an R-loop, as much wherever a rate reads it. Bases of the PAM do
    not pair with the guide and do not count. All starts at 0, and a guide that is half G:C is not changed.

    Attributes
    ----------
    weights: what a G:C pair adds in place of an A:T pair, in ln units (kT), shape (readers,).
    reach: 1 where a position enters a term through a reader, shape (readers, length, terms).
    strong: 1/2, -1/2, or 0 for what is no base of a guide, by code; shape (codes + 1,).
    """

    reach: Tensor
    strong: Tensor

    def __init__(self, kinetics: KineticLayer, pam: int) -> None:
        super().__init__()
        reach = _reach(kinetics, pam)
        self.weights = nn.Parameter(torch.zeros(len(reach)))
        self.register_buffer("reach", reach, persistent=False)
        self.register_buffer("strong", torch.as_tensor(strong_codes(), dtype=reach.dtype), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (pairs, length) to the change of each term, (pairs, terms)."""
        return self.strong[codes.long()] @ torch.tensordot(self.weights, self.reach, dims=1)

    def penalty(self, sd: float) -> Tensor:
        """Minus ln of a Gaussian prior density of the weights, in nats, up to a constant."""
        return ((self.weights / sd) ** 2).sum() / 2


def strong_codes() -> np.ndarray:
    """1/2 where the guide has G or C, -1/2 where it has A or T, 0 for N and the missing code; shape (codes + 1,)."""
    guide = parts(np.arange(SIZE, dtype=np.uint8))[0]
    value = np.array([0.0 if base not in BASES else 0.5 if base in STRONG else -0.5 for base in GUIDE])
    return np.append(value[guide], 0.0)


def _reach(kinetics: KineticLayer, pam: int) -> Tensor:
    """Which positions behind the PAM enter which term; a step of an R-loop has one base pair."""
    blueprint = kinetics.blueprint
    readers = list(blueprint.readers)
    reach = torch.zeros(len(readers), kinetics.length, len(blueprint.terms))
    for place, term in enumerate(blueprint.terms):
        if term.encoder is None:
            continue
        own = reach[readers.index(term.encoder), :, place]
        if isinstance(kinetics.reader(term.encoder), StepMap):
            first, count = pam + (term.part or 0) - 1, int(bool(term.part))
        else:
            first, count = term.start, blueprint.readers[term.encoder].length
        own[max(first, pam) : first + count] = 1.0
    return reach
