"""A complete run of fine-tuning, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from pajamo.pipeline.run_record import RunRecord

if TYPE_CHECKING:
    from pajamo.models.proteins.property import PropertyModel


@dataclass(frozen=True)
class FineTunedRun(RunRecord):
    """What fine-tuning left: the verdict, its tables, and the model."""

    @cached_property
    def about(self) -> dict[str, Any]:
        """Property, proteins, sets, leaks and provenance."""
        return dict(json.loads((self.path / "about.json").read_text(encoding="utf-8")))

    @property
    def summary(self) -> pd.DataFrame:
        """Each metric of the model and of what it must beat."""
        return self.table("scores")

    def model(self) -> PropertyModel:
        """The fine-tuned model.

        Raises
        ------
        IntegrityError: a file is missing or damaged.
        """
        from pajamo.pipeline.proteins.fine_tuning.saving import load_fine_tuned

        return load_fine_tuned(self.path).model
