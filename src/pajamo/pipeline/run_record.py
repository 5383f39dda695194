"""A complete run, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pajamo.data.run_folder import read_manifest, verify_run
from pajamo.errors import ModelError, nearest

if TYPE_CHECKING:
    import anndata

    from pajamo.models.base import Model


@dataclass(frozen=True)
class RunRecord:
    """What every run left: the verdict, its tables, its report, and hashes of all of it."""

    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Hashes, seeds, versions and timings."""
        return read_manifest(self.path)

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """Which model, by how much over the best baseline, with which interval, on which split."""
        return dict(json.loads((self.path / "verdict.json").read_text(encoding="utf-8")))

    @property
    def summary(self) -> pd.DataFrame:
        """Each model and metric: mean, interval, calibrated score, difference to the best baseline."""
        return self.table("summary")

    def table(self, name: str) -> pd.DataFrame:
        """One of the run's tables by the name of its file."""
        return pd.read_csv(self.path / f"{name}.csv", keep_default_na=False, na_values=["", "nan"])

    def verify(self) -> int:
        """Check every file against the manifest; returns how many were checked."""
        return verify_run(self.path)

    def _repr_html_(self) -> str:
        import html

        return (
            f"<p><b>{html.escape(self.verdict['sentence'])}</b></p>"
            f"<p>{html.escape(str(self.path / 'report.html'))}</p>{self.summary.to_html(index=False)}"
        )


@dataclass(frozen=True)
class Run(RunRecord):
    """What a run on a screen left: the verdict, its tables, its predictions and its model."""

    @property
    def scores(self) -> pd.DataFrame:
        """Each fold, model, condition and metric."""
        return self.table("scores")

    def predictions(self, model: str) -> anndata.AnnData:
        """What a model predicted for the held-out conditions of every fold.

        Raises
        ------
        ModelError: the run has no prediction of this model.
        """
        import anndata

        known = sorted(file.stem for file in (self.path / "predictions").glob("*.h5ad"))
        if model not in known:
            hint = nearest(model, known)
            raise ModelError(
                f"this run has no prediction of {model!r}", fix=f"{hint}it has: {', '.join(known)}"
            )
        return anndata.read_h5ad(self.path / "predictions" / f"{model}.h5ad")

    def model(self) -> Model:
        """The run's best model, fitted on every condition of the screen."""
        from pajamo.training.saved import load_model

        return load_model(self.path / "model.safetensors")
