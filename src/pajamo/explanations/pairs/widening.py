"""Intervals of guides that no fit saw, widened by how far guides differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.evaluation.pairs.held_out import guide_keys
from pajamo.explanations.assays.gauges import Array


@dataclass(frozen=True)
class Widening:
    """What is added to the variance of guides that no fit saw.

    Attributes
    ----------
    sd: of the deviation of a guide's output, on the scale that is recorded, by experiment.
    seen: the guides that were fitted; see `guide_keys`.
    """

    sd: Mapping[str, float]
    seen: frozenset[bytes]

    @classmethod
    def of(cls, table: pd.DataFrame, assay: Assay) -> Widening:
        """From the table of `unseen_guides` and the assay that was fitted to."""
        missing = assay.alphabet.missing
        seen = (guide_keys(e.codes, missing) for e in assay.part("training").experiments)
        sd = dict(zip(table["experiment"].astype(str), table["sd"].astype(float), strict=True))
        return cls(sd, frozenset(key for keys in seen for key in keys))

    def fitted(self, pairs: Experiment, missing: int) -> NDArray[np.bool_]:
        """Whether each pair's guide is one of those fitted, shape (pairs,)."""
        return np.array([key in self.seen for key in guide_keys(pairs.codes, missing)], dtype=bool)

    def added(self, pairs: Experiment, missing: int) -> Array:
        """Variance that each pair gets beside that of the fit, shape (pairs,); none for guides that were fitted."""
        return np.where(self.fitted(pairs, missing), 0.0, self.sd.get(pairs.name, 0.0) ** 2)
