"""Training one member: minibatches of sites, one rise and fall of the step size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.config.assays import TransferSettings
from pajamo.errors import ModelError
from pajamo.models.transfer.network import TransferNetwork
from pajamo.training.transfer.drawing import drawn_counts, epoch_order
from pajamo.training.transfer.sites import Places, Sites

Progress = Callable[[str], None]
CONTEXT_SD, USUAL_SD = {"r-loop": 0.1}, 0.35
"""ln units (kT): the prior's standard deviation of the context's weights. The steps of an R-loop are many, and each
has weights of its own; both were chosen on guides kept aside."""
STEEPEST = 0.1
"""Greatest norm of the gradient of a step, in nats per site."""
RISING = 0.15
"""Share of the steps in which the step size rises."""
HALVINGS = 60
WIDEST = 60.0
"""Log odds that no starting offset exceeds."""


def train_member(
    network: TransferNetwork,
    sites: Sites,
    settings: TransferSettings,
    weights: np.ndarray,
    *,
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Train a network in place, by Adam with one cycle of its step size (Smith and Topin 2018, arXiv 1708.07120).

    What is minimised is minus the log-likelihood per site of an epoch, and minus the log-prior shared out among them.
    Sites that were not found are a sample; ln of its share is added to their table's log odds, so that offsets refer
    to whole tables (King and Zeng 2001, Polit. Anal. 9:137).

    Parameters
    ----------
    network: with the values from which it starts.
    sites: training sites.
    settings: how to train.
    weights: how much each site counts, shape (sites,).
    seed: of draws, of the order of sites, and of units that are left out.

    Raises
    ------
    ModelError: the loss is not finite.
    """
    rng = np.random.default_rng(seed)
    taken, log_shares = drawn_counts(sites, settings.negatives, len(network.offsets))
    _settle_offsets(network, sites, weights)
    course = _Course(network, sites, settings, torch.as_tensor(weights, dtype=torch.float32), log_shares)
    per_epoch = int(taken.sum() + sites.label.sum())
    steps = settings.epochs * math.ceil(per_epoch / settings.batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        course.begin(steps, per_epoch)
        for epoch in range(settings.epochs):
            loss = course.epoch(epoch_order(sites, taken, rng))
            if not math.isfinite(loss):
                raise ModelError("the loss is not finite", fix="lower `rate` in [transfer]")
            if progress is not None:
                progress(f"epoch {epoch + 1} of {settings.epochs}: {loss:.4f} nats per site")
    network.eval()


class _Course:
    """One training: what moves, from where, and the optimiser."""

    def __init__(
        self,
        network: TransferNetwork,
        sites: Sites,
        settings: TransferSettings,
        weights: Tensor,
        log_shares: np.ndarray,
    ) -> None:
        self.network, self.settings, self.weights = network, settings, weights
        self.codes, self.table = torch.as_tensor(sites.codes), torch.as_tensor(sites.table)
        self.label = torch.as_tensor(sites.label, dtype=torch.float32)
        # More weight to a sample of those that were not found would cost more than the right offset.
        self.correction = torch.as_tensor(-log_shares, dtype=torch.float32)
        key = np.unique(sites.table * (sites.guide.max(initial=0) + 1) + sites.guide, return_inverse=True)[1]
        self.key = torch.as_tensor(key.ravel())
        self.guide_offsets = nn.Parameter(torch.zeros(int(key.max(initial=0)) + 1))
        kind = network.kinetics.blueprint.settings.kind
        self.context_sd = settings.context_sd or CONTEXT_SD.get(kind, USUAL_SD)
        self.moving = _moving(network, settings.freeze)
        self.started = [parameter.detach().clone() for parameter in self.moving]

    def begin(self, steps: int, per_epoch: int) -> None:
        network = self.network
        changing = [part for part in (network.context, network.strength) if part is not None]
        others = [network.offsets, network.log_slope, *(p for part in changing for p in part.parameters())]
        held = [*self.moving, *others, *([self.guide_offsets] if self.settings.guide_offsets else [])]
        self.held, self.per_epoch = held, per_epoch
        self.optimiser = torch.optim.Adam(held, lr=self.settings.rate)
        self.cycle = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, self.settings.rate, total_steps=steps + 1, pct_start=RISING
        )

    def epoch(self, order: Places) -> float:
        """Mean loss of an epoch, in nats per site."""
        self.network.train()
        total = 0.0
        for part in torch.as_tensor(order).split(self.settings.batch):
            self.optimiser.zero_grad()
            loss = self._loss(part)
            loss.backward()
            nn.utils.clip_grad_norm_(self.held, STEEPEST)
            self.optimiser.step()
            self.cycle.step()
            total += float(loss.detach()) * len(part)
        return total / len(order)

    def _loss(self, part: Tensor) -> Tensor:
        table = self.table[part]
        odds = self.network(self.codes[part]) + self.network.offsets[table] + self.correction[table]
        if self.settings.guide_offsets:
            odds = odds + self.guide_offsets[self.key[part]]
        missed = nn.functional.binary_cross_entropy_with_logits(odds, self.label[part], reduction="none")
        return (missed * self.weights[part]).mean() + self._penalty() / self.per_epoch

    def _penalty(self) -> Tensor:
        """Minus ln prior in nats."""
        total = (self.guide_offsets**2).sum() / 2
        for parameter, start in zip(self.moving, self.started, strict=True):
            total = total + (((parameter - start) / self.settings.kinetic_sd) ** 2).sum() / 2
        context, strength = self.network.context, self.network.strength
        if context is not None:
            total = total + context.penalty(self.context_sd)
        return total if strength is None else total + strength.penalty(self.settings.strength_sd)


def _moving(network: TransferNetwork, freeze: str) -> list[nn.Parameter]:
    """What of the mechanism is trained: all weights, the terms of the matched target, or nothing."""
    kinetics = network.kinetics
    if freeze == "free":
        return [*kinetics.encoders.parameters(), kinetics.constants]
    return [kinetics.shift] if freeze == "rates" else []


def _settle_offsets(network: TransferNetwork, sites: Sites, weights: np.ndarray) -> None:
    """Offsets under which as many sites of each table are expected as were found, before anything is learned."""
    network.eval()
    with torch.no_grad():
        parts = [network(part) for part in torch.as_tensor(sites.codes).split(16_384)]
        odds = torch.cat(parts).double().numpy()
        for table in range(len(network.offsets)):
            own = (sites.table == table) & (weights > 0)
            if own.any():
                network.offsets[table] = _offset_for(odds[own], sites.label[own])


def _offset_for(odds: np.ndarray, label: np.ndarray) -> float:
    share = (label.sum() + 0.5) / (len(label) + 1)
    low, high = -WIDEST, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = (1 / (1 + np.exp(-np.clip(middle + odds, -500, 500)))).mean() > share
        low, high = (low, middle) if above else (middle, high)
    return (low + high) / 2
