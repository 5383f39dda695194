"""The file under check, each part read when a rule first asks; what cannot be read is None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config import DataSettings
from pajamo.data.conditions import SEPARATOR, parse_perturbation
from pajamo.data.matrix import Matrix
from pajamo.data.reading.columns import labels, numbers
from pajamo.data.reading.h5ad import H5ad
from pajamo.data.reading.values import Values, scan_values
from pajamo.errors import DataError, IntegrityError

Part = TypeVar("Part")


@dataclass(frozen=True)
class Subject:
    """An h5ad file and the settings that say how to read it."""

    opened: H5ad
    settings: DataSettings

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.opened.obs)

    @cached_property
    def matrix(self) -> Matrix | None:
        """The matrix that the settings name."""
        return _or_none(lambda: self.opened.open(self.opened.key(self.settings.layer)))

    @cached_property
    def values(self) -> Values | None:
        """What a pass over that matrix found."""
        matrix = self.matrix
        return None if matrix is None else _or_none(lambda: scan_values(matrix))

    @cached_property
    def labels(self) -> pd.Series | None:
        """What was done to each cell, as written."""
        return _or_none(lambda: labels(self.opened.obs, self.settings.perturbation, "perturbation"))

    @cached_property
    def control_label(self) -> str | None:
        """The control's label if it occurs."""
        found = self.labels
        known = found is not None and self.settings.control in set(found.cat.categories)
        return self.settings.control if known else None

    @cached_property
    def genes_of_label(self) -> dict[str, tuple[str, ...]] | None:
        """Perturbed genes of each label that can be parsed."""
        if self.labels is None:
            return None
        parsed = {
            str(label): _or_none(partial(self._parse, str(label))) for label in self.labels.cat.categories
        }
        return {label: genes for label, genes in parsed.items() if genes is not None}

    @cached_property
    def perturbed(self) -> set[str] | None:
        """Every perturbed gene."""
        of_label = self.genes_of_label
        return None if of_label is None else {gene for genes in of_label.values() for gene in genes}

    @cached_property
    def batch(self) -> pd.Series | None:
        """Batch of each cell, where the settings name a column."""
        name = self.settings.batch
        return None if name is None else _or_none(lambda: labels(self.opened.obs, name, "batch"))

    @cached_property
    def context(self) -> pd.Series | None:
        """Context of each cell, where the settings name a column."""
        name = self.settings.context
        return None if name is None else _or_none(lambda: labels(self.opened.obs, name, "context"))

    @cached_property
    def time(self) -> NDArray[np.float64] | None:
        """Time of each cell, where the settings name a column."""
        name = self.settings.time
        return None if name is None else _or_none(lambda: numbers(self.opened.obs, name, "time"))

    @cached_property
    def design(self) -> pd.DataFrame | None:
        """For each cell its perturbation as "A+B" (empty for controls), context and time.

        Cells whose label cannot be parsed are left out.
        """
        found, of_label = self.labels, self.genes_of_label
        if found is None or of_label is None:
            return None
        names = {label: SEPARATOR.join(genes) for label, genes in of_label.items()}
        table = pd.DataFrame({"perturbation": found.astype(object).map(names)}, index=self.opened.obs.index)
        table["context"] = "" if self.context is None else self.context.astype(object)
        table["time"] = 0.0 if self.time is None else self.time
        return table[table["perturbation"].notna()]

    def _parse(self, label: str) -> tuple[str, ...]:
        return parse_perturbation(label, self.settings.control)


def _or_none(read: Callable[[], Part]) -> Part | None:
    """What cannot be read is reported by the rule in charge; the others go without."""
    try:
        return read()
    except (DataError, IntegrityError):
        return None
