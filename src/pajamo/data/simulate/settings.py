"""What a simulated screen is made of."""

from __future__ import annotations

from math import comb
from typing import Self

from pydantic import Field, model_validator

from pajamo.config import Config


class SimulationSettings(Config):
    """Design, biology and instrument of a simulated screen; effects are in natural logarithms of the mean."""

    seed: int = Field(default=0, ge=0)
    """Same seed, same cells."""

    genes: int = Field(default=500, ge=2)
    """Measured genes, named SIM00001, SIM00002, ...; the first ones are perturbed."""
    singles: int = Field(default=20, ge=2)
    """Genes perturbed alone."""
    doubles: int = Field(default=30, ge=0)
    """Pairs, drawn at random."""
    triples: int = Field(default=10, ge=0)
    """Triples, drawn at random; only pairs that are also measured as doubles interact in them."""
    cells: int | tuple[int, int] = 50
    """Cells of each condition, or the least and the most."""
    control_cells: int = Field(default=300, ge=1)
    """Unperturbed cells."""
    guides: int = Field(default=2, ge=1)
    """Guides of each gene; all guides of a gene work alike."""
    batches: int = Field(default=2, ge=1)
    """Gem groups; each holds cells of all conditions."""

    affected: float = Field(default=0.15, gt=0, le=1)
    """Share of the genes that a perturbation changes."""
    effect: float = Field(default=0.8, gt=0)
    """Standard deviation of a perturbation's effects on the genes that it changes."""
    own_effect: float = -1.5
    """Effect on the perturbed gene itself: negative for knockdown, positive for activation."""
    additive: float = Field(default=0.4, ge=0)
    """Weight of pairs whose effects add up."""
    synergistic: float = Field(default=0.2, ge=0)
    """Weight of pairs that do more than the sum."""
    suppressive: float = Field(default=0.2, ge=0)
    """Weight of pairs that do less than the sum."""
    epistatic: float = Field(default=0.2, ge=0)
    """Weight of pairs in which one gene's effect masks the other's."""
    synergy: float = Field(default=0.6, gt=0)
    """A synergistic pair does (1 + synergy) times the sum."""
    suppression: float = Field(default=0.6, gt=0, le=1)
    """A suppressive pair does (1 - suppression) times the sum."""

    library_size: float = Field(default=2000.0, gt=0)
    """Median molecules of an unperturbed cell."""
    library_spread: float = Field(default=0.3, ge=0)
    """Standard deviation of the logarithm of the library size."""
    abundance_spread: float = Field(default=1.2, ge=0)
    """Standard deviation of the logarithm of genes' abundances."""
    batch_effect: float = Field(default=0.1, ge=0)
    """Standard deviation of a batch's effect on each gene."""
    dispersion: float = Field(default=0.1, ge=0)
    """Negative binomial: variance = mean + dispersion mean^2; 0 for Poisson."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.singles > self.genes:
            raise ValueError("perturbed genes are measured genes: singles must not exceed genes")
        if self.doubles > comb(self.singles, 2) or self.triples > comb(self.singles, 3):
            raise ValueError(f"{self.singles} singles do not make so many doubles or triples")
        if min(self.cells_range) < 1 or self.cells_range[0] > self.cells_range[1]:
            raise ValueError("cells must be at least 1, and the least not above the most")
        if sum(self.class_weights.values()) == 0:
            raise ValueError("at least one class of pairs must have a weight")
        return self

    @property
    def cells_range(self) -> tuple[int, int]:
        """Least and most cells of a condition."""
        return self.cells if isinstance(self.cells, tuple) else (self.cells, self.cells)

    @property
    def class_weights(self) -> dict[str, float]:
        """Weight of each class of pairs."""
        names = ("additive", "synergistic", "suppressive", "epistatic")
        return {name: getattr(self, name) for name in names}
