"""Where a first-order fit stands: weights, the best ones so far, and the file that holds both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pajamo.errors import ModelError
from pajamo.training.checkpoints import Arrays, optimiser_arrays, read_state, restore_optimiser, write_state


class AdamState:
    """Everything that a fit needs to go on as if it had not stopped.

    Attributes
    ----------
    training: objective during each epoch, nats per row.
    validation: minus the log-likelihood on the validation set after each epoch, nats per row.
    best: epoch of the best weights, counted from 1; 0 for the start.
    least: minus the log-likelihood on the validation set with the best weights.
    best_weights: parameters by name.
    """

    def __init__(self, module: nn.Module, optimiser: torch.optim.Optimizer, plan: Mapping[str, Any]) -> None:
        self.module, self.optimiser, self.plan = module, optimiser, dict(plan)
        self.training: list[float] = []
        self.validation: list[float] = []
        self.best, self.least = 0, math.inf
        self.best_weights = self._weights()

    @property
    def epoch(self) -> int:
        """Epochs that are over."""
        return len(self.training)

    def over(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are over, or the validation set has not improved for too many."""
        return self.epoch >= epochs or (patience is not None and self.epoch - self.best >= patience)

    def record(self, training: float, validation: float | None) -> None:
        """Take note of an epoch; its weights are the best if there is no validation set to say otherwise."""
        self.training.append(training)
        if validation is not None:
            self.validation.append(validation)
        if validation is None or validation < self.least:
            self.best, self.least = self.epoch, math.inf if validation is None else validation
            self.best_weights = self._weights()

    def line(self, epochs: int) -> str:
        """What a user is told of the last epoch."""
        told = f"epoch {self.epoch} of {epochs}: training {self.training[-1]:.4f}"
        return f"{told}, validation {self.validation[-1]:.4f}, best {self.best}" if self.validation else told

    def keep(self, module: nn.Module) -> None:
        """Copy the best weights into a module of the same shape, which keeps its precision and its buffers.

        A module that was never bettered is left alone, to the last bit.
        """
        if not self.best:
            return
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(self.best_weights[name])

    def write(self, path: Path) -> None:
        """Write everything atomically."""
        arrays: Arrays = {f"weights.{name}": value.numpy() for name, value in self._weights().items()}
        arrays |= {f"best.{name}": value.numpy() for name, value in self.best_weights.items()}
        history = {"training": np.array(self.training), "validation": np.array(self.validation)}
        arrays |= {f"history.{name}": values for name, values in history.items()}
        facts = {"best": self.best, "least": None if math.isinf(self.least) else self.least}
        write_state(path, arrays | optimiser_arrays(self.optimiser), facts | {"plan": self.plan})

    def read(self, path: Path) -> None:
        """Take back what `write` wrote.

        Raises
        ------
        ModelError: the file is of a fit with other settings or of another model.
        IntegrityError: the file is damaged.
        """
        arrays, facts = read_state(path)
        self._require_same(path, arrays, facts)
        self.best, self.least = facts["best"], math.inf if facts["least"] is None else facts["least"]
        self.training = arrays["history.training"].tolist()
        self.validation = arrays["history.validation"].tolist()
        self.best_weights = _part(arrays, "best.")
        with torch.no_grad():
            for name, value in _part(arrays, "weights.").items():
                self.module.get_parameter(name).copy_(value)
        restore_optimiser(self.optimiser, arrays)

    def _require_same(self, path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
        stored = {name: tuple(value.shape) for name, value in _part(arrays, "weights.").items()}
        here = {name: tuple(value.shape) for name, value in self._weights().items()}
        if facts.get("plan") == self.plan and stored == here:
            return
        other = f"it was fitted with {facts.get('plan')}, this is {self.plan}"
        raise ModelError(
            "the checkpoint is of another fit",
            where=str(path),
            why=other if stored == here else "its weights have other names or shapes",
            fix="remove the file to begin anew, or go on with the settings that it was begun with",
        )

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.module.named_parameters()}


def _part(arrays: Arrays, prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(value.copy())
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
