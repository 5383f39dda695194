"""Reading the sequence for several terms at once: every placement of one site on one strand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.models.assays.blueprint import Blueprint


@dataclass(frozen=True)
class Reading:
    """Terms that one reader takes from one strand.

    Attributes
    ----------
    reader: its key.
    strand: "+" or "-".
    length: width of its window.
    places: positions of the terms among all terms.
    starts: first position that each reads, on the given strand.
    parts: which of the reader's numbers each takes, where the reader gives several.
    missing: code beyond the end of a shorter sequence.
    """

    reader: str
    strand: str
    length: int
    places: tuple[int, ...]
    starts: tuple[int, ...]
    missing: int
    parts: tuple[int, ...] = ()

    def window(self, codes: Tensor, start: int, complement: Tensor | None) -> Tensor:
        """The letters that are read from a start, on the reading's strand, shape (sequences, length)."""
        part = self._wide(codes)[:, start : start + self.length]
        return part if complement is None or self.strand == "+" else complement[part.long()].flip(1)

    def values(self, encoder: SequenceEncoder, codes: Tensor, complement: Tensor | None) -> Tensor:
        """The number that each term reads, shape (sequences, terms)."""
        if self.parts:
            return encoder(self.window(codes, self.starts[0], complement))[:, list(self.parts)]
        if len(self.starts) == 1 or not isinstance(encoder, AdditiveEncoder):
            columns = [encoder(self.window(codes, start, complement)) for start in self.starts]
            return torch.stack(columns, dim=1)
        wide = self._wide(codes)
        if complement is None or self.strand == "+":
            return encoder.scan(wide, self.starts)
        starts = [wide.shape[1] - start - self.length for start in self.starts]
        return encoder.scan(complement[wide.long()].flip(1), starts)

    def _wide(self, codes: Tensor) -> Tensor:
        """Sequences that are shorter than the last window needs end in the missing code."""
        lacking = max(self.starts) + self.length - codes.shape[1]
        return codes if lacking <= 0 else torch.nn.functional.pad(codes, (0, lacking), value=self.missing)


def readings_of(blueprint: Blueprint, missing: int) -> tuple[Reading, ...]:
    """The terms that read the sequence, by reader and strand."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, term in enumerate(blueprint.terms):
        if term.encoder is not None:
            places.setdefault((term.encoder, term.strand), []).append(place)
    return tuple(
        Reading(
            reader,
            strand,
            blueprint.readers[reader].length,
            tuple(members),
            tuple(blueprint.terms[place].start for place in members),
            missing,
            tuple(part for place in members if (part := blueprint.terms[place].part) is not None),
        )
        for (reader, strand), members in places.items()
    )
