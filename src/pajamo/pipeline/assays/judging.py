"""Scores of every model on every set, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from pajamo.data.assays.assay import SETS, Assay
from pajamo.evaluation.assays.bounds import intrinsic_bounds, intrinsic_table
from pajamo.evaluation.assays.differences import pooled_likelihood, with_differences
from pajamo.evaluation.assays.rows import Measured, Said
from pajamo.evaluation.assays.scores import score_table
from pajamo.evaluation.assays.verdict import BASELINE, AssayVerdict, assay_verdict, best_of
from pajamo.measurements.scalar.rates import LogRate
from pajamo.pipeline.assays.fitting import Fitted
from pajamo.pipeline.assays.loading import LoadedAssay


@dataclass(frozen=True)
class AssayFindings:
    """What the fits gave.

    Attributes
    ----------
    loaded: study and tables.
    fitted: every model that was asked for.
    """

    loaded: LoadedAssay
    fitted: tuple[Fitted, ...]

    @property
    def usable(self) -> tuple[Fitted, ...]:
        """Models that applied."""
        return tuple(model for model in self.fitted if not model.refusal)

    @property
    def kinds(self) -> dict[str, str]:
        """Baseline, mechanism or comparison, by model."""
        return {model.name: model.planned.kind for model in self.usable}

    @property
    def baselines(self) -> tuple[str, ...]:
        """Models that must be beaten."""
        return tuple(name for name, kind in self.kinds.items() if kind == BASELINE)

    @cached_property
    def parts(self) -> dict[str, dict[str, Measured]]:
        """The measured rows by set and experiment, sets without rows left out."""
        found = {name: self.loaded.measured(name) for name in SETS}
        return {name: parts for name, parts in found.items() if parts}

    @cached_property
    def said(self) -> dict[str, dict[str, dict[str, Said]]]:
        """What each model says of them, by set, model and experiment."""
        assay = self.loaded.assay
        return {
            name: {model.name: says(model, assay, parts) for model in self.usable}
            for name, parts in self.parts.items()
        }

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Every model, experiment, set and metric with its interval and its difference to the best baseline."""
        tables = [self._of_set(name, parts) for name, parts in self.parts.items()]
        table = pd.concat(tables, ignore_index=True)
        table.insert(1, "kind", table["model"].map(self.kinds))
        return table

    def _of_set(self, name: str, parts: Mapping[str, Measured]) -> pd.DataFrame:
        said, seed = self.said[name], self.loaded.study.seed
        tables = [
            score_table(
                measured,
                {model: own[experiment] for model, own in said.items()},
                # The neighbours behind I_pred take longest, and only on unseen rows do they say anything.
                information=name == self.loaded.scored_set,
                seed=seed,
            )
            for experiment, measured in parts.items()
        ]
        if len(parts) > 1:
            tables.append(pooled_likelihood(parts, said, seed))
        return with_differences(pd.concat(tables, ignore_index=True), parts, said, self.baselines, seed)

    @cached_property
    def verdict(self) -> AssayVerdict:
        """The best mechanism, which the validation set chooses, against the best baseline on the test set."""
        scored = self.loaded.scored_set
        chosen = best_of(self._scores("validation" if "validation" in self.parts else scored), self.kinds)
        converged = {model.name: model.converged for model in self.usable}
        return assay_verdict(
            self._scores(scored),
            self.parts[scored],
            self.said[scored],
            self.kinds,
            chosen=chosen or None,
            unconverged=not converged.get(chosen, True),
            seed=self.loaded.study.seed,
        )

    @cached_property
    def intrinsic(self) -> pd.DataFrame:
        """What the scored set holds about its sequences, whatever the model: bounds, or why there are none."""
        scored, seed = self.loaded.scored_set, self.loaded.study.seed
        found = {}
        for name, measured in self.parts[scored].items():
            rows = self.loaded.assay.experiment(name).part(scored)
            found[name] = intrinsic_bounds(measured, rows.recorded, rows.inputs, seed=seed)
        return intrinsic_table(found, scored)

    def _scores(self, set_name: str) -> pd.DataFrame:
        return self.summary[self.summary["set"] == set_name]

    def predictions(self, model: str) -> pd.DataFrame:
        """What a model says of each row of the scored set."""
        scored = self.loaded.scored_set
        assay = self.loaded.assay
        tables = [
            prediction_table(
                measured,
                self.said[scored][model][experiment],
                assay.alphabet.decode(assay.experiment(experiment).part(scored).codes),
            )
            for experiment, measured in self.parts[scored].items()
        ]
        return pd.concat(tables, ignore_index=True)


def says(fitted: Fitted, assay: Assay, parts: Mapping[str, Measured]) -> dict[str, Said]:
    """What a model says of the rows of one set, by experiment."""
    return {name: _says(fitted, assay, measured) for name, measured in parts.items()}


def _says(fitted: Fitted, assay: Assay, measured: Measured) -> Said:
    models = fitted.models_for(measured.set_name).values()
    model = next(own for own in models if measured.experiment in own.experiments)
    rows = assay.experiment(measured.experiment).part(measured.set_name)
    predicted = model.predict(rows)
    activity, coordinate, expected = (
        predicted[column].to_numpy(dtype=np.float64) for column in ("activity", "coordinate", "expected")
    )
    measurement = model.assembly.measurement(rows.name)
    if isinstance(measurement, LogRate):
        # What is recorded of a rate beyond the limit of detection is the limit.
        with torch.no_grad():
            expected = measurement.expected_recorded(torch.as_tensor(coordinate)).numpy()
    return Said(activity, coordinate, expected, model.log_likelihood(rows))


def prediction_table(measured: Measured, said: Said, sequences: list[str]) -> pd.DataFrame:
    """One row a sequence: what was measured (the mean bin, or the value) and what a model says of it."""
    return pd.DataFrame(
        {
            "experiment": measured.experiment,
            "sequence": sequences,
            "set": measured.set_name,
            "measured": np.round(measured.summary, 12),
            "observations": measured.observations,
            "activity": said.activity,
            "coordinate": said.coordinate,
            "expected": said.expected,
            "log_likelihood": said.log_likelihood,
        }
    )
