"""The measurement of an experiment: what the instrument makes of the mechanism's output."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.strict import Config

Coordinate: TypeAlias = Literal["linear", "log", "logit"]


class BinsSettings(Config):
    """Cells sorted into bins and sequenced: read counts of each sequence in each bin."""

    kind: Literal["bins"] = "bins"
    """The class of measurement."""
    columns: tuple[str, ...] = ()
    """Columns with the read counts of the sorted bins, from dark to bright."""
    bin: str | None = None
    """Instead of `columns`: the column that names the bin, in a table with one row a sequence and bin."""
    bins: tuple[str, ...] = ()
    """With `bin`: names of the sorted bins from dark to bright."""
    library: str | None = None
    """Column (or, with `bin`, name) of the unsorted library, which is no bin: it says how common a sequence is."""
    count: str | None = None
    """With `bin`: column with the reads of a row; one read each if not given."""
    gates: Literal["free", "lognormal"] = "free"
    """Any smooth dependence on the activity, or gates in log fluorescence with cell noise and autofluorescence."""
    knots: int = Field(default=48, ge=4)
    """Knots of the free dependence."""
    edges: tuple[float, ...] = ()
    """With lognormal gates: fluorescence at the edges between neighbouring bins, where known; fitted if not given."""
    coordinate: Coordinate | None = None
    """Scale of the activity on which knots lie; logit where the activity is bounded, else log, if not given. Gates
    always take the log scale."""

    @model_validator(mode="after")
    def _one_way_to_say_the_bins(self) -> Self:
        if bool(self.columns) == bool(self.bin):
            raise ValueError("give either `columns`, one a bin, or `bin` and `bins`")
        if self.bin and len(self.bins) < 2:
            raise ValueError("with `bin`, name at least two `bins`, from dark to bright")
        return self

    @model_validator(mode="before")
    @classmethod
    def _gates_on_the_log_scale(cls, raw: Any) -> Any:
        # Gates are intervals of ln fluorescence: their scale follows from what they are.
        if isinstance(raw, Mapping) and raw.get("gates") == "lognormal" and raw.get("coordinate") is None:
            return {**raw, "coordinate": "log"}
        return raw

    @model_validator(mode="after")
    def _gates_of_a_sorter(self) -> Self:
        if self.gates == "lognormal" and self.coordinate != "log":
            raise ValueError(
                "gates = 'lognormal' takes the activity on its log scale: leave `coordinate` out"
            )
        bins = len(self.columns or self.bins)
        rising = all(low < high for low, high in pairwise((0.0, *self.edges)))
        if self.edges and (self.gates != "lognormal" or len(self.edges) != bins - 1 or not rising):
            raise ValueError("`edges` of lognormal gates: positive, rising, one less than there are bins")
        return self


class ContinuousSettings(Config):
    """One number a sequence: fluorescence, fitness, log enrichment."""

    kind: Literal["continuous"] = "continuous"
    """The class of measurement."""
    value: str = "y"
    """Column with the recorded number."""
    error: str | None = None
    """Column with its standard error, in the same unit."""
    nonlinearity: Literal["linear", "sigmoid", "tanh", "spline", "background"] = "tanh"
    """How the mean depends on the activity: a line, a sigmoid, a sum of tanh, a spline, or ln(activity + background),
    which needs the log scale."""
    monotone: bool = True
    """Whether the mean only rises with the activity."""
    noise: Literal["gaussian", "cauchy", "skewed-t", "measured"] = "gaussian"
    """Distribution of the recorded number about its mean; "measured" uses `error` and what it leaves unexplained."""
    heteroskedastic: int = Field(default=0, ge=0, le=4)
    """Order of the polynomial, in the mean, of the logarithm of the noise's scale (and of its tails)."""
    hidden: int = Field(default=20, ge=1)
    """Terms of the tanh nonlinearity, or knots of the spline."""
    coordinate: Coordinate | None = "linear"
    """Scale of the activity that the nonlinearity takes; a latent trait has only its own."""

    @model_validator(mode="after")
    def _errors_are_given(self) -> Self:
        if self.noise == "measured" and self.error is None:
            raise ValueError("noise = 'measured' needs `error`, the column with the standard errors")
        return self

    @model_validator(mode="after")
    def _background_on_the_log_scale(self) -> Self:
        if self.nonlinearity == "background" and self.coordinate != "log":
            raise ValueError(
                "nonlinearity = 'background' is ln(activity + background): give coordinate = 'log'"
            )
        return self


class BarcodeSettings(Config):
    """Transcripts and templates of each barcode, as in a massively parallel reporter assay."""

    kind: Literal["barcodes"] = "barcodes"
    """The class of measurement."""
    rna: str
    """Column with RNA counts."""
    dna: str
    """Column with DNA counts."""
    noise: Literal["negative-binomial", "beta-binomial"] = "negative-binomial"
    """RNA given DNA and activity; or RNA among RNA and DNA."""
    coordinate: Literal["log"] = "log"
    """Scale of the activity: RNA is proportional to it."""


class RateSettings(Config):
    """A rate of each molecule, some of them beyond what the instrument can resolve."""

    kind: Literal["rate"] = "rate"
    """The class of measurement."""
    value: str = "log10_k"
    """Column with the rate."""
    unit: Literal["log10 1/s", "ln 1/s", "1/s", "log10 1/min", "1/min"] = "log10 1/s"
    """Unit of the rate; everything is reported in log10 1/s."""
    error: str | None = None
    """Column with its standard error, in log10 units."""
    lower: float | None = None
    """Slowest rate that can be told from none, in `unit`; rates at it or below are known to be no faster."""
    upper: float | None = None
    """Fastest rate that can be resolved, in `unit`; rates at it or above are known to be no slower."""
    limits: Literal["censored", "clipped"] = "censored"
    """How readings at a limit count: as known to lie beyond it, or as the limit itself, to which predictions are then
    set too."""
    noise: Literal["gaussian", "student"] = "gaussian"
    """Distribution of log10 of the rate about its mean; Student's has heavier tails (4 degrees of freedom)."""
    coordinate: Literal["log"] = "log"
    """Scale of the activity: the logarithm of the rate itself, with its unit."""

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise ValueError("`lower` lies below `upper`")
        return self


class CutSettings(Config):
    """Whether a site was found cut (bound, edited), yes or no."""

    kind: Literal["cut"] = "cut"
    """The class of measurement."""
    label: str = "label"
    """Column with 1 for sites that were found, 0 for others."""
    offsets: Literal["none", "guide"] = "guide"
    """Whether each guide has an offset of its own: how much was delivered, how deep was sequenced."""
    coordinate: Literal["log"] = "log"
    """Scale of the activity."""


MeasurementSettings: TypeAlias = Annotated[
    BinsSettings | ContinuousSettings | BarcodeSettings | RateSettings | CutSettings,
    Field(discriminator="kind"),
]
