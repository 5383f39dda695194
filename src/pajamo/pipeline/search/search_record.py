"""A complete search, read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from pajamo.config import read_study
from pajamo.config.assays import AssayStudy, KineticSettings
from pajamo.pipeline.run_record import RunRecord
from pajamo.pipeline.search.writing import BEST

if TYPE_CHECKING:
    from pajamo.search.ensemble import Ensemble
    from pajamo.search.record import Evaluation


@dataclass(frozen=True)
class SearchRun(RunRecord):
    """What a search left: the verdict, its tables, every evaluation, and the fitted members of the ensemble."""

    @property
    def summary(self) -> pd.DataFrame:
        """Every figure of the ensemble, the baselines and each member, by experiment and set."""
        return self.table("scores")

    @cached_property
    def best(self) -> KineticSettings:
        """The declaration of the best hypothesis."""
        study = read_study(self.path / BEST)
        assert isinstance(study, AssayStudy)
        settings = study.mechanisms["best"]
        assert isinstance(settings, KineticSettings)
        return settings

    @property
    def evaluations(self) -> list[Evaluation]:
        """Every hypothesis that was tried, with its reward, in order.

        Raises
        ------
        IntegrityError: the record is damaged.
        """
        from pajamo.search.record import FILE, Record

        return Record(self.path / FILE).evaluations

    def ensemble(self) -> Ensemble:
        """The fitted members, whose readings are averaged.

        Raises
        ------
        IntegrityError: a file is missing or damaged.
        """
        from pajamo.search.ensemble import Ensemble
        from pajamo.training.assays.saved import load_assay_model

        count = int(self.verdict["members"])
        return Ensemble(
            [load_assay_model(self.path / f"models/member-{n}.safetensors") for n in range(1, count + 1)]
        )
