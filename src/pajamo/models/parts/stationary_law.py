"""The stationary law of a linear diffusion under shifts, and the likelihood of means that come from it.

dZ = (W Z + u) dt + D^(1/2) dB rests in N(-W^-1 u, S) with W S + S W' + D = 0 (Lyapunov). Every stable W with this
S is W = -C S^-1 for one C whose symmetric part is D / 2 (positive definite), so that C can be learned without ever
solving that equation, and the mean answers u as S C^-1 u: at equilibrium (C symmetric and isotropic) by the
covariance of the fluctuations alone, the fluctuation-dissipation theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from pajamo.data.conditions import Condition
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array

SMALLEST_DIFFUSION = 1e-3
"""Diffusion along every axis, relative to the typical one: W is stable however C is learned."""
SMALLEST_SPREAD = 1e-4
"""Variance of responses along an axis, at least, in units of the variance between cells."""


class StationaryLaw(torch.nn.Module):
    """C, the mean shift of a perturbation, and the spread of what a target's shift does not explain.

    Parameters
    ----------
    covariance: S, covariance of the state between cells, positive definite, shape (axes, axes).
    common: start of the mean response, shape (axes,).
    spread: start of the spread of responses around it, positive, shape (axes,).
    """

    covariance: torch.Tensor

    def __init__(self, covariance: Array, common: Array, spread: Array) -> None:
        super().__init__()
        axes = len(covariance)
        self.covariance = torch.from_numpy(covariance)
        self.root = torch.nn.Parameter(torch.eye(axes, dtype=torch.float64))
        self.circulation = torch.nn.Parameter(torch.zeros(axes, axes, dtype=torch.float64))
        self.log_rate = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.common = torch.nn.Parameter(torch.from_numpy(common))
        self.log_spread = torch.nn.Parameter(torch.from_numpy(np.log(spread)))

    def _relative(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Symmetric and antisymmetric part of C, in units of the rate."""
        floor = SMALLEST_DIFFUSION * torch.eye(len(self.root), dtype=torch.float64)
        return self.root @ self.root.T + floor, self.circulation - self.circulation.T

    def response(self) -> torch.Tensor:
        """-W^-1 = S C^-1: change of the mean per unit of shift, shape (axes, axes)."""
        symmetric, skew = self._relative()
        inverse: torch.Tensor = torch.linalg.inv(symmetric + skew)
        return self.covariance @ inverse / self.log_rate.exp()

    def drift(self) -> Array:
        """W, per unit of time, shape (axes, axes)."""
        return np.asarray(-np.linalg.inv(self.response().detach().numpy()))

    def diffusion(self) -> Array:
        """D, variance per unit of time, shape (axes, axes)."""
        symmetric, _ = self._relative()
        return np.asarray(2.0 * (symmetric * self.log_rate.exp()).detach().numpy())

    def departure(self) -> torch.Tensor:
        """Squared distance of C from an isotropic equilibrium, relative to its rate."""
        symmetric, skew = self._relative()
        return ((symmetric - torch.eye(len(symmetric), dtype=torch.float64)) ** 2).sum() + (skew**2).sum()


def law_table(law: StationaryLaw, names: tuple[str, str, str]) -> pd.DataFrame:
    """Drift, diffusion and relaxation rates under the given names; rates per unit of time."""
    drift, diffusion = law.drift(), law.diffusion()
    label = np.array([f"axis {i + 1}" for i in range(len(drift))], dtype=object)
    pairs = np.repeat(label, len(label)) + " on " + np.tile(label, len(label))
    rates = np.sort(-np.linalg.eigvals(drift).real)
    modes = np.array([f"mode {i + 1}" for i in range(len(rates))], dtype=object)
    parts = [(pairs, drift.T.ravel()), (label, diffusion.diagonal()), (modes, rates)]
    tables = [
        pd.DataFrame({"quantity": name, "of": of, "value": value})
        for name, (of, value) in zip(names, parts, strict=True)
    ]
    return pd.concat(tables, ignore_index=True).assign(se=np.nan, unit="per unit of time")


@dataclass(frozen=True)
class MeanDesign:
    """Which means were measured with which error, decorrelated once for every axis and step.

    Means are incidence (responses) + noise; responses scatter with variance t^2 around their expectation. With
    noise covariance N and N^-1/2 X X' N^-1/2 = Q diag(power) Q', the rows of Q' N^-1/2 y are independent with
    variance 1 + t^2 power.

    Attributes
    ----------
    incidence: X, shape (conditions, names).
    whiten: Q' N^-1/2, shape (conditions, conditions).
    power: shape (conditions,).
    """

    incidence: Array
    whiten: Array
    power: Array

    @classmethod
    def of(
        cls, conditions: Sequence[Condition], names: Sequence[str], own: Array, control: Array
    ) -> MeanDesign:
        """Decorrelate.

        Parameters
        ----------
        conditions, names: what was measured, and the perturbed genes.
        own: variance of each mean, in units of the variance between cells, shape (conditions,).
        control: variance of the mean of each condition's control, likewise; shared within a setting.
        """
        members = incidence(conditions, names)
        together = np.array([[a.setting == b.setting for b in conditions] for a in conditions])
        noise = np.diag(own) + together * control
        values, vectors = np.linalg.eigh(noise)
        half = (vectors / np.sqrt(values)) @ vectors.T
        power, rotation = np.linalg.eigh(half @ members @ members.T @ half)
        return cls(members, rotation.T @ half, np.maximum(power, 0.0))

    def posterior(self, residual: Array, spread: Array) -> Array:
        """Expected scatter of each response given the means' residuals, shape (names, axes)."""
        gain = spread**2 / (1.0 + np.outer(self.power, spread**2))
        return np.asarray(self.basis @ (gain * (self.whiten @ residual)))

    def variance(self, members: Array, spread: Array) -> Array:
        """Posterior variance of sums of scatters, `members` (queries, names); shape (queries, axes)."""
        gain = spread**2 / (1.0 + np.outer(self.power, spread**2))
        known = (members @ self.basis) ** 2 @ gain
        return np.asarray(spread**2 * np.maximum(members.sum(axis=1, keepdims=True) - known, 0.0))

    def left_out(self, residual: Array, spread: Array) -> Array:
        """Residual of each mean under the posterior that did not see it, shape (conditions, axes)."""
        inverse = 1.0 / (1.0 + np.outer(self.power, spread**2))
        own = (self.whiten**2).T @ inverse
        return np.asarray(self.whiten.T @ (inverse * (self.whiten @ residual)) / own)

    @property
    def basis(self) -> Array:
        """X' N^-1/2 Q, shape (names, conditions)."""
        return self.incidence.T @ self.whiten.T


@dataclass(frozen=True)
class MeasuredMeans:
    """Means along the axes, what acts on them, and their likelihood under a law.

    Attributes
    ----------
    means: changes of the mean state, shape (conditions, axes).
    shifts: known part of each condition's shift, shape (conditions, axes).
    orders: number of perturbed genes, shape (conditions, 1).
    design: errors and scatter of the means.
    """

    means: torch.Tensor
    shifts: torch.Tensor
    orders: torch.Tensor
    design: MeanDesign

    @classmethod
    def of(cls, means: Array, shifts: Array, orders: Array, design: MeanDesign) -> MeasuredMeans:
        """From arrays; orders of shape (conditions,)."""
        column = torch.from_numpy(orders.astype(float))[:, None]
        return cls(torch.from_numpy(means), torch.from_numpy(shifts), column, design)

    def initial_law(self, covariance: Array) -> StationaryLaw:
        """A law at equilibrium whose common response and spread are those of the means."""
        means, orders = self.means.numpy(), self.orders.numpy()
        common = (orders * means).sum(axis=0) / (orders**2).sum()
        spread = np.sqrt(np.maximum(((means - orders * common) ** 2).mean(axis=0), SMALLEST_SPREAD))
        return StationaryLaw(covariance, common, spread)

    def residual(self, law: StationaryLaw) -> torch.Tensor:
        """Means less their expectation, shape (conditions, axes)."""
        return self.means - self.shifts @ law.response().T - self.orders * law.common

    def negative_log_likelihood(self, law: StationaryLaw) -> torch.Tensor:
        """Random shifts integrated out; up to a constant."""
        left = torch.from_numpy(self.design.whiten) @ self.residual(law)
        power = torch.from_numpy(self.design.power)[:, None]
        variance = 1.0 + power * (2.0 * law.log_spread).exp()
        return 0.5 * (variance.log() + left**2 / variance).sum()
