"""What cells are like: expression levels, overdispersion and variance components, read from a screen or stated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.screen import Screen
from pajamo.errors import DataError
from pajamo.protocols.errors.components import Variances, variance_components
from pajamo.protocols.errors.forms import BATCH, CELL, GUIDE, INTERACTION
from pajamo.protocols.errors.groups import Array, require_counts
from pajamo.protocols.planning.settings import StatedSettings
from pajamo.units import NORMALISATION_TARGET

LEAST_MEAN = 1e-3
"""Molecules per cell below which a gene is left out: nobody plans for a molecule in a thousand cells."""


@dataclass(frozen=True)
class Reference:
    """What cells of the planned kind are like.

    Attributes
    ----------
    genes: names, or numbers where values were stated.
    mean: molecules of each gene per cell; shape (genes,).
    dispersion: negative binomial dispersion of each gene.
    batch, batch_by_perturbation, guide: variances of the natural logarithm of expression, pooled over genes.
    source: where this comes from, in words.
    unknown: components that the source could not tell, taken as zero.
    """

    genes: pd.Index
    mean: Array
    dispersion: Array
    batch: float
    batch_by_perturbation: float
    guide: float
    source: str
    unknown: tuple[str, ...] = ()

    def expressed(self, least: float) -> NDArray[np.bool_]:
        """Genes with at least so many molecules per cell; all of them if there is none."""
        chosen = self.mean >= least
        return chosen if chosen.any() else ~chosen

    def typical(self, least: float) -> Variances:
        """Variances of the logarithm for the median expressed gene."""
        cell = float(np.median((1 / self.mean + self.dispersion)[self.expressed(least)]))
        return Variances(cell, self.batch, self.batch_by_perturbation, self.guide)


def stated_reference(stated: StatedSettings) -> Reference:
    """What was stated, as a reference."""
    mean = np.array(stated.mean)
    return Reference(
        pd.Index([f"gene {k + 1}" for k in range(len(mean))]),
        mean,
        np.full(len(mean), stated.dispersion),
        stated.batch,
        stated.batch_by_perturbation,
        stated.guide,
        "stated values",
    )


def screen_reference(screen: Screen) -> Reference:
    """Read expression levels, dispersion and components off a screen of counts.

    Components are estimated on CP10K and divided by the squared mean, which makes them variances of the
    logarithm. Those of batches and guides are pooled over genes by the precision of each gene.

    Raises
    ------
    DataError: a screen that holds logarithms, or in which no gene was seen.
    """
    require_counts(screen)
    known = "batch" in screen.cells
    if not known:
        screen = replace(screen, cells=screen.cells.assign(batch="all"))
    found = variance_components(screen, values="linear")
    per_molecule = NORMALISATION_TARGET * float(
        (1 / screen.cells["library_size"].to_numpy(dtype=float)).mean()
    )
    mean = found.mean / per_molecule
    seen = (mean >= LEAST_MEAN) & (found.estimate[:, CELL] > 0)
    if not seen.any():
        raise DataError(
            "no gene was seen often enough to plan with",
            where=screen.name,
            fix="name another screen, or state `mean` and `dispersion`",
        )
    relative = found.estimate[seen] / found.mean[seen, None] ** 2
    return Reference(
        screen.genes[seen],
        mean[seen],
        np.maximum(relative[:, CELL] - 1 / mean[seen], 0.0),
        batch=_pooled(relative, BATCH),
        batch_by_perturbation=_pooled(relative, INTERACTION),
        guide=_pooled(relative, GUIDE),
        source=_source(screen, known),
        unknown=found.unknown,
    )


def _pooled(relative: Array, component: int) -> float:
    """Mean over genes, weighted by precision: the error of an estimate grows with the noise of cells."""
    weights = relative[:, CELL] ** -2.0
    mean = float((weights * relative[:, component]).sum() / weights.sum())
    return max(mean, 0.0) if np.isfinite(mean) else 0.0


def _source(screen: Screen, batches: bool) -> str:
    made = " (SIMULATED)" if screen.simulated else ""
    lacking = "" if batches else "; no batch column was named"
    return f"{screen.name}{made}: {screen.n_cells:,} cells{lacking}"
