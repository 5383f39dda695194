"""What a run on an assay left, read as a report needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.config.assays import PAIRS
from pajamo.errors import IntegrityError
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.saved import load_assay_model

MECHANISM = "mechanism"
NEEDED: dict[str, tuple[str, ...]] = {
    "summary": (
        "model",
        "kind",
        "experiment",
        "set",
        "metric",
        "value",
        "low",
        "high",
        "best_baseline",
        "difference",
    ),
    "fits": ("model", "fit", "converged", "gap", "verdict", "cpu_seconds"),
}
"""Tables without which there is no report, and their columns."""


@dataclass(frozen=True)
class AssayRun:
    """The folder of a run on an assay, complete or not.

    Attributes
    ----------
    path: with verdict.json, about.json, the tables, predictions and models.
    """

    path: Path

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """Which model, by how many bits over which baseline."""
        return self._json("verdict.json")

    @cached_property
    def about(self) -> dict[str, Any]:
        """Letters, models, experiments, notes and provenance."""
        return self._json("about.json")

    @cached_property
    def study(self) -> str:
        """The study file as it was resolved."""
        path = self.path / "study.toml"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def level(self) -> float:
        """Coverage of the parameters' intervals."""
        return float(self.about["level"])

    @property
    def pairs(self) -> bool:
        """Whether guide-target pairs were recorded, no sequences."""
        return self.about.get("alphabet") == PAIRS

    @property
    def rows(self) -> str:
        """What a row of a table is, in the plural."""
        return "pairs" if self.pairs else "sequences"

    @property
    def energy_unit(self) -> str:
        """In which unit free energies are told."""
        return "kT" if self.pairs else "kcal/mol"

    @property
    def scored_set(self) -> str:
        """The set on which models are judged."""
        return str(self.verdict["set_name"])

    @property
    def experiments(self) -> list[dict[str, Any]]:
        """Name, source and measurement of each."""
        return list(self.about["experiments"])

    @property
    def mechanisms(self) -> list[str]:
        """Declared mechanisms that were fitted, that of the verdict first."""
        names = [m["name"] for m in self.about["models"] if m["kind"] == MECHANISM and m["files"]]
        return sorted(names, key=lambda name: name != self.verdict["model"])

    @property
    def leading(self) -> str:
        """The model that the page explains: the best mechanism, else the model of the verdict."""
        return next(iter(self.mechanisms), str(self.verdict["model"]))

    def table(self, name: str) -> pd.DataFrame | None:
        """A table of the run by the name of its file, or None where it was not written or holds nothing.

        Raises
        ------
        IntegrityError: it lacks a column that the report cannot do without.
        """
        for ending in (".csv", ".csv.gz"):
            path = self.path / f"{name}{ending}"
            if path.is_file():
                return self._checked(name, _read(path))
        return None

    def needed(self, name: str) -> pd.DataFrame:
        """A table that every run has.

        Raises
        ------
        IntegrityError: this one has not.
        """
        table = self.table(name)
        if table is None:
            raise IntegrityError(
                f"the run lacks its table {name}.csv", where=str(self.path), fix="run the study again"
            )
        return table

    def predictions(self, model: str) -> pd.DataFrame | None:
        """What a model said of each row of the scored set, beside what was measured."""
        return self.table(f"predictions/{model}")

    def file(self, name: str) -> str:
        """Name of the file that holds a table in full."""
        return next((f for f in (f"{name}.csv", f"{name}.csv.gz") if (self.path / f).is_file()), "")

    def models(self, name: str) -> list[AssayModel]:
        """Fits of a model: one for all experiments, or one for each; none where a file is missing."""
        files = [self.path / file for m in self.about["models"] if m["name"] == name for file in m["files"]]
        return [load_assay_model(path) for path in files if path.is_file()]

    @cached_property
    def model(self) -> AssayModel | None:
        """The leading model's first fit, for what the tables do not hold: shapes of the mechanism, curves."""
        return next(iter(self.models(self.leading)), None)

    def scores(self, metric: str | None = None) -> pd.DataFrame:
        """Rows of the summary on the scored set."""
        table = self.needed("summary")
        table = table[table["set"] == self.scored_set]
        return table if metric is None else table[table["metric"] == metric]

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"the folder is no run on an assay: {name} cannot be read",
                where=str(self.path),
                why=str(error),
            ) from error

    def _checked(self, name: str, table: pd.DataFrame) -> pd.DataFrame | None:
        missing = [column for column in NEEDED.get(name, ()) if column not in table]
        if missing:
            raise IntegrityError(
                f"the table {name}.csv lacks columns: {', '.join(missing)}",
                where=str(self.path),
                fix="render the report with the version of pajamo that wrote the run",
            )
        return None if table.empty else table


def _read(path: Path) -> pd.DataFrame:
    # Sites and states may be called NA; only an empty field is a missing value.
    return pd.read_csv(path, keep_default_na=False, na_values=["", "nan"])
