"""Sites, and where on the sequence each can be bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from pajamo.config.assays.sites import SiteSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader, Term
from pajamo.models.assays.compiling.matrices import prior_matrix
from pajamo.models.assays.compiling.naming import known, refuse_reserved
from pajamo.models.assays.compiling.windows import require_one_length, window_length

Strand = Literal["+", "-"]
Placements = Mapping[str, tuple["Placement", ...]]


@dataclass(frozen=True)
class Placement:
    """A site at one place, in one orientation.

    Attributes
    ----------
    name: of the term that is its energy: the site's own, or "CRP@12+" where it has several placements.
    site, regulator: what is bound, and by what.
    reader: key of what reads the sequence.
    start, length, strand: its window.
    slides: whether the site has several starts.
    """

    name: str
    site: str
    regulator: str
    reader: str
    start: int
    length: int
    strand: Strand
    slides: bool

    @property
    def end(self) -> int:
        """One past its last position."""
        return self.start + self.length

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """Two placements that share it are one and the same, whatever their sites are called."""
        return self.regulator, self.reader, self.start, self.strand

    def overlaps(self, other: Placement) -> bool:
        """Whether both cover a common position."""
        return self.start < other.end and other.start < self.end

    def term(self) -> Term:
        """Its binding energy."""
        return Term(self.name, "kT", encoder=self.reader, start=self.start, strand=self.strand)


def place_sites(sites: Mapping[str, SiteSettings], assay: Assay) -> dict[str, tuple[Placement, ...]]:
    """Every placement of every site.

    Raises
    ------
    StudyError: a site outside the sequence, or one that shares what there is not.
    DataError: sequences of different length at a site that does not slide.
    """
    refuse_reserved(sites, "site", "sites")
    return {name: tuple(_placements(name, sites, assay)) for name in sites}


def readers_of(
    sites: Mapping[str, SiteSettings], placements: Placements, letters: str, kT: float
) -> dict[str, Reader]:
    """What reads the sequence: one reader for each site that shares no other's matrix."""
    readers = {}
    for name, site in sites.items():
        if site.shares is None:
            length = placements[name][0].length
            matrix = prior_matrix(site.matrix, length, letters, f"sites.{name}.matrix")
            readers[name] = Reader(site, length, None if matrix is None else matrix / kT)
    return readers


def _placements(name: str, sites: Mapping[str, SiteSettings], assay: Assay) -> list[Placement]:
    site, source = sites[name], _source(name, sites)
    # A site that shares a matrix is as long as the matrix.
    reads = site if site.length else site.model_copy(update={"length": sites[source].length})
    length = window_length(reads, assay, f"sites.{name}")
    if length != window_length(sites[source], assay, f"sites.{source}"):
        raise StudyError(
            f"it shares the matrix of {source!r}, but not its length",
            where=f"sites.{name}.length",
            fix="leave out `length`, or give both sites the same",
        )
    if site.slide is None:
        require_one_length(assay, f"the site {name!r}")
    regulator = site.regulator or sites[source].regulator or source
    first, last = site.slide or (site.start, site.start)
    strands: tuple[Strand, ...] = ("+", "-") if site.strand == "both" else (site.strand,)
    options = list(product(range(first, last + 1), strands))
    alone = len(options) == 1
    return [
        Placement(
            name if alone else f"{name}@{start}{strand}",
            site=name,
            regulator=regulator,
            reader=source,
            start=start,
            length=length,
            strand=strand,
            slides=last > first,
        )
        for start, strand in options
    ]


def _source(name: str, sites: Mapping[str, SiteSettings]) -> str:
    shares = sites[name].shares
    if shares is None:
        return name
    known(shares, (other for other in sites if other != name), "other site", f"sites.{name}.shares")
    if sites[shares].shares is not None:
        raise StudyError(
            f"it shares the matrix of {shares!r}, which has none of its own",
            where=f"sites.{name}.shares",
            fix=f"name the site whose matrix that is: {sites[shares].shares!r}",
        )
    return shares
