"""RNA and DNA counts of each barcode, as in a massively parallel reporter assay: what both noises share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.errors import DataError
from pajamo.measurements.scalar.extent import extent
from pajamo.measurements.scalar.measurement import Measurement, Recorded


class Barcodes(Measurement):
    """RNA a template is proportional to the activity, which is given as its natural logarithm.

    RNA and DNA libraries are sequenced to different depths: ln of the ratio of all RNA to all DNA counts is taken off
    first, and a fitted `log_scale` holds what is left. A mechanism whose activity has a free scale of its own shares
    that freedom with it; the prior settles it.

    Attributes
    ----------
    log_scale: ln of RNA a DNA count at an activity of exp(centre), relative to the depths' ratio.
    spread: ln of the dispersion (negative binomial) or of the concentration (beta-binomial).
    depth: ln of the ratio of all RNA to all DNA counts.
    centre: typical ln activity at the start.
    """

    normalised = False
    first_spread = 0.0
    depth: Tensor
    centre: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.spread = nn.Parameter(torch.tensor(self.first_spread))
        self.register_buffer("depth", torch.zeros(()))
        self.register_buffer("centre", torch.zeros(()))

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """The typical activity gives the typical ratio.

        Raises
        ------
        DataError: no DNA or no RNA at all.
        """
        for name in ("rna", "dna"):
            if not recorded[name].sum() > 0:
                raise DataError(
                    f"all {name.upper()} counts are zero", fix="check the column that the study names"
                )
        self.centre, _ = extent(activity)
        self.depth = (recorded["rna"].sum() / recorded["dna"].sum()).log()
        with torch.no_grad():
            self.log_scale.zero_()
            self.spread.fill_(self.first_spread)

    def log_ratio(self, activity: Tensor) -> Tensor:
        """ln of the expected RNA a DNA count."""
        return self.depth + self.log_scale + activity - self.centre

    def expected(self, activity: Tensor) -> Tensor:
        """RNA a DNA count."""
        return self.log_ratio(activity).exp()

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        return (self.log_scale / 10.0) ** 2 / 2 + ((self.spread - self.first_spread) / 3.0) ** 2 / 2


def log_binomial(total: Tensor, part: Tensor) -> Tensor:
    """ln of the binomial coefficient, for tensors of counts."""
    return torch.lgamma(total + 1) - torch.lgamma(part + 1) - torch.lgamma(total - part + 1)
