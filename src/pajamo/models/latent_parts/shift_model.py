"""Base of the models in which a perturbation shifts the latent state of every cell by the same amount."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array, Learned
from pajamo.models.latent_parts.assembling import Start, assembled, restored
from pajamo.models.latent_parts.autoencoder import Autoencoder, Minibatch
from pajamo.models.latent_parts.cell_table import CellTable, has_cells
from pajamo.models.latent_parts.likelihood import count_loss, normal_loss
from pajamo.models.latent_parts.shifted_cells import ShiftedCells
from pajamo.models.latent_parts.shifts import DenseShifts
from pajamo.models.latent_parts.starting import ShiftEvidence, variability_of
from pajamo.models.latent_parts.state_axes import StateAxes
from pajamo.models.latent_parts.unseen_shifts import UnseenShifts
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.stationary_law import MeanDesign
from pajamo.models.parts.training_rows import order_of, with_rows
from pajamo.units import LOG_NORMALISED

LATENT_SHIFT, OWN_CHANGE, VARIABILITY = "latent shift", "own change", "cell variability"
WEIGHTS = {
    LATENT_SHIFT: "how far one perturbation moves every cell along an axis, standard deviations between cells",
    OWN_CHANGE: "change of a perturbed gene's own row beyond its shift, ln (of the rate, or 1 + CP10K)",
    VARIABILITY: "dispersion of molecules between cells of one state, or variance where none were counted",
}
ASSUMES = frozenset(
    {
        "unique-attractor", "at-rest", "instantaneous-edit", "complete-editing", "no-medium-response", "order-free",
        "additive",
    }
)  # fmt: skip


class LatentShiftSettings(Config):
    """Settings of the models with latent shifts."""

    axes: int = Field(default=32, ge=1)
    """Axes of cell state; fewer where the data have fewer."""
    hidden: int = Field(default=16, ge=1)
    """Units of the nonlinear part of encoder and decoder."""
    steps: int = Field(default=200, ge=1)
    """Steps of the training loop."""
    batch_size: int = Field(default=128, ge=1)
    """Cells in each step."""


class LatentShift(Learned):
    """An autoencoder of cells whose perturbations add shifts; subclasses say which shifts are likely.

    With an embedding of genes, one that was never perturbed takes the mean shift, and what its vector says beyond,
    where vectors predict shifts that they did not see (`UnseenShifts`).

    Predicted cells are control cells with their latent state shifted, decoded. Errors come from the posterior of
    the shifts, through the slope of the predicted means, and from how far training conditions lie from the law.
    """

    Settings = LatentShiftSettings
    reads_counts = True
    takes_embedding = True
    learning_rate = 3e-3

    names: tuple[str, ...]
    autoencoder: Autoencoder
    evidence: ShiftEvidence
    decoded: ShiftedCells
    unseen: UnseenShifts
    share_squared: float
    scatter: Array
    variability: torch.Tensor
    cells: Minibatch
    table: CellTable | None = None
    training: TrainingSet | None = None

    @abstractmethod
    def shifts(self, start: Array, spread: Array, variance: Array) -> DenseShifts:
        """The shifts to learn: where the means put them, their spread over genes, and their posterior variance."""

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse without cells, with one measured gene, or genes never perturbed of which nothing is known."""
        if training.n_genes < 2:
            return "one measured gene is no cell state"
        if not has_cells(training):
            return "the training set holds neither counts nor cells to learn a state from"
        seen = {gene for c in training.conditions for gene in c.genes}
        unseen = sorted({gene for c in conditions for gene in c.genes} - seen)
        if not unseen or training.embedding:
            return None
        return f"no training condition holds {shorten(unseen)}, and there is no embedding of genes"

    def estimate(self, training: TrainingSet) -> None:
        """Axes, shifts and decoder of the linear Gaussian case, from which learning starts."""
        if not has_cells(training) or training.n_genes < 2:
            raise ModelError(
                f"{self.card.name} needs cells of several genes",
                why="it learns how cells vary around their means",
                fix="give the training set its counts or its cells",
            )
        training = with_rows(training, order_of(training))
        self.names = tuple(sorted({gene for c in training.conditions for gene in c.genes}))
        self.table = CellTable.of(training)
        self.training = training
        axes = StateAxes.of(self.table.within(training), self._settings.axes)
        self.evidence = ShiftEvidence.of(training, axes, self.names)
        variability = variability_of(self.table, training)
        self.variability = torch.from_numpy(variability)
        start = Start(training, self.table, axes, self.evidence, self.names)
        self.autoencoder = assembled(start, variability, self.shifts, self._settings.hidden, self.seed)
        self.cells = start.minibatch()

    def module(self) -> torch.nn.Module:
        """Encoder, decoder, shifts and places."""
        return self.autoencoder

    @property
    def n_steps(self) -> int:
        """As set."""
        return self._settings.steps

    def loss(self, step: int) -> torch.Tensor:
        """Negative evidence lower bound of a minibatch, a cell."""
        table = self.table
        assert table is not None
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        size = min(self._settings.batch_size, len(table.values))
        rows = torch.randint(len(table.values), (size,), generator=generator)
        decoded, divergence = self.autoencoder(self.cells.rows(rows), generator)
        recorded = torch.from_numpy(table.values[rows.numpy()].astype(float))
        if table.counted:
            library = torch.from_numpy(np.log(table.library[rows.numpy()]))[:, None]
            misfit = count_loss(recorded, decoded + library, self.variability)
        else:
            misfit = normal_loss(recorded, decoded, self.variability)
        prior = self.autoencoder.shifts.penalty() / len(table.values)
        return misfit.sum(dim=1).mean() + divergence.mean() + prior

    def finish(self) -> None:
        """Keep control cells to shift, the slopes of means, and how far training conditions lie from the law."""
        training, table = self.training, self.table
        assert training is not None
        assert table is not None
        self.decoded = ShiftedCells.of(
            self.autoencoder, self.cells, table, len(training.settings), self.variability.numpy(), self.seed
        )
        self.share_squared, self.scatter = self._measured_scatter(training)
        own = self.autoencoder.decoder.own.detach().numpy()[self.autoencoder.decoder.columns.numpy() >= 0]
        self.unseen = UnseenShifts.of(training.embedding, self.names, self._shift_means(), own)
        self.training = self.table = None

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Mean of shifted control cells less that of control cells, and its standard deviation."""
        assert self.reference is not None
        unseen = sorted({gene for c in conditions for gene in c.genes} - set(self.names))
        if unseen and not self.unseen.given:
            raise ModelError(
                f"{self.card.name} cannot predict {shorten(unseen)}",
                why="no training condition holds it, and nothing else says where it would shift a cell",
                fix="give an embedding of genes under [priors]",
            )
        rows, members = self.reference.rows(conditions), incidence(conditions, self.names)
        never = incidence(conditions, unseen)
        shifts = members @ self._shift_means() + never @ self.unseen.shifts(unseen)
        own = never @ self.unseen.own(unseen, self.reference.genes)
        delta = self._change(rows, members, shifts, own)
        if self.reference.unit == LOG_NORMALISED:
            delta = np.maximum(delta, -self.reference.control[rows])
        variance = self._shift_variance(members) + never.sum(axis=1, keepdims=True) * self.unseen.variance
        posterior = np.einsum("na,nag->ng", variance, self.decoded.slopes[rows] ** 2)
        missed = self.share_squared * delta**2 + self.scatter
        return delta, np.sqrt(posterior + missed + self.reference.control_variance[rows])

    def draw(self, condition: Condition, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n cells in ln(1 + CP10K): control cells, shifted and decoded, with the instrument's noise.

        Raises
        ------
        ModelError: the model is not fitted, or does not know a perturbation or a setting.
        """
        self.predict([condition])
        assert self.reference is not None
        members = incidence([condition], self.names)[0]
        row = int(self.reference.rows([condition])[0])
        unseen = sorted(set(condition.genes) - set(self.names))
        shift = members @ self._shift_means() + self.unseen.shifts(unseen).sum(axis=0)
        own = self.unseen.own(unseen, self.reference.genes).sum(axis=0)
        return self.decoded.draw(self.autoencoder, row, members, shift, own, n, rng)

    def weights(self) -> pd.DataFrame:
        """Shifts with errors, own changes of measured targets, and the variability of cells."""
        assert self.reference is not None
        shifts = self._shift_means()
        axes = np.array([f"axis {i + 1}" for i in range(shifts.shape[1])], dtype=object)
        of = np.repeat(np.array(self.names, dtype=object), len(axes)) + " on " + np.tile(axes, len(shifts))
        error = np.sqrt(self._shift_variance(np.eye(len(shifts))))
        measured = self.autoencoder.decoder.columns.numpy() >= 0
        own = self.autoencoder.decoder.own.detach().numpy()[measured]
        blocks = [
            (LATENT_SHIFT, of, shifts.ravel(), error.ravel(), "sd between cells"),
            (OWN_CHANGE, np.array(self.names, dtype=object)[measured], own, np.nan, "ln"),
            (VARIABILITY, self.reference.genes.astype(str), self.decoded.variability, np.nan, "1"),
        ]
        keys = ("quantity", "of", "value", "se", "unit")
        tables = [pd.DataFrame(dict(zip(keys, block, strict=True))) for block in blocks]
        return pd.concat(tables, ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The network, the evidence for shifts, control cells, and errors."""
        network = {f"network.{k}": v.detach().numpy() for k, v in self.autoencoder.state_dict().items()}
        design = {f"design.{name}": value for name, value in vars(self.evidence.design).items()}
        own = {"means": self.evidence.means, "spread": self.evidence.spread, "scatter": self.scatter}
        return network | design | own | self.decoded.state() | self.unseen.state()

    def facts(self) -> dict[str, object]:
        """Perturbed genes, and whether molecules were counted."""
        return {
            "names": list(self.names),
            "counted": self.decoded.counted,
            "share_squared": self.share_squared,
            "unseen": self.unseen.facts(),
        }

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that were perturbed in training."""
        known = set(self.names)
        return np.array([len(known & set(c.genes)) / len(c.genes) if c.genes else 1.0 for c in conditions])

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.array(array) for name, array in state.items()}
        names = facts["names"]
        assert isinstance(names, list)
        self.names = tuple(names)
        design = MeanDesign(*(arrays[f"design.{name}"] for name in ("incidence", "whiten", "power")))
        self.evidence = ShiftEvidence(arrays["means"], design, arrays["spread"])
        self.scatter, self.share_squared = arrays["scatter"], float(str(facts["share_squared"]))
        self.decoded = ShiftedCells.restored(arrays, counted=bool(facts["counted"]))
        self.unseen = UnseenShifts.restored(arrays, facts.get("unseen"), self.evidence.means.shape[1])
        network = {k.removeprefix("network."): v for k, v in arrays.items() if k.startswith("network.")}
        self.autoencoder = restored(network, self.shifts)

    @property
    def _settings(self) -> LatentShiftSettings:
        assert isinstance(self.settings, LatentShiftSettings)
        return self.settings

    def _shift_means(self) -> Array:
        return np.asarray(self.autoencoder.shifts.expected().detach().numpy())

    def _shift_variance(self, members: Array) -> Array:
        """Posterior variance of sums of shifts, shape (conditions, axes)."""
        return self.evidence.variance(members)

    def _change(
        self, rows: NDArray[np.intp], members: Array, shifts: Array, own: Array | None = None
    ) -> Array:
        return self.decoded.changes(self.autoencoder, rows, members, shifts, own)

    def _measured_scatter(self, training: TrainingSet) -> tuple[float, Array]:
        """Variance of training conditions around a law that did not see them: share of size squared, and per gene.

        Leaving one out moves the latent means in closed form, which the slopes bring to the genes; the network is
        not learned again. Combinations are left out where there are any; else only what no axis holds is seen.
        """
        members = self.evidence.design.incidence
        rows = np.array([training.settings.index(c.setting) for c in training.conditions], dtype=np.intp)
        missed = training.delta - self._change(rows, members, members @ self._shift_means())
        kept = self.evidence.means - members @ self.evidence.shifts()
        moved = self.evidence.design.left_out(self.evidence.means, self.evidence.spread) - kept
        shift = np.einsum("na,nag->ng", moved, self.decoded.slopes[rows])
        missed = missed + shift
        noise = training.variance_of_mean + training.control_variance_of_mean(training.conditions)
        combined = np.array([c.order > 1 for c in training.conditions])
        if not combined.any():
            missed, combined = missed - shift, ~combined
        return proportional_excess(missed[combined], noise[combined], (training.delta - missed)[combined])
