"""What is asked of `pajamo design`: perturbations, effect, batches, budget, and what cells are like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pajamo.config import Config, DataSettings, parse
from pajamo.config.toml import read_toml

Positive = Annotated[float, Field(gt=0)]
Cost = Annotated[float, Field(ge=0)]
Cells = Annotated[int, Field(ge=0)]


class BudgetSettings(Config):
    """What may be spent; without a budget the cells for the power wanted are worked out."""

    cells: int | None = Field(default=None, gt=0)
    """Cells that are measured."""
    money: Positive | None = None
    """Money, in the unit of the costs."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.cells is not None and self.money is not None:
            raise ValueError("give either `cells` or `money`")
        return self


class CostSettings(Config):
    """What things cost, all in one unit of money."""

    cell: Cost = 0.0
    """Library preparation and sequencing of a cell."""
    guide: Cost = 0.0
    """Making one guide."""
    batch: Cost = 0.0
    """One batch (lane, plate)."""


class TestingSettings(Config):
    """When a change of a gene counts as seen."""

    level: float = Field(default=0.05, gt=0, lt=1)
    """Level of a test, or false discovery rate."""
    correction: Literal["bh", "bonferroni", "none"] = "bh"
    """Benjamini and Hochberg over the genes of a perturbation, Bonferroni over them, or none."""
    changed: float = Field(default=0.05, gt=0, le=1)
    """Share of genes that a perturbation changes, which Benjamini and Hochberg's level depends on."""
    genes: int | None = Field(default=None, ge=1)
    """Genes that are tested in each perturbation; those of `like` or `stated` if not given."""
    power: float = Field(default=0.8, gt=0, lt=1)
    """Power that is wanted."""
    expressed: Positive = 0.1
    """Molecules per cell from which a gene counts as expressed, in summaries."""


class StatedSettings(Config):
    """What cells are like, where there is no screen to read it from; variances of natural logarithms."""

    mean: Annotated[tuple[Positive, ...], Field(min_length=1)]
    """Molecules per cell of each gene, or of typical genes."""
    dispersion: float = Field(default=0.0, ge=0)
    """Negative binomial: variance = mean + dispersion mean^2."""
    batch: float = Field(default=0.0, ge=0)
    """Variance between batches, of all conditions alike."""
    batch_by_perturbation: float = Field(default=0.0, ge=0)
    """Variance between batches of one perturbation beyond the others."""
    guide: float = Field(default=0.0, ge=0)
    """Variance between guides of one perturbation."""


class PresentSettings(Config):
    """The design as it stands; each perturbation is taken to be spread over batches like all of them."""

    control: tuple[Cells, ...]
    """Control cells of each batch."""
    perturbed: tuple[Cells, ...]
    """Perturbed cells of each batch, all perturbations together."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if len(self.control) != len(self.perturbed) or not self.control:
            raise ValueError("`control` and `perturbed` need one number for each batch")
        if not sum(self.control) or not sum(self.perturbed):
            raise ValueError("a design without control cells, or without perturbed cells, compares nothing")
        return self


def _as_table(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | Path) else value


def _sizes(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class DesignSettings(Config):
    """Everything that `pajamo design` is asked."""

    perturbations: int = Field(ge=1)
    """Number of perturbations, the control not counted."""
    effect: float = -0.7
    """Natural log fold change of a gene that should be seen; -0.7 is about half."""
    batches: Annotated[
        Annotated[int, Field(ge=1)] | Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)],
        BeforeValidator(_sizes),
    ] = 1
    """Number of batches, or the most cells that each of them holds."""
    guides: int | None = Field(default=None, ge=1)
    """Guides of each perturbation; chosen from two to `most_guides` if not given."""
    most_guides: int = Field(default=6, ge=2)
    """Most guides of each perturbation."""
    budget: BudgetSettings = BudgetSettings()
    """What may be spent."""
    cost: CostSettings = CostSettings()
    """What things cost."""
    testing: TestingSettings = TestingSettings()
    """When a change counts as seen."""
    like: Annotated[DataSettings | None, BeforeValidator(_as_table)] = None
    """A screen of such cells: its expression levels, dispersion and variance components are used."""
    stated: StatedSettings | None = None
    """Instead of `like`: what cells are like."""
    present: PresentSettings | None = None
    """The design as it stands, to be compared; that of the screen in `like` if not given."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.like is None) == (self.stated is None):
            raise ValueError(
                "give either `like` (a screen of such cells) or `stated` (mean, dispersion, ...)"
            )
        if self.effect == 0:
            raise ValueError("an effect of zero cannot be seen: give a log fold change")
        if self.budget.money is not None and self.cost.cell == 0:
            raise ValueError("a budget of money needs the cost of a cell (cost.cell)")
        return self

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return self.batches if isinstance(self.batches, int) else len(self.batches)

    @property
    def sizes(self) -> tuple[float, ...]:
        """Relative sizes of the batches."""
        return (1.0,) * self.batches if isinstance(self.batches, int) else tuple(map(float, self.batches))

    @property
    def capacity(self) -> int | None:
        """Cells that all batches hold together, or None if there is no such limit."""
        return None if isinstance(self.batches, int) else sum(self.batches)


def read_design(path: str | Path) -> DesignSettings:
    """Read what is asked from a TOML file; the path of `like` is taken from the file's own folder.

    Raises
    ------
    StudyError: the file is missing, is not TOML, has an unknown key or an impossible value.
    """
    path = Path(path)
    settings = parse(DesignSettings, read_toml(path, "design file"), str(path))
    if settings.like is None or settings.like.path is None:
        return settings
    like = settings.like.model_copy(update={"path": (path.parent / settings.like.path).resolve()})
    return settings.model_copy(update={"like": like})
