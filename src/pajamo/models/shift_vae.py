"""Shift-VAE: an autoencoder of cells in which perturbations add latent shifts."""

from __future__ import annotations

from pajamo.models.base import Array, Card
from pajamo.models.latent_parts.shift_model import ASSUMES, WEIGHTS, LatentShift
from pajamo.models.latent_parts.shifts import DenseShifts
from pajamo.models.registry import register


@register
class ShiftVae(LatentShift):
    """z = basal + place(context, time) + sum over a in A of shift_a,  y ~ NB(library * exp(decoder(z) + batch)).

    Basal states are N(0, S) for every condition, and shifts are Gaussian with a spread read off the means. It is the
    linear steady state without edges between axes, dz = (b(A) - z) dt + sqrt(2) dB, seen through a decoder. The edit
    itself is outside of the state: a target that was measured has its own change of production.
    """

    card = Card(
        name="shift-vae",
        title="Autoencoder with additive latent shifts",
        reference="the family of scGen, Lotfollahi et al. 2019, Nature Methods 16:715, and CPA, Lotfollahi et al. "
        "2023, Mol. Syst. Biol. 19:e11517; the encoder sees cells less their shift instead of an adversary",
        needs="cells, best as raw counts; each perturbed gene alone or in a combination, or an embedding of genes",
        weights=WEIGHTS,
        limits="every cell is moved alike; combinations interact only where the decoder bends; a few axes hold no "
        "effect that is one gene's own, but the target's",
        assumes=ASSUMES,
    )

    def shifts(self, start: Array, spread: Array, variance: Array) -> DenseShifts:
        """Shifts with a Gaussian prior."""
        del variance
        return DenseShifts(start, spread)
