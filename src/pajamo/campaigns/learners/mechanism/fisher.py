"""What one measurement tells of an activity: expected records, how they move, and the noise beside that."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.campaigns.learners.mechanism.readings import Plan
from pajamo.config.assays import BarcodeSettings
from pajamo.errors import ModelError
from pajamo.measurements.scalar.continuous import ContinuousReading
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.measurements.scalar.noise.gaussian import GaussianNoise
from pajamo.measurements.scalar.sorted_reads import SortedReads, with_library

DRAWS = 1000
"""Simulated records of each activity behind the Fisher information of an instrument without a closed form."""
LEAST = 1e-9
"""Expected reads, as a share of all, below which a bin counts as holding so many."""
FLAT = 1e-12
"""Square of a slope, as a share of the steepest one, that counts as none."""


@dataclass(frozen=True)
class Shown:
    """What is recorded at some activities, G of them.

    Attributes
    ----------
    mean: expected records, shape (G, D), in the unit in which they are recorded.
    slopes: their change with the activity, shape (G, D).
    noise: variances, so that sum over outputs of slopes^2 / noise is the Fisher information; shape (G, D).
    drift: change of the activity that the records stand for with each parameter of the instrument, (G, parameters).
    aside: what the records show of the instrument beside that: change of each output with its parameters, in units of
        its noise, across the direction in which the activity moves outputs; shape (G, D, parameters).
    """

    mean: Tensor
    slopes: Tensor
    noise: Tensor
    drift: Tensor
    aside: Tensor


def shown(measurement: Measurement, plan: Plan, activity: Tensor) -> Shown:
    """What a measurement as planned shows of activities, shape (G,).

    Reads in bins count as Poisson numbers: their information is then that of the multinomial, as shares add up to
    one. An instrument without a closed form is described by the Gaussian that has its mean and its Fisher
    information, which is estimated from simulated records by a seed of its own.
    """
    at = activity.detach().clone().requires_grad_(True)
    mean = _expected(measurement, plan, at)
    slopes = torch.stack([_gradient(column.sum(), at) for column in mean.unbind(dim=1)], dim=1)
    noise = _noise(measurement, plan, at.detach(), mean.detach(), slopes)
    by_instrument = torch.stack([_by_parameters(measurement, column) for column in mean.unbind(dim=1)], dim=1)
    root = noise.sqrt()
    along, across = slopes / root, by_instrument / root[..., None]
    size = (along**2).sum(dim=1).clamp(min=torch.finfo(along.dtype).tiny)
    drift = (along[..., None] * across).sum(dim=1) / size[:, None]
    return Shown(mean.detach(), slopes, noise, drift, across - along[..., None] * drift[:, None])


def _expected(measurement: Measurement, plan: Plan, activity: Tensor) -> Tensor:
    if isinstance(measurement, SortedReads):
        weights = with_library(measurement.log_weights(activity), measurement.library)
        shares: Tensor = torch.softmax(weights, dim=1)
        return shares * plan.reads
    found: Tensor = measurement.expected(activity)
    if isinstance(plan.settings.measurement, BarcodeSettings):
        return torch.stack([plan.reads * found, torch.full_like(found, plan.reads)], dim=1)
    return found[:, None]


def _noise(measurement: Measurement, plan: Plan, activity: Tensor, mean: Tensor, slopes: Tensor) -> Tensor:
    if isinstance(measurement, SortedReads):
        return mean.clamp(min=LEAST * plan.reads)
    if isinstance(measurement, ContinuousReading) and _is_plain(measurement):
        log_scale: Tensor = measurement.noise.log_scale(measurement.nonlinearity(activity))
        return (2 * log_scale).exp().detach()[:, None]
    information = _simulated(measurement, plan, activity)
    square = slopes[:, 0] ** 2
    square = square.clamp(min=FLAT * float(square.max()) + torch.finfo(square.dtype).tiny)
    own = square / information.clamp(min=torch.finfo(square.dtype).tiny)
    return torch.stack([own, *mean.unbind(dim=1)[1:]], dim=1)


def _is_plain(reading: ContinuousReading) -> bool:
    """Whether the noise is Gaussian and the same everywhere."""
    return isinstance(reading.noise, GaussianNoise) and len(reading.noise.log_scale.coefficients) == 1


def _simulated(measurement: Measurement, plan: Plan, activity: Tensor) -> Tensor:
    """Mean square of the score of simulated records, shape (G,)."""
    at = activity.repeat_interleave(DRAWS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        recorded = measurement.draw(at, _effort(plan, len(at), activity), generator)
    at = at.requires_grad_(True)
    score = _gradient(measurement.log_likelihood(at, recorded).sum(), at)
    return (score**2).reshape(len(activity), DRAWS).mean(dim=1)


def _effort(plan: Plan, size: int, like: Tensor) -> dict[str, Tensor]:
    nothing = like.new_zeros(size)
    if isinstance(plan.settings.measurement, BarcodeSettings):
        return {"rna": nothing, "dna": torch.full_like(nothing, round(max(plan.reads, 1.0)))}
    if getattr(plan.settings.measurement, "error", None) is None:
        return {"value": nothing}
    if plan.error is None:
        raise ModelError(
            "the experiment records standard errors, and none is given for candidates",
            where=f"experiment {plan.experiment}",
            fix="give `error`, the standard error that a result will have",
        )
    return {"value": nothing, "error": torch.full_like(nothing, plan.error)}


def _by_parameters(measurement: Measurement, found: Tensor) -> Tensor:
    """Derivative of each number, shape (G,), by the instrument's parameters, flat, shape (G, parameters)."""
    parameters = list(measurement.parameters())
    size = sum(each.numel() for each in parameters)
    if not size or not found.requires_grad:
        return found.new_zeros(len(found), size).detach()
    rows = torch.autograd.grad(
        found,
        parameters,
        torch.eye(len(found), dtype=found.dtype),
        retain_graph=True,
        is_grads_batched=True,
        allow_unused=True,
    )
    nothing = [found.new_zeros(len(found), each.numel()) for each in parameters]
    parts = zip(rows, nothing, strict=True)
    return torch.cat(
        [none if row is None else row.reshape(none.shape) for row, none in parts], dim=1
    ).detach()


def _gradient(total: Tensor, at: Tensor) -> Tensor:
    if not total.requires_grad:
        return torch.zeros_like(at).detach()
    (found,) = torch.autograd.grad(total, at, retain_graph=True, materialize_grads=True)
    return found.detach()
