"""First-order fits of a model of an assay: minibatches, and the best weights on the validation set."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pajamo.encoders.sequence.black_box import members_in_turn, most_members
from pajamo.errors import ModelError
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows, log_likelihood
from pajamo.training.assays.adam_state import AdamState

WARM_UP = 100
"""Most steps over which the learning rate rises: Adam's first steps, on few gradients, are the least certain."""


@dataclass(frozen=True)
class EpochReport:
    """How a fit by epochs went.

    Attributes
    ----------
    best: epoch whose weights were kept, counted from 1; 0 if no epoch was better than the start.
    validation: minus the log-likelihood on the validation set after each epoch, nats per row; empty without one.
    training: the objective on the training set during each epoch, nats per row.
    cpu_seconds: processor time of this call.
    """

    best: int
    validation: tuple[float, ...]
    training: tuple[float, ...]
    cpu_seconds: float

    @property
    def epochs(self) -> int:
        """Epochs in all, those before a resumed checkpoint included."""
        return len(self.training)


def fit_by_epochs(
    assembly: Assembly,
    training_rows: Sequence[Rows],
    validation_rows: Sequence[Rows] = (),
    *,
    epochs: int = 200,
    batch: int = 256,
    learning_rate: float = 0.01,
    seed: int = 0,
    patience: int | None = None,
    progress: Callable[[str], None] | None = None,
    checkpoint: Path | None = None,
    dtype: torch.dtype = torch.float32,
    stop_after: int | None = None,
) -> EpochReport:
    """Minimise the objective by Adam (Kingma and Ba 2015), from where the assembly stands.

    A step's loss is the prior and the batch's part of the likelihood, scaled to all rows: what is minimised does not
    depend on the size of batches. The learning rate rises over the first steps, then falls to zero as a cosine over
    `epochs`. The assembly ends with the weights of the epoch whose likelihood on the validation set was best, also
    when the fit is interrupted from the keyboard; with those of the last epoch if there is no validation set.
    The members of a black box read rows in turn: with M of them a step takes M times `batch` rows and an epoch M
    passes, so that each member reads `batch` rows a step and about every row once an epoch.

    Parameters
    ----------
    assembly: a model's parts, started; every parameter is fitted.
    training_rows, validation_rows: of each experiment.
    epochs: most passes over the training set.
    batch: rows of a step, of all experiments together.
    learning_rate: the greatest.
    seed: of the order of rows; the same seed gives the same bits.
    patience: epochs without a better validation set after which to leave; never before the last if None.
    progress: is told a line after each epoch.
    checkpoint: file that holds the state after each epoch and from which a stopped fit goes on, bit for bit as if it
        had not stopped; nothing is kept if None.
    dtype: precision of the steps; the assembly keeps its own.
    stop_after: leave after this many epochs in all, as an interrupted run would (for tests).

    Raises
    ------
    ModelError: no rows to learn from, a loss that is not finite, or a checkpoint of another fit. The assembly then
        holds the best weights so far.
    """
    began = time.process_time()
    if not any(map(len, training_rows)):
        raise ModelError("there is nothing to learn from", where="training set", why="it has no rows")
    plan = _Plan(epochs, batch, learning_rate, seed)
    fit = _Fit(assembly, training_rows, validation_rows, plan, dtype)
    state = fit.begin(checkpoint)
    try:
        while not state.over(epochs if stop_after is None else min(epochs, stop_after), patience):
            fit.epoch(state)
            if checkpoint is not None:
                state.write(checkpoint)
            if progress is not None:
                progress(state.line(epochs))
    finally:
        state.keep(assembly)
    return EpochReport(
        state.best, tuple(state.validation), tuple(state.training), time.process_time() - began
    )


@dataclass(frozen=True)
class _Plan:
    """What an interrupted fit must be resumed with."""

    epochs: int
    batch: int
    learning_rate: float
    seed: int


class _Fit:
    """A copy of the assembly at the precision of the steps, and the rows that it learns from."""

    def __init__(
        self,
        assembly: Assembly,
        training: Sequence[Rows],
        validation: Sequence[Rows],
        plan: _Plan,
        dtype: torch.dtype,
    ) -> None:
        self.twin = copy.deepcopy(assembly).to(dtype)
        self.training = [_at_precision(rows, dtype) for rows in training]
        self.validation = [_at_precision(rows, dtype) for rows in validation]
        self.plan = plan
        self.experiment = torch.cat([torch.full((len(r),), i) for i, r in enumerate(self.training)])
        self.place = torch.cat([torch.arange(len(rows)) for rows in self.training])
        self.passes = most_members(self.twin)
        self.optimiser = torch.optim.Adam(self.twin.parameters(), lr=plan.learning_rate)

    def begin(self, checkpoint: Path | None) -> AdamState:
        """The state after as many epochs as the checkpoint has seen; before the first without one."""
        state = AdamState(self.twin, self.optimiser, vars(self.plan))
        if checkpoint is not None and checkpoint.exists():
            state.read(checkpoint)
        elif self.validation:
            state.least = self._validate()
        return state

    def epoch(self, state: AdamState) -> None:
        """One pass a member over the training set, in an order that depends on the seed and the epoch alone."""
        generator = torch.Generator().manual_seed(_epoch_seed(self.plan.seed, state.epoch))
        orders = [torch.randperm(len(self.place), generator=generator) for _ in range(self.passes)]
        # Parts of nearly one size: a last batch of a few rows, scaled to all, would be the noisiest step.
        steps = math.ceil(len(self.place) / self.plan.batch)
        batches = torch.cat(orders).tensor_split(steps)
        done = state.epoch * len(batches)
        with members_in_turn(self.twin):
            losses = [self._step(rows, done + i, len(batches)) for i, rows in enumerate(batches)]
        mean = float(torch.stack(losses).mean()) / len(self.place)
        state.record(mean, self._validate() if self.validation else None)

    def _step(self, which: Tensor, step: int, steps_an_epoch: int) -> Tensor:
        rate = _rate(step, self.plan.epochs * steps_an_epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.learning_rate * rate
        self.optimiser.zero_grad(set_to_none=True)
        loss = self._loss(which)
        if not torch.isfinite(loss):
            raise ModelError(
                f"the objective is {loss.item()} at step {step + 1}",
                why="going on would destroy the weights",
                fix="lower the learning rate; the best weights so far are kept",
            )
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def _loss(self, which: Tensor) -> Tensor:
        likelihood = torch.zeros(())
        for i, rows in enumerate(self.training):
            here = which[self.experiment[which] == i]
            if len(here):
                likelihood = likelihood + log_likelihood(self.twin, rows.take(self.place[here])).sum()
        return self.twin.penalty() - likelihood * (len(self.place) / len(which))

    def _validate(self) -> float:
        with torch.no_grad():
            total = sum(float(log_likelihood(self.twin, rows).sum()) for rows in self.validation)
        return -total / sum(map(len, self.validation))


def _at_precision(rows: Rows, dtype: torch.dtype) -> Rows:
    recorded = {name: values.to(dtype) for name, values in rows.recorded.items()}
    inputs = {name: values.to(dtype) for name, values in rows.inputs.items()}
    return Rows(rows.name, rows.codes, recorded, inputs)


def _rate(step: int, steps: int) -> float:
    """Share of the greatest learning rate: a short rise, then a cosine to zero."""
    rise = min(1.0, (step + 1) / max(min(WARM_UP, steps // 10), 1))
    return rise * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def _epoch_seed(seed: int, epoch: int) -> int:
    """A seed of its own for each epoch, so that a resumed fit needs no generator's state."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))
