"""The study file: a few lines of TOML that say everything one run needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from pajamo.config.assays.study import AssayStudy, anchored, parse_assay_study
from pajamo.config.protocol import ProtocolSettings
from pajamo.config.strict import Config, parse
from pajamo.config.toml import read_toml
from pajamo.errors import StudyError, nearest

EMBEDDING_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class DataSettings(Config):
    """Which screen, and where in it the design is written."""

    path: Path | None = None
    """An h5ad file or a cell store; relative paths are taken from the study file's folder."""
    dataset: str | None = None
    """Instead of `path`: a data set that ships with pajamo or was fetched by `pajamo data get`."""
    perturbation: str = "perturbation"
    """Column of obs that says what was done to each cell, combinations written A+B."""
    control: str = "control"
    """Value of that column for unperturbed cells."""
    layer: str | None = None
    """Layer with the counts; X if not given."""
    scale: Literal["counts", "log1p"] = "counts"
    """What the values are: UMI counts, or already ln(1 + CP10K)."""
    library_size: str | None = None
    """Column of obs with the molecules of the whole library, where the matrix holds only some genes."""
    batch: str | None = None
    """Column with the batch (gem group, lane, plate)."""
    context: str | None = None
    """Column with the cell line, donor or medium."""
    time: str | None = None
    """Column with the time of measurement, a number."""
    top_genes: int | None = Field(default=None, ge=1)
    """Keep this many most variable genes among control cells, and every perturbed gene."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("give either `path` or `dataset`")
        return self


class SplitSettings(Config):
    """Which conditions are held out."""

    kind: Literal[
        "doubles", "cluster", "missing-single", "leave-gene-out", "unseen-perturbation", "context", "time"
    ]
    """What is to be predicted: held-out doubles, a cluster of doubles, and so on."""
    holdout: float = Field(default=0.25, gt=0, lt=1)
    """Share of the doubles (or of the perturbations) held out in each fold."""
    folds: int = Field(default=5, ge=1)
    """Number of folds: random repeats, clusters, or parts of a partition, depending on the kind."""
    missing: Literal[1, 2] = 1
    """For `missing-single` and `leave-gene-out`: how many of the two singles are unmeasured."""
    held: tuple[str | float, ...] = ()
    """For `context`, `time` and `leave-gene-out`: which ones to leave out; each in turn if not given."""


class ModelsSettings(Config):
    """Which models are fitted."""

    ladder: tuple[str, ...] = ()
    """Names; every model that applies if not given. Baselines are always added."""
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of single models by name, as in [models.settings.peper]."""


BuiltIn = Literal["one-hot", "expression"]
"""Embeddings that need no table: genes that have nothing in common, or the screen's own training responses."""


class PriorSettings(Config):
    """Knowledge about genes from outside the screen: one table, or several that are compared."""

    embedding: Path | None = None
    """A table (CSV, TSV or Parquet) of gene and term pairs, or of gene and vector (of a protein model, say)."""
    embeddings: dict[str, Path] = Field(default_factory=dict)
    """Several such tables by name; every model that takes an embedding is fitted with each on the same folds."""
    compared: tuple[BuiltIn, ...] = ("one-hot", "expression")
    """With `embeddings`: what they are compared with."""
    dimensions: int = Field(default=32, ge=1)
    """Dimensions kept of a gene-by-term table, and of `expression`."""

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.embedding is None) == (not self.embeddings):
            raise ValueError("give either `embedding` or a table of `embeddings`")
        wrong = [name for name in self.embeddings if not re.fullmatch(EMBEDDING_NAME, name)]
        if wrong or set(self.embeddings) & set(get_args(BuiltIn)):
            raise ValueError(
                "names of embeddings are made of letters, digits, '.', '_' and '-', and are not "
                + " or ".join(get_args(BuiltIn))
            )
        return self

    @property
    def tables(self) -> dict[str, Path]:
        """Every table by the name of its embedding, "" for the only one."""
        return self.embeddings if self.embedding is None else {"": self.embedding}

    @property
    def names(self) -> tuple[str, ...]:
        """Every embedding that models are fitted with: "" for the only one, else tables, then what is built in."""
        return ("",) if self.embedding is not None else (*self.embeddings, *self.compared)


class EvaluationSettings(Config):
    """How predictions are scored."""

    control: Literal["split", "shared"] = "split"
    """Whether truth and predictor see different control cells (honest) or the same (older convention)."""
    metric: str = "mse"
    """Metric on which the verdict is judged."""
    top_genes: int = Field(default=20, ge=1)
    """Number of differentially expressed genes in the metrics that look at the strongest."""
    distributions: bool = True
    """Whether to score predicted cells (energy distance, MMD) for models that can draw them."""
    field_metrics: bool = True
    """Whether to score on counts, where a screen has them, with the six calibrated metrics of cell-eval2."""
    bootstrap: int = Field(default=2000, ge=100)
    """Resamples of the perturbations behind each interval."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Coverage of the intervals."""
    categories: Path | None = None
    """JSON of genetic-interaction classes: {"ADDITIVE": ["A+B", ...], ...}."""


class Study(Config):
    """Everything that one run needs."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """What the run is called; its folder is this name and a hash."""
    seed: int = Field(default=0, ge=0)
    """From which every random choice derives."""
    data: DataSettings
    """The screen."""
    split: SplitSettings
    """Which conditions are held out."""
    models: ModelsSettings = ModelsSettings()
    """The ladder of models."""
    protocol: ProtocolSettings | None = None
    """What was done to the cells, in order; needed by models of dynamics where it is not the plain case."""
    priors: PriorSettings | None = None
    """Knowledge about genes from outside the screen."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """How predictions are scored."""


def read_study(path: str | Path) -> Study | AssayStudy:
    """Read a study file; relative paths in it are taken from its own folder.

    A file with [data] is a study of a screen, one with [experiments.NAME] a study of an assay on sequences.

    Raises
    ------
    StudyError: the file is missing, is not TOML, has an unknown key (the nearest valid one is
        named), or a value of the wrong type; or it says of neither or of both kinds of study that it is one.
    """
    path = Path(path)
    study = parse_any_study(read_toml(path), where=str(path))
    return anchored(study, path.parent) if isinstance(study, AssayStudy) else _anchored(study, path.parent)


def parse_any_study(raw: Mapping[str, Any], where: str = "study") -> Study | AssayStudy:
    """Check a study given as nested tables: of a screen with `data`, of an assay with `experiments`.

    Raises
    ------
    StudyError: as `read_study`.
    """
    return parse_assay_study(raw, where) if _is_assay(raw, where) else parse_study(raw, where)


def _is_assay(raw: Mapping[str, Any], where: str) -> bool:
    """Whether a study speaks of sequences (`experiments`) rather than of a screen (`data`)."""
    kinds = [key for key in ("data", "experiments") if key in raw]
    if len(kinds) == 1:
        return kinds == ["experiments"]
    meant = next((hint for key in raw if (hint := nearest(key, ("data", "experiments")))), "")
    raise StudyError(
        "the study describes both a screen and an assay" if kinds else "the study names no data",
        where=where,
        why="[data] is a screen of perturbed cells; [experiments.NAME] are assays on sequences",
        fix="write two study files" if kinds else f"{meant}add one of the two tables",
    )


def parse_study(raw: Mapping[str, Any], where: str = "study") -> Study:
    """Check a study given as nested tables."""
    return parse(Study, raw, where)


def _anchored(study: Study, folder: Path) -> Study:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else (folder / path).resolve()

    data = study.data.model_copy(update={"path": absolute(study.data.path)})
    evaluation = study.evaluation.model_copy(update={"categories": absolute(study.evaluation.categories)})
    priors = study.priors and study.priors.model_copy(
        update={
            "embedding": absolute(study.priors.embedding),
            "embeddings": {name: absolute(path) for name, path in study.priors.embeddings.items()},
        }
    )
    return study.model_copy(update={"data": data, "evaluation": evaluation, "priors": priors})
