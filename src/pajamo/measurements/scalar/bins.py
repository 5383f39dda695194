"""A sorter's bins: reads of each sequence in each bin, any smooth dependence on the activity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.bin_expansion import BinExpansion
from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.sorted_reads import SortedReads
from pajamo.measurements.scalar.splines import SplineGrid

TAIL = 1e-3
"""Share of the activities on either side that the grid leaves to its straight continuation."""
NARROWEST = 1e-3
"""Least range of the activities that says how wide the grid is to be."""


class FreeBins(SortedReads):
    """p(bin b | activity) = softmax over b of a cubic spline, straight beyond its grid.

    With an unsorted library, its weight is 1 whatever the activity (it is no bin: how often a sequence is found there
    says how common it is), and each bin's curve is relative to it; the likelihood is conditional on the reads of a
    sequence in all of them. Without, the curves are known up to a common function, which the penalty sets to zero.

    Attributes
    ----------
    curves: coefficients of ln of each bin's weight, shape (bins, knots).
    span: ends of the grid on the activity's scale, shape (2,).
    roughness: precision of the second differences of neighbouring coefficients.
    sd: standard deviation of the Gaussian prior on each coefficient.
    """

    convex = True

    def __init__(
        self, bins: int, knots: int = 48, *, library: bool = False, roughness: float = 10.0, sd: float = 10.0
    ) -> None:
        super().__init__(library)
        self.roughness, self.sd = roughness, sd
        self.curves = nn.Parameter(torch.zeros(bins, knots))
        self.register_buffer("span", torch.tensor([-3.0, 3.0]))

    @property
    def grid(self) -> SplineGrid:
        """The grid of the splines."""
        return SplineGrid.over(float(self.span[0]), float(self.span[1]), self.curves.shape[1])

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """Lay the grid over the activities; the bins' sizes are their curves' level."""
        self.span = _span(activity)
        reads = recorded["counts"].sum(dim=0) + 0.5
        level = reads.log() - reads.log().mean()
        if self.library:
            level = reads.log() - (recorded["library"].sum() + 0.5).log()
        self.curves.data = level[:, None].expand_as(self.curves).clone().to(self.curves.dtype)

    def follow(self, activity: Tensor) -> None:
        """Lay the grid over these activities, keeping the curves as they are."""
        old, new = self.grid, _span(activity)
        if torch.equal(new, self.span):
            return
        self.span = new
        segment, values = old.basis(self.grid.centres)
        self.curves.data = _mixed(self.curves.data, segment, values).T.contiguous().to(self.curves.dtype)

    def log_weights(self, activity: Tensor) -> Tensor:
        """ln of each bin's weight, shape (rows, bins)."""
        segment, values = self.grid.basis(activity)
        return _mixed(self.curves, segment, values)

    def expand(self, activity: Tensor, recorded: Recorded) -> BinExpansion:
        """Derivatives from sums over the segments of the grid: few basis functions are not zero at an activity."""
        library = recorded["library"] if self.library else None
        return BinExpansion(self.curves, self.grid, activity, recorded["counts"], library)

    def penalty(self) -> Tensor:
        """Gaussian priors on coefficients and on their second differences."""
        bend = self.curves.diff(n=2, dim=1)
        return self.roughness * (bend**2).sum() / 2 + (self.curves**2).sum() / (2 * self.sd**2)


def _span(activity: Tensor) -> Tensor:
    ends = torch.quantile(activity.detach(), torch.tensor([TAIL, 1 - TAIL], dtype=activity.dtype))
    # Activities that are all alike give no scale: a grid as narrow as they are would be steep beyond all measure.
    return ends if ends[1] - ends[0] >= NARROWEST else ends.mean() + ends.new_tensor([-0.5, 0.5])


def _mixed(curves: Tensor, segment: Tensor, values: Tensor) -> Tensor:
    """The splines at each place, shape (places, bins)."""
    near = curves.T[segment[:, None] + torch.arange(values.shape[1])]
    return (near * values[..., None].to(curves.dtype)).sum(dim=1)
