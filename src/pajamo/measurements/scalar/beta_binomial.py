"""RNA counts among the RNA and DNA counts of a barcode: beta-binomial."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.barcodes import Barcodes, log_binomial
from pajamo.measurements.scalar.drawing import numpy_generator
from pajamo.measurements.scalar.measurement import Recorded


class BetaBinomialBarcodes(Barcodes):
    """rna ~ BetaBinomial among n = rna + dna, with mean share p = ratio / (1 + ratio) and a concentration c.

    The share of a barcode is Beta(c p, c (1 - p)). Both counts are treated as counts, so that a barcode with RNA and
    no DNA is evidence like any other, and one with neither has n = 0 and tells nothing.

    Attributes
    ----------
    spread: ln of the concentration; the greater, the closer to a binomial.
    """

    first_spread = math.log(20.0)

    def shape(self, activity: Tensor) -> tuple[Tensor, Tensor]:
        """Both parameters of the beta distribution of the RNA share, each of shape (rows,)."""
        log_ratio = self.log_ratio(activity)
        rna = (self.spread + torch.nn.functional.logsigmoid(log_ratio)).exp()
        dna = (self.spread + torch.nn.functional.logsigmoid(-log_ratio)).exp()
        return rna + SMALLEST, dna + SMALLEST

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p(rna, given rna + dna) of each barcode."""
        a, b = self.shape(activity)
        rna, dna = recorded["rna"], recorded["dna"]
        found = _log_beta(a + rna, b + dna) - _log_beta(a, b)
        return log_binomial(rna + dna, rna) + found

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """RNA and DNA counts with as many of both together as each barcode had."""
        random = numpy_generator(generator)
        a, b = (value.detach().numpy() for value in self.shape(activity))
        total = (recorded["rna"] + recorded["dna"]).numpy().astype(int)
        rna = torch.as_tensor(random.binomial(total, random.beta(a, b)), dtype=activity.dtype)
        return {**recorded, "rna": rna, "dna": torch.as_tensor(total, dtype=activity.dtype) - rna}

    def reads(self, recorded: Recorded) -> Tensor:
        """RNA and DNA counts of each barcode, shape (rows,)."""
        return recorded["rna"] + recorded["dna"]


SMALLEST = 1e-8
"""Added to both parameters of the beta distribution, so that an extreme activity leaves them positive."""


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
