"""Sparse-shift: an autoencoder of cells in which each perturbation moves few axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from pajamo.models.base import Array, Card
from pajamo.models.latent_parts.shift_model import ASSUMES, WEIGHTS, LatentShift, LatentShiftSettings
from pajamo.models.latent_parts.shifts import DenseShifts, MaskedShifts
from pajamo.models.registry import register

MASK = "mask"
LARGEST_ODDS = 3.0
"""Most log odds of a mask at the start, so that learning can still change its mind."""


class SparseShiftSettings(LatentShiftSettings):
    """Settings of sparse-shift."""

    active: float = Field(default=0.3, gt=0, lt=1)
    """Share of the axes that a perturbation moves, expected before any data."""


@register
class SparseShift(LatentShift):
    """z = basal + place(context, time) + sum over a in A of mask_a * shift_a,  masks Bernoulli, mostly zero.

    As shift-vae, with a mask for each perturbation and axis (sparse mechanism shift): relaxed to the concrete
    distribution while it is learned, replaced by its probability in predictions.
    """

    card = Card(
        name="sparse-shift",
        title="Autoencoder with sparse mechanism shifts",
        reference="after Bereket and Karaletsos 2023, arXiv 2311.02794 (SAMS-VAE), and Lopez et al. 2023, CLeaR "
        "(sVAE+)",
        needs="cells, best as raw counts; each perturbed gene alone or in a combination, or an embedding of genes",
        weights={**WEIGHTS, MASK: "probability that a perturbation moves an axis, 1"},
        limits="axes are sparse only if a few programmes answer to each perturbation; every cell is moved alike",
        assumes=ASSUMES,
    )
    Settings = SparseShiftSettings

    def shifts(self, start: Array, spread: Array, variance: Array) -> MaskedShifts:
        """Masks start at their posterior odds in the linear Gaussian case.

        With posterior N(m, v) of a shift under its prior N(0, s^2), the Bayes factor of a shift against none is
        sqrt(v / s^2) exp(m^2 / (2 v)).
        """
        assert isinstance(self.settings, SparseShiftSettings)
        active = self.settings.active
        factor = 0.5 * start**2 / variance + 0.5 * np.log(variance / spread**2)
        odds = np.log(active / (1.0 - active)) + factor
        return MaskedShifts(start, spread, active, np.clip(odds, -LARGEST_ODDS, LARGEST_ODDS))

    def weights(self) -> pd.DataFrame:
        """Also the masks."""
        masks = self._masks()
        axes = np.array([f"axis {i + 1}" for i in range(masks.shape[1])], dtype=object)
        of = np.repeat(np.array(self.names, dtype=object), len(axes)) + " on " + np.tile(axes, len(masks))
        table = pd.DataFrame({"quantity": MASK, "of": of, "value": masks.ravel(), "se": np.nan, "unit": "1"})
        return pd.concat([super().weights(), table], ignore_index=True)

    def _masks(self) -> Array:
        shifts: DenseShifts = self.autoencoder.shifts
        assert isinstance(shifts, MaskedShifts)
        with torch.no_grad():
            return np.asarray(shifts.probability().numpy())

    def _shift_variance(self, members: Array) -> Array:
        """Doubt about the masks adds to that about the shifts."""
        masks, values = self._masks(), self.autoencoder.shifts.value.detach().numpy()
        return super()._shift_variance(members) + members**2 @ (masks * (1.0 - masks) * values**2)
