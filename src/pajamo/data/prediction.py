"""What a model says will be recorded: labelled, with a unit and an uncertainty, never a bare array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError
from pajamo.units import LOG_NORMALISED

if TYPE_CHECKING:
    import anndata


@dataclass(frozen=True)
class Prediction:
    """Predicted mean response of each condition.

    Attributes
    ----------
    model: name of the model.
    genes: genes, in the order of the arrays' last axis.
    conditions: what would be done.
    delta: change against the control, shape (conditions, genes).
    sd: standard deviation of `delta` as an estimate of the true mean change: cells that were few,
        and, where the model can tell, what it does not know; shape (conditions, genes).
    control: mean of the control that `delta` refers to, shape (conditions, genes).
    unit: unit of all three.
    trusted: for each condition, 1 where the model rests on what it has seen, 0 where it fell back
        to its baseline (see the model's card); shape (conditions,).
    """

    model: str
    genes: pd.Index
    conditions: tuple[Condition, ...]
    delta: Array
    sd: Array
    control: Array
    unit: str = LOG_NORMALISED
    trusted: NDArray[np.float64] | None = None

    @property
    def level(self) -> Array:
        """Predicted mean itself, shape (conditions, genes)."""
        return self.control + self.delta

    def of(self, conditions: Sequence[Condition]) -> Prediction:
        """The same prediction for some of its conditions, in the given order."""
        position = {condition: i for i, condition in enumerate(self.conditions)}
        rows = [position[condition] for condition in conditions]
        trusted = None if self.trusted is None else self.trusted[rows]
        return Prediction(
            self.model, self.genes, tuple(conditions), self.delta[rows], self.sd[rows], self.control[rows],
            self.unit, trusted,
        )  # fmt: skip

    def to_anndata(self) -> anndata.AnnData:
        """One row a condition; X is the predicted level, layers hold `delta`, `sd` and `control`."""
        import anndata

        obs = pd.DataFrame(
            {
                "perturbation": ["+".join(c.genes) or "control" for c in self.conditions],
                "context": [c.context for c in self.conditions],
                "time": [c.time for c in self.conditions],
                "trusted": 1.0 if self.trusted is None else self.trusted,
            },
            index=[str(c) for c in self.conditions],
        )
        adata = anndata.AnnData(self.level, obs=obs, var=pd.DataFrame(index=self.genes.astype(str)))
        adata.layers.update(delta=self.delta, sd=self.sd, control=self.control)
        adata.uns["pajamo"] = {"model": self.model, "unit": self.unit, "X": "level", "format": 1}
        return adata

    @classmethod
    def from_anndata(cls, adata: anndata.AnnData) -> Prediction:
        """Read what `to_anndata` wrote.

        Raises
        ------
        DataError: the AnnData is not a prediction of pajamo.
        """
        about = adata.uns.get("pajamo")
        if about is None or not {"delta", "sd", "control"} <= set(adata.layers):
            raise DataError(
                "this AnnData is not a prediction",
                where="uns['pajamo'], layers",
                why="a prediction has layers delta, sd and control, and says its model and unit in uns['pajamo']",
                fix="write it with Prediction.to_anndata()",
            )
        conditions = tuple(
            Condition(tuple(p.split("+")) if p != "control" else (), str(context), float(time))
            for p, context, time in zip(
                adata.obs["perturbation"], adata.obs["context"], adata.obs["time"], strict=True
            )
        )
        delta, sd, control = (
            np.asarray(adata.layers[key], dtype=float) for key in ("delta", "sd", "control")
        )
        trusted = adata.obs["trusted"].to_numpy(dtype=float)
        genes = pd.Index(adata.var_names)
        return cls(str(about["model"]), genes, conditions, delta, sd, control, str(about["unit"]), trusted)
