"""Latent shifts of genes that no training condition holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.models.base import Array
from pajamo.models.parts.unseen_response import UnseenResponse


@dataclass(frozen=True)
class UnseenShifts:
    """The mean shift, what vectors of genes say beyond it, and what an edit does to its own target on average.

    Attributes
    ----------
    response: shifts from vectors of genes, in standard deviations between cells.
    variance: of a shift around what is predicted for it, shape (axes,).
    typical_own: mean change of a measured target's own row beyond its shift, ln (of the rate, or 1 + CP10K).
    given: whether there were vectors of genes; without, nothing is predicted.
    """

    response: UnseenResponse
    variance: Array
    typical_own: float
    given: bool

    @classmethod
    def of(
        cls, embedding: Mapping[str, Array], names: Sequence[str], shifts: Array, own: Array
    ) -> UnseenShifts:
        """From the fitted shifts, shape (names, axes), and own changes of the measured targets, shape (targets,)."""
        response = UnseenResponse.fit(embedding, names, shifts)
        # A new shift misses the mean by the spread of shifts, and the mean itself is not exact.
        spread = shifts.var(axis=0, ddof=1) if len(shifts) > 1 else (shifts**2).mean(axis=0)
        variance = spread * (response.share + 1.0 / max(len(shifts), 1))
        return cls(response, variance, float(own.mean()) if len(own) else 0.0, bool(embedding))

    def shifts(self, genes: Sequence[str]) -> Array:
        """Shift of each gene, shape (genes, axes)."""
        return self.response.of(genes)

    def own(self, genes: Sequence[str], measured: pd.Index) -> Array:
        """Change of each gene's own row, where it was measured, shape (genes, measured)."""
        position = {str(name): i for i, name in enumerate(measured)}
        found = np.zeros((len(genes), len(measured)))
        for row, gene in enumerate(genes):
            if gene in position:
                found[row, position[gene]] = self.typical_own
        return found

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return self.response.state() | {"unseen.variance": self.variance}

    def facts(self) -> dict[str, object]:
        """Names and scalars to save."""
        return {**self.response.facts(), "typical_own": self.typical_own, "given": self.given}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], facts: Any, axes: int) -> UnseenShifts:
        """Read what `state` and `facts` gave; a model of earlier versions knows no other gene."""
        response = UnseenResponse.restored(state, facts, axes)
        if facts is None:
            return cls(response, np.zeros(axes), 0.0, False)
        variance = np.asarray(state["unseen.variance"], dtype=float)
        return cls(response, variance, float(facts["typical_own"]), bool(facts["given"]))
