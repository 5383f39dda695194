"""A sorter's gates: bins are intervals of log fluorescence, and cells of one sequence spread over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pajamo.errors import StudyError
from pajamo.measurements.scalar.extent import extent
from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.normal import log_below, log_between
from pajamo.measurements.scalar.sorted_reads import SortedReads

FIRST_NOISE = 0.5
"""First standard deviation of ln fluorescence among cells of one sequence."""
FIRST_BACKGROUND = -4.0
"""First ln of the autofluorescence, relative to the typical cell."""
FIRST_ASTRAY = 0.02
"""First share of the cells that end in any bin, whatever their fluorescence."""


class LogNormalGates(SortedReads):
    """Cells are sorted by fluorescence between gates; cells of one sequence are log-normally spread.

    ln fluorescence of a cell ~ Normal(ln(scale * activity + autofluorescence), noise). Bin b collects cells between
    the edges g_b and g_(b+1), the first and the last without an outer edge; a share of all cells goes astray and ends
    in any bin alike. A bin yields so many reads a cell, relative to the library: reads of a sequence in bin b have
    weight yield_b * p(b | activity), and the unsorted library, which is no bin, has weight 1. The likelihood is
    conditional on the reads of a sequence in all of them. The activity is given as its natural logarithm.

    What the data can tell. Adding a number to ln scale, ln autofluorescence and every edge changes nothing: with free
    edges the scale is therefore 1 (the fluorescence is counted in units of activity), and it is fitted only where the
    edges are given in the instrument's unit. A mechanism whose activity has a free scale of its own, as through a
    fitted rate or offset of a latent trait, shares that freedom with the edges' common place; the weak prior settles
    it. Without a library the yields are known up to a common factor, and the prior sets their mean logarithm to 0.
    Bright and dark yields trade against the astray share only where a bin is all but empty.

    Attributes
    ----------
    library: whether reads of the unsorted library were recorded.
    log_scale: ln fluorescence a unit of activity; a parameter only if edges are given.
    log_background: ln autofluorescence, relative to scale * exp(centre).
    log_noise: ln of the standard deviation of ln fluorescence.
    first, log_gaps: lowest edge, and ln of the distances to the next; parameters only if edges are not given.
    log_yield: ln of the reads a cell in each bin, shape (bins,).
    astray: logit of the share of cells that are missorted.
    centre: typical ln activity at the start.
    """

    normalised = False
    centre: Tensor
    level: Tensor
    gaps_mean: Tensor

    def __init__(self, bins: int, *, edges: Sequence[float] = (), library: bool = False) -> None:
        """`edges` are the fluorescences between neighbouring bins, where they are known.

        Raises
        ------
        StudyError: fewer than two bins; edges that are not one less than the bins, positive and rising.
        """
        super().__init__(library)
        _check(bins, edges)
        self.given = len(edges) > 0
        for name in ("log_background", "log_noise", "astray"):
            setattr(self, name, nn.Parameter(torch.zeros(())))
        self.log_yield = nn.Parameter(torch.zeros(bins))
        if self.given:
            self.log_scale = nn.Parameter(torch.zeros(()))
            self.register_buffer("log_edges", torch.tensor(edges).log())
        else:
            self.register_buffer("log_scale", torch.zeros(()))
            self.first = nn.Parameter(torch.zeros(()))
            self.log_gaps = nn.Parameter(torch.zeros(bins - 2))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("level", torch.zeros(bins))
        self.register_buffer("gaps_mean", torch.zeros(bins - 2))

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """Edges at even shares of the cells; yields that explain the bins' reads; little goes astray."""
        self.centre, spread = extent(activity)
        reads = (recorded["counts"].sum(dim=0) + 0.5).log()
        base = (recorded["library"].sum() + 0.5).log() if self.library else reads.mean()
        self.level = reads - base + (math.log(len(reads)) if self.library else 0.0)
        width = (spread**2 + FIRST_NOISE**2).sqrt()
        with torch.no_grad():
            self.log_yield.copy_(self.level)
            self.log_noise.fill_(math.log(FIRST_NOISE))
            self.log_background.fill_(FIRST_BACKGROUND)
            self.astray.fill_(math.log(FIRST_ASTRAY / (1 - FIRST_ASTRAY)))
            self._start_edges(width)

    def _start_edges(self, width: Tensor) -> None:
        if self.given:
            self.log_scale.copy_(self.log_edges.mean() - self.centre)
            return
        bins = len(self.log_yield)
        shares = torch.arange(1, bins, dtype=width.dtype) / bins
        edges = self.centre + width * torch.special.ndtri(shares)
        self.gaps_mean = edges.diff().log()
        self.first.copy_(edges[0])
        self.log_gaps.copy_(self.gaps_mean)

    @property
    def edges(self) -> Tensor:
        """ln fluorescence at the edges between neighbouring bins, shape (bins - 1,)."""
        if self.given:
            return self.log_edges
        return self.first + torch.cat([self.first.new_zeros(1), self.log_gaps.exp().cumsum(0)])

    def log_fluorescence(self, activity: Tensor) -> Tensor:
        """Mean ln fluorescence of the cells of a sequence: ln(scale * activity + autofluorescence)."""
        above = activity - self.centre - self.log_background
        return self.log_scale + self.centre + self.log_background + torch.nn.functional.softplus(above)

    def log_shares(self, activity: Tensor) -> Tensor:
        """ln of the share of a sequence's cells that each bin collects, shape (rows, bins); they add up to 1."""
        z = (self.edges - self.log_fluorescence(activity)[:, None]) * (-self.log_noise).exp()
        parts = [log_below(z[:, :1]), log_between(z[:, :-1], z[:, 1:]), log_below(-z[:, -1:])]
        straight = torch.nn.functional.logsigmoid(-self.astray) + torch.cat(parts, dim=1)
        anywhere = torch.nn.functional.logsigmoid(self.astray) - math.log(len(self.log_yield))
        return _log_sum(straight, anywhere)

    def log_weights(self, activity: Tensor) -> Tensor:
        """ln of the reads in each bin relative to the library, shape (rows, bins)."""
        return self.log_yield + self.log_shares(activity)

    def penalty(self) -> Tensor:
        """Weak Gaussian priors about the first values."""
        total = ((self.log_yield - self.level) ** 2).sum() / (2 * 3.0**2)
        total = total + (self.log_background - FIRST_BACKGROUND) ** 2 / (2 * 5.0**2)
        total = total + (self.log_noise - math.log(FIRST_NOISE)) ** 2 / (2 * 2.0**2)
        total = total + (self.astray - math.log(FIRST_ASTRAY)) ** 2 / (2 * 2.0**2)
        if self.given:
            return total + (self.log_scale / 20.0) ** 2 / 2
        gaps = ((self.log_gaps - self.gaps_mean) ** 2).sum() / (2 * 2.0**2)
        return total + gaps + ((self.first - self.centre) / 20.0) ** 2 / 2


def _check(bins: int, edges: Sequence[float]) -> None:
    if bins < 2:
        raise StudyError("gates need at least two bins", fix="use gates = 'free', or name more bins")
    rising = all(low < high for low, high in zip((0.0, *edges), edges, strict=False))
    if edges and (len(edges) != bins - 1 or not rising):
        raise StudyError(
            f"{len(edges)} gate edges for {bins} bins",
            why="edges lie between neighbouring bins: one less than there are bins, positive, from dark to bright",
        )


def _log_sum(large: Tensor, floor: Tensor) -> Tensor:
    """ln(exp(large) + exp(floor)) without a difference of infinities when differentiated twice."""
    return floor + torch.nn.functional.softplus(large - floor)
