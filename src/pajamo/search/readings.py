"""What is recorded of many hypotheses: one mechanism and one measurement, evaluated for all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap

from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError
from pajamo.measurements.scalar.measurement import Measurement
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows

Array = NDArray[np.float64]
Parameters = list[dict[str, Tensor]]
"""For each experiment the parameters of its measurement, the first axis being hypotheses."""
FLOOR = 1e-3
"""Least curvature of a row, relative to the greatest: outliers of heavy-tailed noise have none of their own."""
INNER_RATE, MOST_MOVE = 0.25, 0.5
"""Share of a Newton step, and the longest step, that a measurement's own parameters take with each step of the
weights. Noise that shrinks slowly keeps the first steps from fitting few rows closely: fewer end in poor optima."""
AT_ONCE = 32_768
"""Rows, of all hypotheses together, that go through the mechanism at a time."""


@dataclass(frozen=True)
class Seen:
    """Every row at one place of every hypothesis.

    Attributes
    ----------
    activity: what is recorded, shape (hypotheses, rows).
    slopes: of it by the terms, shape (hypotheses, rows, terms).
    """

    activity: Tensor
    slopes: Tensor


class Instruments:
    """The measurements of every experiment, with parameters of their own for each hypothesis."""

    def __init__(
        self, assembly: Assembly, assay: Assay, masks: Mapping[str, NDArray[np.bool_]] | None = None
    ) -> None:
        """`masks` says by experiment which rows are learned from, all of them if not given."""
        self._assembly = assembly
        self._rows = [Rows.of(experiment, torch.float32) for experiment in assay.experiments]
        cuts = np.cumsum([0, *map(len, self._rows)]).tolist()
        self._parts = [slice(first, last) for first, last in pairwise(cuts)]
        chosen = [np.ones(len(rows), bool) if masks is None else masks[rows.name] for rows in self._rows]
        self._masks = [torch.as_tensor(mask) for mask in chosen]
        self._offsets = [assembly.offsets(rows.codes, rows.inputs) for rows in self._rows]
        for rows in self._rows:
            _require_physical(self._measurement(rows), rows.name)

    def see(self, terms: Tensor) -> Seen:
        """What is recorded of every row and its slopes; terms (hypotheses, rows, terms)."""
        seen = [self._see(terms[:, part], number) for number, part in enumerate(self._parts)]
        return Seen(*(torch.cat(columns, dim=1) for columns in zip(*seen, strict=True)))

    def _see(self, terms: Tensor, number: int) -> tuple[Tensor, Tensor]:
        rows, (count, length, width) = self._rows[number], terms.shape
        offsets = self._offsets[number].repeat(count, 1).split(AT_ONCE)
        found = []
        for part, own in zip(terms.reshape(-1, width).split(AT_ONCE), offsets, strict=True):
            free = part.detach().requires_grad_(True)
            activity = self._assembly.recorded(self._assembly.law(free, own), rows.name)
            (slopes,) = torch.autograd.grad(activity.sum(), free)
            found.append((activity.detach(), slopes))
        activity, slopes = (torch.cat(columns) for columns in zip(*found, strict=True))
        return activity.reshape(count, length), slopes.reshape(count, length, width)

    def start(self, activity: Tensor) -> Parameters:
        """Every measurement as it starts at what the first hypothesis says of the rows that are learned from."""
        found: Parameters = []
        for rows, part, mask in zip(self._rows, self._parts, self._masks, strict=True):
            measurement = self._measurement(rows)
            with torch.no_grad():
                measurement.start(activity[0, part][mask], {k: v[mask] for k, v in rows.recorded.items()})
            found.append(
                {
                    name: values.detach().expand(len(activity), *values.shape).clone()
                    for name, values in measurement.named_parameters()
                }
            )
        return found

    @torch.no_grad()
    def value(self, activity: Tensor, parameters: Parameters) -> Tensor:
        """Minus ln-likelihood of the rows that are learned from, and of the measurements' priors; (hypotheses,).

        Infinite where it cannot be computed.
        """
        total = activity.new_zeros(len(activity), dtype=torch.float64)
        for number, mask in enumerate(self._masks):
            likely = self._likelihood(activity, number, parameters)
            # Summed in double precision: single would lose the tenths of nats that steps gain at the end.
            total += self._penalty(number, parameters[number]) - torch.where(mask, likely, 0.0).double().sum(
                1
            )
        return torch.where(torch.isfinite(total), total, torch.inf)

    def bends(self, activity: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """First and second derivatives of minus ln p by the activity, the second not negative; 0 for other rows."""
        parts = [self._bends(activity, number, parameters) for number in range(len(self._rows))]
        first, second = (torch.cat(columns, dim=1) for columns in zip(*parts, strict=True))
        return first, second

    def _bends(self, activity: Tensor, number: int, parameters: Parameters) -> tuple[Tensor, Tensor]:
        free = activity.detach().requires_grad_(True)
        loss = -torch.where(self._masks[number], self._likelihood(free, number, parameters), 0.0).sum()
        (first,) = torch.autograd.grad(loss, free, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), free)
        own, bent = first.detach()[:, self._parts[number]], second[:, self._parts[number]]
        curved = torch.maximum(bent, FLOOR * bent.amax(dim=1, keepdim=True)).clamp(min=0.0)
        return own, torch.where(self._masks[number], curved, 0.0)

    def settled(self, activity: Tensor, parameters: Parameters, value: Tensor) -> tuple[Parameters, Tensor]:
        """Parameters of the measurements after a Newton step of each by itself, where it serves; and the value."""
        tried = [self._moved(activity, number, parameters) for number in range(len(self._rows))]
        after = self.value(activity, tried)
        better = after < value
        return choose(better, tried, parameters), torch.where(better, after, value)

    def _moved(self, activity: Tensor, number: int, parameters: Parameters) -> dict[str, Tensor]:
        free = {name: values.detach().requires_grad_(True) for name, values in parameters[number].items()}
        if not free:
            return {}
        own = [free if n == number else other for n, other in enumerate(parameters)]
        likely = torch.where(self._masks[number], self._likelihood(activity, number, own), 0.0).sum()
        loss = self._penalty(number, free).sum() - likely
        slopes = torch.autograd.grad(loss, list(free.values()), create_graph=True)
        return {
            name: _newton(values, slope) for (name, values), slope in zip(free.items(), slopes, strict=True)
        }

    def _likelihood(self, activity: Tensor, number: int, parameters: Parameters) -> Tensor:
        """ln p of each row of one experiment, shape (hypotheses, rows)."""
        rows = self._rows[number]
        measurement = self._measurement(rows)
        shared, likelihood = _named(dict(measurement.named_buffers())), _Likelihood(measurement)

        def one(own: dict[str, Tensor], at: Tensor) -> Tensor:
            return functional_call(likelihood, {**shared, **_named(own)}, (at, rows.recorded))

        found: Tensor = vmap(one)(parameters[number], activity[:, self._parts[number]])
        return found

    def _penalty(self, number: int, own: dict[str, Tensor]) -> Tensor:
        """Minus ln prior of a measurement's parameters, shape (hypotheses,), or () without any."""
        measurement = self._measurement(self._rows[number])
        if not own:
            return torch.zeros(())
        shared, prior = _named(dict(measurement.named_buffers())), _Prior(measurement)
        found: Tensor = vmap(lambda each: functional_call(prior, {**shared, **_named(each)}, ()))(own)
        return found

    def _measurement(self, rows: Rows) -> Measurement:
        return self._assembly.measurement(rows.name)

    @torch.no_grad()
    def predicted(self, activity: Tensor) -> dict[str, Array]:
        """Mean reading of each row, by experiment, shape (hypotheses, rows)."""
        return {
            rows.name: self._measurement(rows).expected(activity[:, part]).double().numpy()
            for rows, part in zip(self._rows, self._parts, strict=True)
        }

    @torch.no_grad()
    def likelihoods(self, activity: Tensor, parameters: Parameters) -> dict[str, Array]:
        """ln p of each row, by experiment, shape (hypotheses, rows)."""
        return {
            rows.name: self._likelihood(activity, number, parameters).double().numpy()
            for number, rows in enumerate(self._rows)
        }


def choose(better: Tensor, tried: Parameters, kept: Parameters) -> Parameters:
    """Parameters of the hypotheses that are better off with the tried ones, and the kept ones of all others."""
    return [
        {name: torch.where(_wide(better, own[name]), own[name], old[name]).detach() for name in own}
        for own, old in zip(tried, kept, strict=True)
    ]


def _wide(flags: Tensor, like: Tensor) -> Tensor:
    return flags.reshape(-1, *([1] * (like.dim() - 1)))


def _newton(values: Tensor, slope: Tensor) -> Tensor:
    (bend,) = torch.autograd.grad(slope.sum(), values, retain_graph=True)
    move = slope.detach() / bend.abs().clamp(min=1.0)
    return (values - INNER_RATE * move.clamp(-MOST_MOVE, MOST_MOVE)).detach()


def _named(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"measurement.{name}": each for name, each in values.items()}


def _require_physical(measurement: Measurement, name: str) -> None:
    if measurement.normalised:
        raise ModelError(
            "a search cannot learn from this experiment",
            where=f"experiments.{name}",
            why="its measurement leaves the scale of the activity open, which a batch takes as the mechanism's own",
            fix='search on rates or cuts: kind = "rate" or "cut"',
        )


class _Likelihood(torch.nn.Module):
    def __init__(self, measurement: Measurement) -> None:
        super().__init__()
        self.measurement = measurement

    def forward(self, activity: Tensor, recorded: Mapping[str, Tensor]) -> Tensor:
        return self.measurement.log_likelihood(activity, recorded)


class _Prior(torch.nn.Module):
    def __init__(self, measurement: Measurement) -> None:
        super().__init__()
        self.measurement = measurement

    def forward(self) -> Tensor:
        return self.measurement.penalty()
