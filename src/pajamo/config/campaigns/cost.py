"""What measuring costs: a pooled single-cell screen, or a table of measurements that can be repeated.

Prices are in one currency. Every default names its source; those called an assumption have none, and should be
replaced by the laboratory's own.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from pajamo.config.strict import Config

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Variance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class VarianceSettings(Config):
    """How much a recorded effect varies, in squared units of the values (`pajamo.protocols.errors`).

    `pajamo.protocols.errors.variance_components` estimates them from a screen of such cells.
    """

    cell: float = Field(default=1.0, gt=0)
    """Between cells of one condition, batch and guide. Default: values in units of that standard deviation."""
    batch: Variance = 0.0
    """Between batches, of all conditions alike."""
    batch_by_perturbation: Variance = 0.0
    """Between batches, of one perturbation beyond the others."""
    guide: Variance = 0.0
    """Between guides of one perturbation."""
    control_cell: Variance | None = None
    """Between control cells, if it differs from `cell`."""


class ScreenCostSettings(Config):
    """A pooled screen read in single cells."""

    kind: Literal["screen"] = "screen"
    """Tells this from the other kind, `table`."""
    currency: str = "USD"
    """In which all prices are."""
    batch: Price = 1000.0
    """Fixed price of one run: virus, culture, labour. An assumption: no source gives it."""
    lane: Price = 0.0
    """Price of one lane beyond its cells (labour, a kit that is bought by the lane). Default: in `cell`."""
    cell: Price = 0.086
    """Price of a captured cell without sequencing. PerturbPlan 2025 (10x 3' v4)."""
    whole_lanes: bool = True
    """Whether the reagents of an opened lane are used up, full or not, so that it costs what a full one does.
    PerturbPlan charges cells alone (false); scPower rounds kits up (true)."""
    million_reads: Price = 0.374
    """Price of a million reads. PerturbPlan 2025 (NovaSeq X 25B)."""
    oligo: Price = 0.2
    """Price of one oligo of the guide library. An assumption."""
    oligos_per_guide: Count = 1
    """Oligos ordered for one guide; a vector with two guides in tandem may need two."""
    cells_per_lane: Count = 10_000
    """Captured cells that a lane holds. 10x Genomics knowledge base, 3' v3.1: up to 10,000."""
    lanes_per_run: Count = 8
    """Lanes that are run at once. 10x Genomics knowledge base: eight on a chip."""
    reads_per_cell: Price = 20_000.0
    """Mapped reads of a cell. 10x Genomics' recommended least depth for gene expression."""
    mapping_efficiency: Share = 0.72
    """Share of raw reads that map. PerturbPlan 2025."""
    capture: Share = 0.575
    """Share of loaded cells that are captured. 10x Genomics, 3' v3.1: 17,400 loaded, 10,000 captured."""
    doublets_per_thousand: float = Field(default=0.0076, ge=0, lt=1)
    """Share of doublets for each thousand captured cells of a lane. 10x Genomics, 3' v3.1: .076 at 10,000."""
    infection: float = Field(default=0.3, gt=0, allow_inf_nan=False)
    """Multiplicity of infection: mean vectors of a cell. Pooled screens use .3 to .5, PerturbPlan's default is 10."""
    selected: bool = True
    """Whether cells without a vector are killed by selection, or else captured with the others."""
    counted: Literal["exact", "any"] = "exact"
    """Cells that count for a perturbation: those with it and no other, or all that carry it (many vectors a cell)."""
    combinations: Literal["construct", "vectors"] = "construct"
    """How several perturbations come into one cell: all on one vector, or each on a vector with its own marker."""
    control_guides: Annotated[int, Field(ge=0)] = 10
    """Non-targeting guides of the library. PerturbPlan 2025; 10x Genomics advises 2 to 5 or more."""
    control_cells: Annotated[int, Field(ge=0)] | None = None
    """Usable control cells of each run; by the square-root rule, and at least `least_control_cells`, if not given."""
    least_control_cells: Count = 500
    """Least usable control cells of each run. 10x Genomics knowledge base: 500 to 1,000 in total."""
    failure_rate: float = Field(default=0.05, ge=0, lt=1)
    """Share of perturbations whose measurement fails and is made again. An assumption."""
    turnaround_days: float = Field(default=42.0, gt=0)
    """From the order to results. An assumption: cloning, infection, sequencing and analysis in six weeks."""
    variances: VarianceSettings = VarianceSettings()
    """How much a recorded effect varies."""

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if self.doublets_per_thousand * self.cells_per_lane >= 1000:
            raise ValueError("`doublets_per_thousand` leaves no single cell in a full lane")
        if self.counted == "any" and self.combinations == "vectors":
            raise ValueError("combinations on separate vectors need `counted = 'exact'`")
        return self


class TableCostSettings(Config):
    """Measurements in wells, each of which may be repeated: fitness of strains, reporter variants, growth."""

    kind: Literal["table"] = "table"
    """Tells this from the other kind, `screen`."""
    currency: str = "USD"
    """In which all prices are; "measurements" if only these are counted."""
    batch: Price = 0.0
    """Fixed price of a run."""
    plate: Price = 0.0
    """Price of a plate, full or not."""
    candidate: Price = 0.0
    """Price of making a candidate that was not made before: a variant, a strain, a cloned pair."""
    measurement: Price = 1.0
    """Price of one measurement."""
    wells_per_plate: Count | None = None
    """Measurements that a plate holds, controls included; no limit if not given."""
    plates_per_run: Count | None = None
    """Plates of a run; no limit if not given."""
    control_wells: Annotated[int, Field(ge=0)] = 0
    """Control wells of each plate; they are paid as measurements."""
    sd: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Standard deviation of one measurement around the candidate's true value, in units of the values."""
    between_sd: float | None = Field(default=None, gt=0)
    """Standard deviation between true values of candidates, for the reliability; not needed otherwise."""
    failure_rate: float = Field(default=0.0, ge=0, lt=1)
    """Share of measurements that fail and are made again."""
    turnaround_days: float = Field(default=7.0, gt=0)
    """From the order to results. An assumption."""

    @model_validator(mode="after")
    def _something_is_left(self) -> Self:
        if self.wells_per_plate is not None and self.control_wells >= self.wells_per_plate:
            raise ValueError("`control_wells` leave no well of a plate for candidates")
        if self.plates_per_run is not None and self.wells_per_plate is None:
            raise ValueError("`plates_per_run` needs `wells_per_plate`")
        return self


CostSettings = Annotated[ScreenCostSettings | TableCostSettings, Field(discriminator="kind")]
"""Either kind, told apart by `kind`."""

any_cost: TypeAdapter[ScreenCostSettings | TableCostSettings] = TypeAdapter(CostSettings)
"""Reads either kind by itself; within a study, a field of type `CostSettings` does."""
