"""Control cells with their state shifted and decoded: predicted means, their slopes, and drawn cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.measurements.counts import moment_dispersion, sample
from pajamo.models.base import Array
from pajamo.models.latent_parts.autoencoder import Autoencoder, Minibatch
from pajamo.models.latent_parts.cell_table import CellTable
from pajamo.models.latent_parts.likelihood import reported_mean
from pajamo.models.latent_parts.starting import SMALLEST_DISPERSION
from pajamo.units import NORMALISATION_TARGET

MOST_CONTROLS = 100
"""Control cells of each setting over which a predicted mean is taken."""
LIBRARIES = 3
"""Typical libraries (mid-quantiles of all cells) over which it is averaged."""
HALF_STEP = 0.25
"""Along an axis, in standard deviations between cells, for the slope of means."""
CELLS_AT_ONCE = 1000


@dataclass(frozen=True)
class ShiftedCells:
    """What of the training cells predictions start from.

    Attributes
    ----------
    basal: states of control cells, a draw from each cell's posterior, shape (cells, axes).
    basal_setting: setting of each, shape (cells,).
    libraries: typical numbers of molecules in a cell, shape (libraries,).
    variability: dispersion or variance of each gene between cells of one state, shape (genes,).
    slopes: change of the mean per unit of shift, shape (settings, axes, genes).
    counted: whether molecules were counted.
    """

    basal: Array
    basal_setting: NDArray[np.int64]
    libraries: Array
    variability: Array
    slopes: Array
    counted: bool

    @classmethod
    def of(
        cls, network: Autoencoder, cells: Minibatch, table: CellTable, settings: int, start: Array, seed: int
    ) -> ShiftedCells:
        """Encode control cells, and measure what of the cells' variability the states leave."""
        rows = _controls(table, cells.setting_of.numpy(), settings)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            chosen = cells.rows(torch.from_numpy(rows))
            _, mean, variance = network.basal(chosen, network.shifts.expected())
            noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
            basal = (mean + variance.sqrt() * noise).numpy()
        quantiles = (np.arange(LIBRARIES) + 0.5) / LIBRARIES
        left = _left_variability(network, cells, table, start)
        bare = cls(
            basal, chosen.setting_of.numpy(), np.quantile(table.library, quantiles), left, np.zeros(0), table.counted
        )  # fmt: skip
        slopes = np.stack([bare._slopes(network, setting) for setting in range(settings)])
        return cls(basal, bare.basal_setting, bare.libraries, left, slopes, table.counted)

    def changes(
        self,
        network: Autoencoder,
        rows: NDArray[np.intp],
        members: Array,
        shifts: Array,
        own: Array | None = None,
    ) -> Array:
        """Mean of shifted less mean of control cells, shape (conditions, genes).

        Parameters
        ----------
        rows: setting of each condition.
        members: perturbed genes, shape (conditions, names).
        shifts: sum of shifts, shape (conditions, axes).
        own: further change of what is decoded, of targets that the network does not know, shape (conditions, genes).
        """
        beyond = np.zeros((len(rows), len(self.variability))) if own is None else own
        nothing = np.zeros(members.shape[1]), np.zeros(shifts.shape[1])
        rest = {int(row): self._mean(network, int(row), *nothing) for row in np.unique(rows)}
        found = np.zeros((len(rows), self.slopes.shape[2] if self.slopes.ndim == 3 else 0))
        for i, row in enumerate(rows):
            found[i] = self._mean(network, int(row), members[i], shifts[i], beyond[i]) - rest[int(row)]
        return found

    def draw(
        self, network: Autoencoder, row: int, members: Array, shift: Array, own: Array, n: int,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Draw n cells of one condition in ln(1 + CP10K), shape (n, genes)."""
        decoded = self._decode(network, row, members, shift, own)
        decoded = decoded[rng.integers(len(decoded), size=n)]
        if not self.counted:
            noise = rng.standard_normal(decoded.shape) * np.sqrt(self.variability)
            return np.maximum(decoded + noise, 0.0).astype(np.float32)
        library = rng.choice(self.libraries, size=(n, 1))
        counts = sample(library * np.exp(decoded), self.variability, rng)
        return np.log1p(counts * (NORMALISATION_TARGET / library)).astype(np.float32)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {f"cells.{k}": np.asarray(v) for k, v in vars(self).items() if k != "counted"}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], *, counted: bool) -> ShiftedCells:
        """Read what `state` gave."""
        names = ("basal", "basal_setting", "libraries", "variability", "slopes")
        return cls(*(state[f"cells.{name}"] for name in names), counted)

    def _decode(
        self, network: Autoencoder, row: int, members: Array, shift: Array, own: Array | float = 0.0
    ) -> Array:
        """Log rates (or ln(1 + CP10K)) of the setting's control cells once they are shifted, (cells, genes)."""
        with torch.no_grad():
            basal = torch.from_numpy(self.basal[self.basal_setting == row])
            state = network.places[row] + basal + torch.from_numpy(shift)
            carried = torch.from_numpy(members).expand(len(basal), -1)
            decoded = network.decoder(state, carried) + torch.as_tensor(own)
            # No gene is more than the whole library.
            return np.asarray((decoded.clamp(max=0.0) if self.counted else decoded).numpy())

    def _mean(
        self, network: Autoencoder, row: int, members: Array, shift: Array, own: Array | float = 0.0
    ) -> Array:
        decoded = self._decode(network, row, members, shift, own)
        if not self.counted:
            return np.asarray(decoded.mean(axis=0))
        return reported_mean(np.exp(decoded), self.variability, self.libraries)

    def _slopes(self, network: Autoencoder, row: int) -> Array:
        axes, nobody = self.basal.shape[1], np.zeros(len(network.decoder.columns))
        up, down = (
            np.stack([self._mean(network, row, nobody, step) for step in sign * HALF_STEP * np.eye(axes)])
            for sign in (1.0, -1.0)
        )
        return (up - down) / (2.0 * HALF_STEP)


def _controls(table: CellTable, setting_of: NDArray[np.int64], settings: int) -> NDArray[np.int64]:
    """Evenly spaced control cells of each setting; perturbed cells less their shift where it has none."""
    chosen = []
    for setting in range(settings):
        here = setting_of == setting
        rows = np.flatnonzero(here & table.is_control)
        if not len(rows):
            rows = np.flatnonzero(table.is_control)
        size = min(len(rows), MOST_CONTROLS)
        chosen.append(rows[np.arange(size) * len(rows) // size])
    return np.concatenate(chosen).astype(np.int64)


def _left_variability(network: Autoencoder, cells: Minibatch, table: CellTable, start: Array) -> Array:
    """Dispersion (by moments) or variance of each gene around decoded cells, drawn towards `start`'s level."""
    genes = table.values.shape[1]
    excess, squares = np.zeros(genes), np.zeros(genes)
    shifts = network.shifts.expected().detach()
    for first in range(0, len(table.values), CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        block = cells.rows(torch.arange(len(table.values))[part])
        with torch.no_grad():
            centre, mean, _ = network.basal(block, shifts)
            decoded = network.decoder(centre + mean, block.members) + network.decoder.batch_effect(
                block.batch_of
            )
        expected = decoded.numpy()
        if table.counted:
            expected = table.library[part, None] * np.exp(np.minimum(expected, 0.0))
        distance = (table.values[part] - expected) ** 2
        excess += (distance - expected).sum(axis=0) if table.counted else distance.sum(axis=0)
        squares += (expected**2).sum(axis=0)
    if not table.counted:
        return excess / len(table.values) + 0.01 * start
    typical = 0.1 * float(np.median(squares))
    return np.maximum(moment_dispersion(excess, squares, prior=typical), SMALLEST_DISPERSION)
