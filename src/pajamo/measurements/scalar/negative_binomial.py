"""RNA counts given the DNA counts of a barcode: negative binomial."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.barcodes import Barcodes
from pajamo.measurements.scalar.drawing import numpy_generator
from pajamo.measurements.scalar.measurement import Recorded


class NegativeBinomialBarcodes(Barcodes):
    """rna ~ NegativeBinomial with mean m = dna * ratio and variance m + dispersion * m^2, given dna.

    The DNA count is taken as known. A barcode without DNA therefore has no denominator: whatever its RNA, it counts
    for nothing. (Dropping it by its DNA alone does not bias; a pseudo-count, or dropping only those without RNA too,
    would.) Where DNA counts are small, the beta-binomial, which knows that they are counts, is the better choice.

    Attributes
    ----------
    spread: ln of the dispersion.
    """

    first_spread = math.log(0.3)

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p(rna) of each barcode; 0 without DNA."""
        rna, known = recorded["rna"], recorded["dna"] > 0
        log_mean = self.log_ratio(activity) + torch.where(known, recorded["dna"], 1.0).log()
        size = (-self.spread).exp()
        # ln of (1 + dispersion * mean), and of the share of the mean in (mean + size).
        grown = torch.nn.functional.softplus(self.spread + log_mean)
        share = torch.nn.functional.logsigmoid(self.spread + log_mean)
        ways = torch.lgamma(rna + size) - torch.lgamma(size) - torch.lgamma(rna + 1)
        return torch.where(known, ways - size * grown + rna * share, 0.0)

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """RNA counts for the DNA counts that each barcode had."""
        random = numpy_generator(generator)
        mean = (self.log_ratio(activity).exp() * recorded["dna"]).detach().numpy()
        dispersion = float(self.spread.detach().exp())
        rates = random.gamma(1 / dispersion, dispersion, size=mean.shape) * mean
        return {**recorded, "rna": torch.as_tensor(random.poisson(rates), dtype=activity.dtype)}

    def reads(self, recorded: Recorded) -> Tensor:
        """RNA counts that tell something, shape (rows,)."""
        return torch.where(recorded["dna"] > 0, recorded["rna"], 0.0)
