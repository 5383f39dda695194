"""The study file of an assay: sequences of which something was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.assays.measurement import MeasurementSettings
from pajamo.config.assays.mechanism import LatentSettings, MechanismSettings
from pajamo.config.assays.search import SearchSettings
from pajamo.config.assays.transfer import TransferSettings
from pajamo.config.strict import Config, parse

PAIRS = "guide-target"
"""The alphabet of studies whose sequences are guide-target pairs."""


Wanted: TypeAlias = str | float | bool
"""What a column of a table is to hold."""


class EnzymeSettings(Config):
    """A nuclease that pajamo does not know by name."""

    pam: str = Field(pattern=r"^[ACGTRYSWKMBDHVN]*$")
    """The motif beside the protospacer, 5' to 3' on the non-target strand; N where it asks for no base, and empty
    where guides and targets are written without."""
    side: Literal["3'", "5'"] = "3'"
    """End of the protospacer at which the PAM lies, and from which a guide pairs with its target."""


class PairSettings(Config):
    """Columns with a guide and its target, both with the PAM, written 5' to 3'."""

    guide: str = "guide"
    """Column with the guide (as DNA or RNA) and the PAM that it asks for; N where any base does."""
    target: str = "target"
    """Column with the target and its PAM. With gaps (- or _) in either column the pair counts as aligned."""
    enzyme: str | EnzymeSettings = "Cas9"
    """The nuclease, by name or by its PAM: on which side this lies, and what a guide asks for."""


class ExperimentSettings(Config):
    """One table of sequences and what was recorded of each."""

    path: Path | None = None
    """CSV, TSV or Parquet, gzipped or not; relative paths are taken from the study file's folder."""
    dataset: str | None = None
    """Instead of `path`: a data set that ships with pajamo or was fetched by `pajamo data get`."""
    names: tuple[str, ...] = ()
    """Names of the columns, where the file has no header line."""
    where: dict[str, Wanted | tuple[Wanted, ...]] = Field(default_factory=dict)
    """Keep only rows with these values, by column; of a list of values, rows that hold one of them."""
    sequence: str = "x"
    """Column with the sequences."""
    pairs: PairSettings | None = None
    """Instead of `sequence`: the columns with guides and targets."""
    split: str | None = None
    """Column that says training, validation or test; a seeded random split by sequence if not given."""
    output: str | None = None
    """Which output of the mechanism was recorded, where it has several."""
    inputs: dict[str, float | str] = Field(default_factory=dict)
    """Concentrations by name: a number, a column, or "fit" for one that is estimated."""
    measurement: MeasurementSettings
    """What the instrument did."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("give either `path` or `dataset`")
        for column, values in self.where.items():
            if isinstance(values, tuple) and (not values or len(set(values)) < len(values)):
                raise ValueError(
                    f"`where` lists the values of {column} that are kept: at least one, and each once"
                )
        return self


class LadderSettings(Config):
    """Which comparisons are fitted beside the declared mechanisms; the mean and the additive map always are."""

    ladder: tuple[Literal["neighbour", "pairwise", "network", "convolution"], ...] = ()
    """Maps without a mechanism."""
    starts: int = Field(default=4, ge=1)
    """Random starts of each mechanism; the best on the validation set goes on."""
    steps: int = Field(default=200, ge=1)
    """Most second-order steps, or epochs of a black box."""
    refit: bool = False
    """Whether each map, once the validation set has chosen among its fits, learns from the training and validation
    rows together; for studies without a mechanism."""


class UncertaintySettings(Config):
    """How intervals of the parameters are made."""

    level: float = Field(default=0.9, gt=0.5, lt=1)
    """Coverage."""
    profile: tuple[str, ...] | None = None
    """Quantities with a profile-likelihood interval; every interaction energy if not given."""
    bootstrap: int = Field(default=0, ge=0)
    """Resamples of the case bootstrap; none by default, as each is a fit."""


class AssayStudy(Config):
    """Everything that one run on an assay needs."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """What the run is called; its folder is this name and a hash."""
    seed: int = Field(default=0, ge=0)
    """From which every random choice derives."""
    alphabet: Literal["dna", "rna", "protein", "protein*"] | str = "dna"
    """Name of an alphabet, or its letters."""
    wild_type: str | None = None
    """The unmutated sequence; the most frequent letter at each position if not given."""
    holdout: tuple[float, float] = (0.2, 0.2)
    """Shares of the sequences for validation and test, where no column says the split."""
    test_guides: tuple[str, ...] = ()
    """Guides, as written in the table, whose pairs are the test set; the others are shared out by `holdout`."""
    validation_guides: tuple[str, ...] = ()
    """Guides whose pairs are the validation set; a share of the remaining sequences if not given."""
    experiments: dict[str, ExperimentSettings]
    """Experiments by name; they share the mechanism."""
    mechanisms: dict[str, MechanismSettings] = Field(default_factory=dict)
    """Mechanisms by name, which are compared."""
    models: LadderSettings = LadderSettings()
    """Maps without a mechanism, and how hard to look for the optimum."""
    uncertainty: UncertaintySettings = UncertaintySettings()
    """How intervals are made."""
    search: SearchSettings | None = None
    """Which other mechanisms `pajamo search` tries."""
    transfer: TransferSettings | None = None
    """How the mechanism is carried over to sites that were found cut in cells."""

    @model_validator(mode="after")
    def _refits_maps_alone(self) -> Self:
        if self.models.refit and self.mechanisms:
            raise ValueError(
                "`models.refit` is for studies without a mechanism: its intervals rest on the training rows, and maps"
                " that saw more than it did are no fair comparison"
            )
        return self

    @model_validator(mode="after")
    def _has_experiments(self) -> Self:
        if not self.experiments:
            raise ValueError("a study of an assay needs at least one experiment")
        paired = {experiment.pairs is not None for experiment in self.experiments.values()}
        if len(paired) > 1 or (paired == {True}) != (self.alphabet == PAIRS):
            raise ValueError(
                f'studies of guide-target pairs say alphabet = "{PAIRS}" and give `pairs` everywhere'
            )
        if (self.test_guides or self.validation_guides) and paired == {False}:
            raise ValueError("`test_guides` and `validation_guides` are of guide-target pairs")
        twice = set(self.test_guides) & set(self.validation_guides)
        if twice:
            raise ValueError(f"guides cannot be in two sets: {', '.join(sorted(twice))}")
        validation, test = self.holdout
        if min(self.holdout) < 0 or validation + test >= 1:
            raise ValueError("`holdout` holds the shares for validation and test; together below 1")
        return self


def parse_assay_study(raw: Mapping[str, Any], where: str = "study") -> AssayStudy:
    """Check a study of an assay given as nested tables."""
    return parse(AssayStudy, raw, where)


def anchored(study: AssayStudy, folder: Path) -> AssayStudy:
    """The same study with relative paths of tables, prior matrices and fitted models taken from a folder."""
    experiments = {
        name: settings.model_copy(update={"path": (folder / settings.path).resolve()})
        if settings.path
        else settings
        for name, settings in study.experiments.items()
    }
    mechanisms = {name: _matrices_anchored(settings, folder) for name, settings in study.mechanisms.items()}
    transfer = study.transfer and _starts_anchored(study.transfer, folder)
    changed = {"experiments": experiments, "mechanisms": mechanisms, "transfer": transfer}
    return study.model_copy(update=changed)


def _starts_anchored(settings: TransferSettings, folder: Path) -> TransferSettings:
    start = {name: (folder / path).resolve() for name, path in settings.start.items()}
    return settings.model_copy(update={"start": start})


def _matrices_anchored(settings: MechanismSettings, folder: Path) -> MechanismSettings:
    if isinstance(settings, LatentSettings):
        return settings
    sites = {
        name: site.model_copy(update={"matrix": (folder / site.matrix).resolve()})
        if isinstance(site.matrix, Path)
        else site
        for name, site in settings.sites.items()
    }
    return settings.model_copy(update={"sites": sites})
