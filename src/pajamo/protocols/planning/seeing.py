"""What a design can see, gene by gene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.protocols.errors.controls import control_ratio
from pajamo.protocols.errors.counts import (
    cells_needed,
    detectable_effect,
    normal_power,
    power,
    variance_of_log_ratio,
)
from pajamo.protocols.errors.levels import bonferroni, false_discovery_level
from pajamo.protocols.planning.allocation import Allocation
from pajamo.protocols.planning.reference import Reference
from pajamo.protocols.planning.settings import DesignSettings

MOST_CELLS = 1e7
"""Cells of one perturbation beyond which no screen goes."""


@dataclass(frozen=True)
class Seen:
    """Power of every gene.

    Attributes
    ----------
    level: at which each gene is tested after correction for many tests.
    genes: one row a gene: mean, dispersion, power, method, detectable_effect (of the sign asked for; NaN:
        the gene is too rare), cells_needed (of each perturbation, for the power wanted).
    """

    level: float
    genes: pd.DataFrame

    def by_expression(self, wanted: float) -> pd.DataFrame:
        """Genes in tenfold classes of expression: number, mean power, share at the power wanted, medians."""
        lower = np.floor(np.log10(self.genes["mean"].to_numpy()))
        rows = [
            {
                "molecules per cell": f"{10.0**low:g} to {10.0 ** (low + 1):g}",
                "genes": len(part),
                "mean power": part["power"].mean(),
                f"power {wanted:g}": (part["power"] >= wanted).mean(),
                "smallest change seen": median_effect(part["detectable_effect"]),
                "cells needed": part["cells_needed"].median(),
            }
            for low, part in self.genes.groupby(lower)
        ]
        return pd.DataFrame(rows)


def median_effect(effects: pd.Series) -> float:
    """Median, where a gene in which nothing can be seen counts as needing an endless effect."""
    median = float(effects.abs().fillna(np.inf).median())
    return median if np.isfinite(median) else np.nan


def seen_genes(
    settings: DesignSettings, reference: Reference, allocation: Allocation, between: float
) -> Seen:
    """Power, detectable effect and cells needed of each gene under an allocation.

    Parameters
    ----------
    between: variance of a log ratio that more cells do not lower.
    """
    each, controls = float(allocation.perturbed.sum(axis=1).mean()), float(allocation.control.sum())
    level = level_of(settings, reference, each, controls, between)
    mean, dispersion, testing = reference.mean, reference.dispersion, settings.testing
    found, delta = power(mean, dispersion, settings.effect, each, controls, level=level, between=between)
    columns = {
        "gene": reference.genes.astype(str),
        "mean": mean,
        "dispersion": dispersion,
        "power": found,
        "method": np.where(delta, "delta method", "exact test"),
        "detectable_effect": detectable_effect(
            mean, dispersion, each, controls,
            down=settings.effect < 0, level=level, wanted=testing.power, between=between,
        ),
        "cells_needed": np.ceil(
            cells_needed(
                mean, dispersion, settings.effect, settings.perturbations,
                level=level, wanted=testing.power, between=between,
            )
        ),
    }  # fmt: skip
    return Seen(level, pd.DataFrame(columns))


def level_of(
    settings: DesignSettings, reference: Reference, each: float, controls: float, between: float
) -> float:
    """Level of each test; that of Benjamini and Hochberg depends on the power of the expressed genes."""
    testing = settings.testing
    strictest = bonferroni(testing.level, testing.genes or len(reference.mean))
    if testing.correction != "bh":
        return strictest if testing.correction == "bonferroni" else testing.level
    chosen = reference.expressed(testing.expressed)
    variance = variance_of_log_ratio(
        reference.mean[chosen], reference.dispersion[chosen], each, controls,
        effect=settings.effect, between=between,
    )  # fmt: skip
    found = false_discovery_level(
        testing.level,
        testing.changed,
        lambda level: float(normal_power(settings.effect, variance, level).mean()),
    )
    return max(found, strictest)


def cells_wanted(settings: DesignSettings, reference: Reference, between: float) -> float:
    """Cells of each perturbation with which half of the expressed genes reach the power wanted.

    More cells make Benjamini and Hochberg's level milder, so the number is found by bisection; infinite
    where what varies between batches and guides hides the effect.
    """
    chosen = reference.expressed(settings.testing.expressed)
    ratio = float(control_ratio(settings.perturbations))

    def missing(each: float) -> float:
        needed = cells_needed(
            reference.mean[chosen],
            reference.dispersion[chosen],
            settings.effect,
            settings.perturbations,
            level=level_of(settings, reference, each, each * ratio, between),
            wanted=settings.testing.power,
            between=between,
        )
        return float(np.median(needed)) - each

    if missing(MOST_CELLS) > 0:
        return np.inf
    low, high = 0.0, np.log(MOST_CELLS)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if missing(float(np.exp(middle))) > 0 else (low, middle)
    return float(np.exp(high))
