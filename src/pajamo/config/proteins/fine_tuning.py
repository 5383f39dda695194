"""Fine-tuning a protein language model for a property of proteins or of their residues, as a user declares it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.proteins.study import ProteinSplitSettings
from pajamo.config.proteins.training import TrainingSettings
from pajamo.config.strict import Config, parse
from pajamo.config.toml import read_toml

Count = Annotated[int, Field(ge=1)]
Part = Literal["query", "key", "value", "output", "inner", "outer"]
PropertyKind = Literal["regression", "classification", "residues"]


class LoraSettings(Config):
    """Low-rank additions to matrices that are themselves left as they are.

    Source: Hu et al. 2021 (arXiv 2106.09685), section 4.1.
    """

    rank: Count = 8
    """Columns of the narrow matrices."""
    alpha: Annotated[float, Field(gt=0)] = 16.0
    """The addition is scaled by alpha / rank."""
    on: Annotated[tuple[Part, ...], Field(min_length=1)] = ("query", "value")
    """Matrices of each block that get an addition."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len(set(self.on)) < len(self.on):
            raise ValueError("`on` names a matrix twice")
        return self


class LabelSettings(Config):
    """Proteins with a label each, or one for each residue."""

    path: Path
    """A table (CSV, TSV or Parquet) with one row a protein."""
    kind: PropertyKind = "regression"
    """regression: a number a protein; classification: one of several names a protein; residues: a letter for each
    residue, written as a text as long as the protein."""
    label: str = "label"
    """Column with labels."""
    sequence: str = "sequence"
    """Column with residues; not used where `fasta` is given."""
    fasta: Path | None = None
    """FASTA file with the proteins, found by `name`."""
    name: str = "id"
    """Column with names as in the FASTA file; not used without it."""
    unknown: str = "-."
    """Letters that mark residues of which nothing is known; for `residues`."""
    set: str | None = None
    """Column that says train, validation or test; where it is not given, proteins are split as `split` says."""
    longest: Annotated[int, Field(ge=8)] = 1024
    """Tokens, <cls> and <eos> included, beyond which the rest of a protein is left out."""


class FineTuningStudy(Config):
    """A study that teaches a trained model a property."""

    name: str = "fine-tuned"
    seed: int = 0
    model: Path
    """Folder of the model: config.json and model.safetensors, as pajamo or Hugging Face write them."""
    data: LabelSettings
    split: ProteinSplitSettings = ProteinSplitSettings(validation=0.1, test=0.1)
    lora: LoraSettings | None = LoraSettings()
    """None to change all weights of the model."""
    training: TrainingSettings

    @model_validator(mode="before")
    @classmethod
    def _all_weights(cls, raw: object) -> object:
        # TOML cannot say None.
        if isinstance(raw, dict) and raw.get("lora") is False:
            return {**raw, "lora": None}
        return raw


def load_fine_tuning_study(path: str | Path) -> FineTuningStudy:
    """Read and check a study file; relative paths become those from its folder. `lora = false` stands for None.

    Raises
    ------
    StudyError: missing, not TOML, an unknown or missing key, a value that cannot be.
    """
    path = Path(path)
    study = parse(FineTuningStudy, read_toml(path), str(path))
    fasta = study.data.fasta
    data = study.data.model_copy(
        update={
            "path": path.parent / study.data.path,
            "fasta": None if fasta is None else path.parent / fasta,
        }
    )
    return study.model_copy(update={"model": path.parent / study.model, "data": data})
