"""The data sets that pajamo knows: what each is, where it comes from, and how it is brought into one form."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pajamo.config import Config, parse
from pajamo.errors import DataError, nearest

UNKNOWN = "unknown"
"""Written where a checksum could not be verified; the first download then records it."""
CACHE_VARIABLE = "PAJAMO_DATA"


class LabelRules(Config):
    """How the labels of a public file become A+B.

    A label has `clean_label` removed, is compared with `controls` and `drop`, is split at `separator`;
    each part has `clean_part` removed and is renamed. Labels that are missing are always dropped.
    """

    column: str = "perturbation"
    """Column of obs in the public file."""
    separator: str = ""
    """What stands between the parts of a combination; empty if there are none."""
    clean_label: str = ""
    """Regular expression removed from the whole label (a plasmid's name)."""
    clean_part: str = ""
    """Regular expression removed from each part (a guide's number)."""
    controls: tuple[str, ...] = ("control",)
    """Regular expressions; a label or a part that matches one wholly is an unperturbed one."""
    drop: tuple[str, ...] = ()
    """Regular expressions; cells whose label matches one wholly have no known perturbation."""
    rename: dict[str, str] = Field(default_factory=dict)
    """Gene symbols for parts written otherwise; an empty one removes the part."""


class Entry(Config):
    """One data set of the catalogue."""

    name: str
    """What a study writes as `dataset` and `pajamo data get` takes."""
    title: str
    """What was perturbed, in which cells, how."""
    reference: str
    """First author, journal, year."""
    doi: str = ""
    """Of the study."""
    url: str = ""
    """Where the file is; empty if it must be fetched by hand."""
    file: str
    """Name of the file in the cache, or in the package if it ships."""
    sha256: str = UNKNOWN
    """Of the file at `url`."""
    md5: str = UNKNOWN
    """Of the file at `url`, as the archive states it."""
    bytes: int = 0
    """Size of the file at `url`; 0 if not known."""
    licence: str
    """Terms of the file."""
    organism: str = "Homo sapiens"
    """Of the cells."""
    modality: str
    """CRISPRa, CRISPRi, CRISPR knockout, Cas13 knockdown; for tables of sequences, the assay."""
    cells: int = 0
    """Number of cells in the file; 0 if not known."""
    perturbations: int = 0
    """Number of distinct perturbations, controls apart; 0 if not known."""
    sequences: int = 0
    """Number of rows in a table of sequences; 0 for screens."""
    loader: Literal["shipped", "simulated", "as-is", "convert", "shipped-table", "table"]
    """Comes with pajamo; is generated; is read as it was published; is rewritten once after download. A table of
    sequences comes with pajamo, or is read as it was published."""
    labels: LabelRules = LabelRules()
    """For `convert`."""
    settings: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """What a study would write under [data] (for tables, under [experiments.NAME]) to read the result."""
    note: str = ""
    """What to know before using it, or how to get it."""

    def place(self, cache: Path | None = None) -> Path:
        """Where the file that pajamo reads lies, or will lie."""
        if self.ships:
            return Path(str(resources.files("pajamo.data.public") / "shipped" / self.name / self.file))
        return (cache or cache_folder()) / (f"{self.name}.h5ad" if self.loader == "convert" else self.file)

    @property
    def ships(self) -> bool:
        """Whether it comes with pajamo."""
        return self.loader in ("shipped", "shipped-table")

    @property
    def is_table(self) -> bool:
        """Whether it is a table of sequences, for [experiments.NAME], and not a screen, for [data]."""
        return self.loader in ("shipped-table", "table")

    @property
    def here(self) -> bool:
        """Whether it can be used without a network."""
        return self.loader == "simulated" or self.place().is_file()

    @property
    def expected_sha256(self) -> str:
        """The checksum to compare with, or an empty string."""
        return "" if self.sha256 == UNKNOWN else self.sha256

    @property
    def expected_md5(self) -> str:
        """The archive's checksum to compare with, or an empty string."""
        return "" if self.md5 == UNKNOWN else self.md5


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every data set by name, in the order of the catalogue file."""
    text = resources.files("pajamo.data.public").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(tomllib.loads(text))


def parse_catalogue(raw: Mapping[str, Any]) -> dict[str, Entry]:
    """Check a catalogue given as nested tables."""
    entries = [parse(Entry, table, f"catalogue, {table.get('name')}") for table in raw["dataset"]]
    return {entry.name: entry for entry in entries}


def find(name: str) -> Entry:
    """Look a data set up.

    Raises
    ------
    DataError: there is none of this name; the nearest is named.
    """
    known = catalogue()
    if name not in known:
        raise DataError(
            f"there is no data set {name!r}",
            where="dataset",
            fix=f"{nearest(name, known)}`pajamo data list` shows all; give `path` for a file of your own",
        )
    return known[name]


def cache_folder() -> Path:
    """Folder of downloads: the environment variable PAJAMO_DATA, else the platform's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else _platform_cache() / "pajamo"


def _platform_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    chosen = os.environ.get("XDG_CACHE_HOME")
    return Path(chosen) if chosen else Path.home() / ".cache"
