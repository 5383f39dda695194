"""Put an autoencoder together: from a training set, or from what was saved of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.training_set import TrainingSet
from pajamo.encoders.cell import BasalEncoder
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array
from pajamo.models.latent_parts.autoencoder import Autoencoder, Minibatch
from pajamo.models.latent_parts.cell_table import CellTable
from pajamo.models.latent_parts.decoder import Decoder
from pajamo.models.latent_parts.shifts import DenseShifts
from pajamo.models.latent_parts.starting import ShiftEvidence, base_of, loadings_of, own_of
from pajamo.models.latent_parts.state_axes import StateAxes

MakeShifts = Callable[[Array, Array, Array], DenseShifts]
"""From where shifts start, their spread, and the variance of each start."""


@dataclass(frozen=True)
class Start:
    """What an autoencoder is built from."""

    training: TrainingSet
    table: CellTable
    axes: StateAxes
    evidence: ShiftEvidence
    names: tuple[str, ...]

    @property
    def origin(self) -> Array:
        """Mean of the controls over settings, ln(1 + CP10K), shape (genes,)."""
        return np.asarray(self.training.controls.mean.mean(axis=0))

    @property
    def places(self) -> Array:
        """Where the controls of each setting lie, shape (settings, axes)."""
        return np.asarray((self.training.controls.mean - self.origin) @ self.axes.encode)

    @property
    def columns(self) -> NDArray[np.int64]:
        """Where each perturbed gene was measured, -1 if nowhere, shape (names,)."""
        position = {str(gene): i for i, gene in enumerate(self.training.genes)}
        return np.array([position.get(name, -1) for name in self.names], dtype=np.int64)

    def states(self, shifts: Array) -> Array:
        """Mean state of each of the table's conditions, shape (conditions, axes)."""
        at = [self.training.settings.index(c.setting) for c in self.table.conditions]
        return np.asarray(self.places[at] + incidence(self.table.conditions, self.names) @ shifts)

    def minibatch(self) -> Minibatch:
        """All cells, as the autoencoder takes them."""
        table, settings = self.table, self.training.settings
        setting_of = np.array([settings.index(c.setting) for c in table.conditions])[table.condition_of]
        members = incidence(table.conditions, self.names)[table.condition_of]
        scores = (table.logged - self.origin) @ self.axes.encode
        arrays = (scores, members, setting_of, table.batch_of)
        return Minibatch(*(torch.from_numpy(array) for array in arrays))


def assembled(start: Start, variability: Array, make: MakeShifts, hidden: int, seed: int) -> Autoencoder:
    """An autoencoder that is linear and explains the means of conditions."""
    generator = torch.Generator().manual_seed(seed)
    encoder = BasalEncoder(start.axes.share, hidden, generator)
    base, shifts = base_of(start.table), start.evidence.shifts()
    loadings = loadings_of(start.axes, start.table, base, start.states(shifts), variability)
    own = own_of(start.table, start.names, start.columns, shifts @ loadings, base)
    columns = torch.from_numpy(start.columns)
    decoder = Decoder(base, loadings, own, columns, start.table.batches, hidden, generator)
    learned = make(shifts, start.evidence.spread, start.evidence.variance(np.eye(len(shifts))))
    return Autoencoder(encoder, decoder, learned, start.places, start.table.batches)


def restored(saved: Mapping[str, NDArray[np.generic]], make: MakeShifts) -> Autoencoder:
    """The autoencoder whose `state_dict` was saved."""
    arrays = {name: np.array(array) for name, array in saved.items()}
    hidden, generator = arrays["encoder.first"].shape[1], torch.Generator()
    encoder = BasalEncoder(arrays["encoder.share"], hidden, generator)
    decoder = Decoder(
        arrays["decoder.base"], arrays["decoder.loadings"], arrays["decoder.own"],
        torch.from_numpy(arrays["decoder.columns"]), len(arrays["decoder.batch"]), hidden, generator,
    )  # fmt: skip
    value = arrays["shifts.value"]
    shifts = make(value, arrays["shifts.spread"], np.ones_like(value))
    network = Autoencoder(encoder, decoder, shifts, arrays["places"], len(arrays["offsets"]))
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return network
