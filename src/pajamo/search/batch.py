"""Training many hypotheses of one scheme at once, by Gauss-Newton steps with a damping of each one's own.

Every ln rate is linear in its reader's weights, so that slopes of what is recorded are products of slopes of the
mechanism by its terms, which all hypotheses share, and designs that never change (Marquardt 1963, SIAM J 11, 431).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pajamo.config.assays import ExperimentSettings, KineticSettings
from pajamo.data.assays.assay import Assay
from pajamo.search.designs import Design, designs_of
from pajamo.search.readings import Instruments, Parameters, Seen

Array = NDArray[np.float64]
FIRST_DAMPING, MOST_DAMPING, LEAST_DAMPING = 1e-2, 1e8, 1e-8
SETTLED = 0.1
"""Nats by which the objective of a hypothesis still has to fall in a step for it to go on."""


@dataclass(frozen=True)
class Trained:
    """How each hypothesis did.

    Attributes
    ----------
    weights: of each hypothesis, its readers' and constants one after another.
    value: minus ln posterior of the rows that were learned from, up to the priors' normalisers, (hypotheses,).
    evidence: ln of the marginal likelihood of these rows (Laplace), shape (hypotheses,). The few parameters of the
        measurements count with their best values.
    predicted: mean reading of each row, by experiment, shape (hypotheses, rows).
    log_likelihood: ln p of each row, by experiment, shape (hypotheses, rows).
    steps: that each took, shape (hypotheses,).
    """

    weights: tuple[Array, ...]
    value: Array
    evidence: Array
    predicted: Mapping[str, Array]
    log_likelihood: Mapping[str, Array]
    steps: NDArray[np.int64]


def train(
    candidates: Sequence[KineticSettings],
    experiments: Mapping[str, ExperimentSettings],
    assay: Assay,
    steps: int,
    masks: Mapping[str, NDArray[np.bool_]] | None = None,
    seed: int = 0,
) -> Trained:
    """Train hypotheses whose schemes have the same states and transitions.

    Parameters
    ----------
    candidates: declarations; all readers linear maps of guide-target pairs.
    assay: every row; `masks` says by experiment which are learned from, all of them if not given.
    steps: most Gauss-Newton steps.

    Raises
    ------
    ModelError: a reader that is no such map, a measurement that fits its own scale of the activity.
    StudyError, DataError: a hypothesis that cannot be built.
    """
    assembly, designs = designs_of(candidates, experiments, assay, seed)
    instruments = Instruments(assembly, assay, masks)
    batch = _Batch.of(designs, instruments)
    for _ in range(steps):
        going = [number for number, state in enumerate(batch.going) if state]
        if not going:
            break
        batch.put(going, batch.take(going).stepped(instruments))
    return batch.trained(instruments)


@dataclass
class _Batch:
    """Where hypotheses stand.

    Attributes
    ----------
    designs, weights: of each hypothesis.
    seen: rows at these weights.
    parameters: of the measurements.
    value: objective in nats, in double precision, shape (hypotheses,).
    damping: shape (hypotheses,).
    going: whether a hypothesis still moves.
    steps: that each took.
    """

    designs: list[Design]
    weights: list[Tensor]
    seen: Seen
    parameters: Parameters
    value: Tensor
    damping: list[float]
    going: list[bool]
    steps: list[int]

    @classmethod
    def of(cls, designs: Sequence[Design], instruments: Instruments) -> _Batch:
        """Every hypothesis at its prior's mean."""
        weights, count = [design.prior_mean.clone() for design in designs], len(designs)
        seen = instruments.see(_terms(designs, weights))
        parameters = instruments.start(seen.activity)
        value = instruments.value(seen.activity, parameters) + _penalty(designs, weights)
        damping, going, steps = [FIRST_DAMPING] * count, [True] * count, [0] * count
        return cls(list(designs), weights, seen, parameters, value, damping, going, steps)

    def stepped(self, instruments: Instruments) -> _Batch:
        """All of them after one step, which stands where it makes the objective fall."""
        first, second = instruments.bends(self.seen.activity, self.parameters)
        places = [self._tried(number, first[number], second[number]) for number in range(len(self.designs))]
        tried = instruments.see(_terms(self.designs, places))
        value = instruments.value(tried.activity, self.parameters) + _penalty(self.designs, places)
        better = value < self.value
        flags = better.tolist()
        weights = [new if flag else old for flag, new, old in zip(flags, places, self.weights, strict=True)]
        seen = Seen(
            torch.where(better[:, None], tried.activity, self.seen.activity),
            torch.where(better[:, None, None], tried.slopes, self.seen.slopes),
        )
        prior, stands = _penalty(self.designs, weights), torch.where(better, value, self.value)
        parameters, alone = instruments.settled(seen.activity, self.parameters, stands - prior)
        value = alone + prior
        damping = [
            min(max(old / 5 if flag else old * 6, LEAST_DAMPING), MOST_DAMPING)
            for flag, old in zip(flags, self.damping, strict=True)
        ]
        gained = (self.value - value).tolist()
        going = [
            not (flag and fall < SETTLED) and now < MOST_DAMPING
            for flag, fall, now in zip(flags, gained, damping, strict=True)
        ]
        steps = [taken + 1 for taken in self.steps]
        return _Batch(self.designs, weights, seen, parameters, value, damping, going, steps)

    def _tried(self, number: int, first: Tensor, second: Tensor) -> Tensor:
        """Weights of one hypothesis after a damped step; the same where there is none."""
        design, weights = self.designs[number], self.weights[number]
        gradient, hessian = design.normal(self.seen.slopes[number], first, second, weights)
        hessian.diagonal().mul_(1.0 + self.damping[number])
        factor, failed = torch.linalg.cholesky_ex(hessian)
        move = torch.cholesky_solve(gradient[:, None], factor)[:, 0]
        return weights if int(failed) else weights - move

    def take(self, which: list[int]) -> _Batch:
        """Some of the hypotheses."""
        seen = Seen(self.seen.activity[which], self.seen.slopes[which])
        parameters = [{name: values[which] for name, values in own.items()} for own in self.parameters]
        listed = (self.damping, self.going, self.steps)
        return _Batch(
            [self.designs[number] for number in which],
            [self.weights[number] for number in which],
            seen,
            parameters,
            self.value[which],
            *([own[number] for number in which] for own in listed),
        )

    def put(self, which: list[int], part: _Batch) -> None:
        """Bring what some of them became to its place."""
        for new, number in enumerate(which):
            self.weights[number] = part.weights[new]
            self.damping[number], self.going[number] = part.damping[new], part.going[new]
            self.steps[number] = part.steps[new]
        self.value[which] = part.value
        self.seen.activity[which], self.seen.slopes[which] = part.seen.activity, part.seen.slopes
        for own, moved in zip(self.parameters, part.parameters, strict=True):
            for name, values in moved.items():
                own[name][which] = values

    def trained(self, instruments: Instruments) -> Trained:
        """What is to be said of each hypothesis where it stands."""
        first, second = instruments.bends(self.seen.activity, self.parameters)
        evidence = [
            self._evidence(number, first[number], second[number]) for number in range(len(self.designs))
        ]
        return Trained(
            tuple(weights.double().numpy() for weights in self.weights),
            self.value.numpy(),
            np.array(evidence),
            instruments.predicted(self.seen.activity),
            instruments.likelihoods(self.seen.activity, self.parameters),
            np.array(self.steps),
        )

    def _evidence(self, number: int, first: Tensor, second: Tensor) -> float:
        """Laplace: minus the objective, less half of ln det of its Hessian in units of the prior.

        In double precision, as eigenvalues go from 1, where rows say nothing, to millions.
        """
        design = self.designs[number]
        slopes, weights = self.seen.slopes[number], self.weights[number]
        _, hessian = design.normal(slopes, first, second, weights, torch.float64)
        sd = design.prior_sd.double()
        sign, logarithm = torch.linalg.slogdet(hessian * sd[:, None] * sd)
        found = float(-self.value[number] - logarithm / 2)
        return found if float(sign) > 0 and math.isfinite(found) else -math.inf


def _terms(designs: Sequence[Design], weights: Sequence[Tensor]) -> Tensor:
    return torch.stack([design.terms(own) for design, own in zip(designs, weights, strict=True)])


def _penalty(designs: Sequence[Design], weights: Sequence[Tensor]) -> Tensor:
    """Minus ln prior of the weights of each hypothesis, shape (hypotheses,), in double precision."""
    return torch.stack([design.penalty(own) for design, own in zip(designs, weights, strict=True)]).double()
