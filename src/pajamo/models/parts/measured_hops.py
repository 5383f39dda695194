"""Measured changes that a network's hops are fitted to, some of them set aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.network_hops import Inputs, NetworkHops


@dataclass(frozen=True)
class MeasuredHops:
    """Means of one training set; the second half of a network's members does not see the conditions set aside.

    Attributes
    ----------
    inputs: what was perturbed.
    delta: measured changes, shape (conditions, genes).
    weight: share of each condition's cells among those of its setting, shape (conditions,).
    control_weight: the same of the controls, shape (settings,).
    setting: of each condition, shape (conditions,).
    held: 1 for conditions set aside, shape (conditions,).
    noise: variance of the changes from cells and controls, shape (conditions, genes).
    """

    inputs: Inputs
    delta: torch.Tensor
    weight: torch.Tensor
    control_weight: torch.Tensor
    setting: torch.Tensor
    held: torch.Tensor
    noise: Array

    @classmethod
    def of(cls, training: TrainingSet, inputs: Inputs, folds: int, seed: int) -> MeasuredHops:
        """Weigh by cells, each setting with a total of 1; set one condition in `folds` aside at random."""
        conditions = training.conditions
        setting = np.array([training.settings.index(c.setting) for c in conditions])
        cells = np.maximum(training.moments.n_cells, 1).astype(float)
        control = np.maximum(training.controls.n_cells, 1).astype(float)
        total = control + np.bincount(setting, cells, len(control))
        # Times of one perturbation are set aside one by one, as a time course would be forecast.
        each = [Condition((str(condition),)) for condition in conditions]
        held = (fold_of(each, folds, seed) == 0) & (len(each) > 1)
        noise = training.variance_of_mean + training.control_variance_of_mean(conditions)
        share, control_share = cells / total[setting], control / total
        tensor = torch.from_numpy
        return cls(
            inputs, tensor(training.delta), tensor(share), tensor(control_share), tensor(setting),
            tensor(held.astype(float)), noise,
        )  # fmt: skip

    def squared_error(self, network: NetworkHops) -> torch.Tensor:
        """Weighted squared error of conditions and controls; a target's own level does not count; (members,)."""
        count = len(network.offset) // 2
        seen = torch.stack([torch.ones_like(self.held), 1.0 - self.held]).repeat_interleave(count, 0)
        left = (self.delta - network(self.inputs) + network.offset[:, self.setting]) * self.inputs.mask
        error: torch.Tensor = ((seen * self.weight)[:, :, None] * left**2).sum(dim=(1, 2))
        return error + (self.control_weight[:, None] * network.offset**2).sum(dim=(1, 2))

    def aside(self, network: NetworkHops) -> tuple[Array, Array, Array]:
        """Of conditions set aside: residuals of the members that did not see them, their noise, and weights.

        Shapes (members / 2, conditions aside, genes), (conditions aside, genes) and (conditions aside,).
        """
        with torch.no_grad():
            left = (self.delta - network(self.inputs)[len(network.offset) // 2 :]) * self.inputs.mask
        rows = np.flatnonzero(self.held.numpy())
        return left.numpy()[:, rows], self.noise[rows], self.weight.numpy()[rows]
