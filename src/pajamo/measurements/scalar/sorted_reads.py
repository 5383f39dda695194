"""Reads of each sequence in sorted bins, and in the unsorted library where there is one."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Recorded


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
