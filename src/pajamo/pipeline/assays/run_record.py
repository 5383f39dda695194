"""A complete run on an assay, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pajamo.errors import ModelError, nearest
from pajamo.pipeline.run_record import RunRecord

if TYPE_CHECKING:
    from pajamo.models.assays.model import AssayModel

PREDICTIONS, MODELS, ABOUT = "predictions", "models", "about.json"


@dataclass(frozen=True)
class AssayRun(RunRecord):
    """What a run on an assay left: the verdict, its tables, its predictions and every fitted model."""

    @cached_property
    def about(self) -> dict[str, Any]:
        """The models, the experiments, and what there is to note."""
        return dict(json.loads((self.path / ABOUT).read_text(encoding="utf-8")))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that were fitted."""
        return tuple(model["name"] for model in self.about["models"] if model["files"])

    @property
    def parameters(self) -> pd.DataFrame:
        """Every parameter of every mechanism, in its unit, with an interval."""
        return self.table("parameters")

    def predictions(self, model: str) -> pd.DataFrame:
        """What a model says of each row of the set on which models are judged, beside what was measured.

        Raises
        ------
        ModelError: the run has no such model.
        """
        self.require(model)
        return pd.read_csv(
            self.path / PREDICTIONS / f"{model}.csv.gz", keep_default_na=False, na_values=["", "nan"]
        )

    def assay_model(self, name: str | None = None, experiment: str | None = None) -> AssayModel:
        """A fitted model; that of the verdict if no name is given.

        Parameters
        ----------
        name: of the model.
        experiment: for a map that was fitted to each experiment on its own: to which.

        Raises
        ------
        ModelError: the run has no such model, or it has several and the experiment is not said.
        """
        from pajamo.training.assays.saved import load_assay_model

        chosen = name or str(self.verdict["model"])
        files = self.require(chosen)
        wanted = {Path(file).stem.partition("@")[2]: file for file in files}
        if len(files) == 1:
            return load_assay_model(self.path / files[0])
        if experiment not in wanted:
            raise ModelError(
                f"{chosen} was fitted to each experiment on its own",
                where=str(self.path),
                fix=f"{nearest(experiment or '', wanted)}give `experiment`, one of: {', '.join(wanted)}",
            )
        return load_assay_model(self.path / wanted[experiment])

    def require(self, model: str) -> list[str]:
        """The files of a model of this run.

        Raises
        ------
        ModelError: there is no such model, or it does not apply.
        """
        known = {each["name"]: each["files"] for each in self.about["models"] if each["files"]}
        if model in known:
            return list(known[model])
        refusal = self.about["refusals"].get(model, "")
        raise ModelError(
            f"this run has no model {model!r}",
            where=str(self.path),
            why=f"it does not apply: {refusal}" if refusal else "",
            fix=f"{nearest(model, known)}it has: {', '.join(known)}",
        )
