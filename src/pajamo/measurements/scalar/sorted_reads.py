"""Reads of each sequence in sorted bins, and in the unsorted library where there is one."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Measurement, Recorded


class SortedReads(Measurement):
    """What every sorter records: reads of a sequence in each bin, conditional on how many there are in all.

    Attributes
    ----------
    library: whether reads of the unsorted library were recorded, which is no bin and has weight 1.
    """

    def __init__(self, library: bool) -> None:
        super().__init__()
        self.library = library

    @abstractmethod
    def log_weights(self, activity: Tensor) -> Tensor:
        """ln of each bin's weight, relative to the library where there is one; shape (rows, bins)."""

    def log_probabilities(self, activity: Tensor) -> Tensor:
        """ln of the share of a sequence's sorted reads in each bin, shape (rows, bins)."""
        return torch.log_softmax(self.log_weights(activity), dim=1)

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p of where the reads of a sequence were found, given how many there are; shape (rows,)."""
        return multinomial_log_likelihood(self.log_weights(activity), recorded, self.library)

    def expected(self, activity: Tensor) -> Tensor:
        """Mean number, from 1, of the bin of a read."""
        probabilities = self.log_probabilities(activity).exp()
        return probabilities @ torch.arange(1, probabilities.shape[1] + 1, dtype=probabilities.dtype)

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """Reads in each bin (and the library), with as many in all as each sequence has."""
        return drawn_reads(self.log_weights(activity), recorded, self.library, generator)

    def reads(self, recorded: Recorded) -> Tensor:
        """Reads of each sequence."""
        return all_reads(recorded, self.library).sum(dim=1)


def with_library(log_weights: Tensor, library: bool) -> Tensor:
    """Put the library's weight, which is 1, before those of the bins."""
    return torch.nn.functional.pad(log_weights, (1, 0)) if library else log_weights


def all_reads(recorded: Recorded, library: bool) -> Tensor:
    """Reads of each sequence in the library (if there is one) and the bins, shape (rows, bins or bins + 1)."""
    counts = recorded["counts"]
    return torch.cat([recorded["library"][:, None], counts], dim=1) if library else counts


def multinomial_log_likelihood(log_weights: Tensor, recorded: Recorded, library: bool) -> Tensor:
    """ln p of where the reads of a sequence were found, given how many there are; shape (rows,).

    The multinomial coefficient, which no parameter changes, is left out.
    """
    shares = torch.log_softmax(with_library(log_weights, library), dim=1)
    return (all_reads(recorded, library) * shares).sum(dim=1)


def drawn_reads(
    log_weights: Tensor, recorded: Recorded, library: bool, generator: torch.Generator
) -> dict[str, Tensor]:
    """Put as many reads as each sequence has at random into the bins (and the library)."""
    weights = with_library(log_weights, library)
    totals = all_reads(recorded, library).sum(dim=1).long()
    rows = torch.repeat_interleave(torch.arange(len(totals)), totals)
    counts = torch.zeros_like(weights)
    if len(rows):
        drawn = torch.multinomial(torch.softmax(weights, dim=1)[rows], 1, generator=generator)[:, 0]
        counts.index_put_((rows, drawn), torch.ones(len(rows), dtype=counts.dtype), accumulate=True)
    return (
        {**recorded, "library": counts[:, 0], "counts": counts[:, 1:]}
        if library
        else {**recorded, "counts": counts}
    )
