"""A complete run of a protein model, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from pajamo.pipeline.run_record import RunRecord

if TYPE_CHECKING:
    from pajamo.models.proteins.language_model import ProteinLanguageModel


@dataclass(frozen=True)
class ProteinRun(RunRecord):
    """What a training left: the verdict, its tables, and the model."""

    @cached_property
    def about(self) -> dict[str, Any]:
        """Model, proteins, split, leaks and provenance."""
        return dict(json.loads((self.path / "about.json").read_text(encoding="utf-8")))

    @property
    def summary(self) -> pd.DataFrame:
        """Perplexity of the model and of what it must beat, by set and length."""
        return self.table("perplexity")

    def model(self) -> ProteinLanguageModel:
        """The trained model.

        Raises
        ------
        IntegrityError: a file is missing or damaged.
        """
        from pajamo.models.proteins.saving import load_language_model

        return load_language_model(self.path / "model").eval()
