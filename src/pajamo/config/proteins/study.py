"""A protein language model as a user declares it: sequences, what is kept aside, the model, its training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.proteins.model import ProteinModelSettings
from pajamo.config.proteins.training import TrainingSettings
from pajamo.config.strict import Config, parse
from pajamo.config.toml import read_toml

Share = Annotated[float, Field(ge=0, le=1)]


class ProteinDataSettings(Config):
    """Sequences."""

    path: Path
    """FASTA (may be compressed with gzip), or a corpus built by `pajamo store build`; relative paths are taken from
    the study file's folder."""
    clusters: Path | None = None
    """A table (TSV or CSV, may be compressed with gzip): one row a protein, its name and its clusters."""
    name: str = "id"
    """Column of that table with the proteins' names."""
    sampled_by: str | None = None
    """Column with the clusters of which an epoch takes one member each (UniRef50 in ESM-2); every protein each
    epoch if not given."""
    longest: Annotated[int, Field(ge=8)] = 1024
    """Tokens, <cls> and <eos> included, beyond which a random stretch of a protein is taken."""


class ProteinSplitSettings(Config):
    """What is kept aside; relatives of what is kept aside are never trained on."""

    by: Literal["homology", "column", "protein"] = "homology"
    """homology: families found by shared words of residues (MMseqs2 where it is installed); column: those of
    `families`; protein: each for itself, which leaks between relatives and is said so."""
    families: str | None = None
    """Column of the table of clusters that names families (c50: half of the residues alike)."""
    validation: Annotated[float, Field(gt=0, lt=0.5)] = 0.02
    """Share of families that validate."""
    test: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    """Share of families that are looked at once, at the end."""

    @model_validator(mode="after")
    def _families_are_named(self) -> Self:
        if self.by == "column" and self.families is None:
            raise ValueError('`families` must name a column where `by = "column"`')
        return self


class MaskingSettings(Config):
    """What is hidden from the model, which has to say it.

    Source: Devlin et al. 2019 (arXiv 1810.04805), section 3.1.
    """

    share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Residues that the model is asked for."""
    masked: Share = 0.8
    """Of those: shown as <mask>."""
    random: Share = 0.1
    """Of those: shown as a random amino acid; the rest is shown as it is."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.masked + self.random > 1 + 1e-9:
            raise ValueError("`masked` and `random` together must not exceed 1")
        return self


class VariantSettings(Config):
    """Measured variants of a protein, against which the model is held while it trains and at the end."""

    path: Path
    """A table with one row a variant."""
    mutations: str = "mutant"
    """Column with substitutions as M182T, several joined by a colon."""
    score: str = "score"
    """Column with what was measured; higher is fitter."""
    wild_type: Path | None = None
    """FASTA with the wild type; else `sequence`."""
    sequence: str | None = None
    """The wild type's residues."""
    offset: int = 0
    """Number of the wild type's first residue, less one, in the numbering of the mutations."""


class ProteinStudy(Config):
    """A study of the verb `train`."""

    name: str = "protein-model"
    seed: int = 0
    data: ProteinDataSettings
    split: ProteinSplitSettings = ProteinSplitSettings()
    model: ProteinModelSettings
    masking: MaskingSettings = MaskingSettings()
    training: TrainingSettings
    variants: dict[str, VariantSettings] = Field(default_factory=dict)
    """Measured variants by a name of your choice."""


def load_protein_study(path: str | Path) -> ProteinStudy:
    """Read and check a study file; relative paths become those from its folder.

    Raises
    ------
    StudyError: missing, not TOML, an unknown or missing key, a value that cannot be.
    """
    path = Path(path)
    study = parse(ProteinStudy, read_toml(path), str(path))
    folder = path.parent
    data = study.data.model_copy(
        update={
            "path": folder / study.data.path,
            "clusters": None if study.data.clusters is None else folder / study.data.clusters,
        }
    )
    variants = {
        name: one.model_copy(
            update={
                "path": folder / one.path,
                "wild_type": None if one.wild_type is None else folder / one.wild_type,
            }
        )
        for name, one in study.variants.items()
    }
    return study.model_copy(update={"data": data, "variants": variants})
