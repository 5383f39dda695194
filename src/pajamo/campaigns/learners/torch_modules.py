"""Any torch module as a learner: how it is built, trained in private, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.campaigns.learners.inputs import Results, class_numbers
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.predictive import Array, ClassPredictive, SampledPredictive
from pajamo.errors import ModelError

Build = Callable[[int, int], nn.Module]
Train = Callable[[nn.Module, Tensor, Tensor], None]
STEPS, RATE, DECAY = 300, 1e-2, 1e-4


@dataclass(frozen=True)
class Network:
    """A kind of network, and what its output means.

    Attributes
    ----------
    build: (features, outputs) to a new module, with weights at random.
    train: (module, features (L, F), targets) trains it in place. Features and values come without units, (L, D);
        classes as whole numbers, (L,). Full-batch Adam with the loss that goes with the output, if not given.
    records: "values" or "classes".
    predicts_noise: whether the module gives, beside the mean of each output, the logarithm of its noise's variance:
        (N, 2 D), means first.
    logits: whether classes come as logits, of which the softmax is taken; otherwise they must be probabilities.
    classes: number of classes; as many as were seen if not given.
    """

    build: Build
    train: Train | None = None
    records: Literal["values", "classes"] = "values"
    predicts_noise: bool = False
    logits: bool = False
    classes: int | None = None

    def lesson(self, results: Results) -> Lesson:
        """Results as a module takes them."""
        inputs = Scale.of(results.features)
        features = inputs.apply(results.features)
        if self.records == "classes":
            labels, number = class_numbers(results.values, self.classes)
            return Lesson(features, labels, inputs, Scale(np.zeros(1), np.ones(1)), number, number)
        outputs = Scale.of(results.values)
        width = results.outputs * (2 if self.predicts_noise else 1)
        return Lesson(features, outputs.apply(results.values), inputs, outputs, width, 0)

    def trained(self, lesson: Lesson, seed: int, rows: Array | None = None) -> nn.Module:
        """A new module, trained on some rows of the results; the global random state stays as it was."""
        chosen = np.arange(len(lesson.features)) if rows is None else np.asarray(rows, dtype=np.intp)
        with private_randomness(seed):
            module = self.build(lesson.features.shape[1], lesson.width)
            features = as_input(module, lesson.features[chosen])
            targets = torch.from_numpy(np.ascontiguousarray(lesson.targets[chosen])).to(features.device)
            targets = targets.long() if lesson.classes else targets.to(features.dtype)
            module.train()
            (self.train or self._adam)(module, features, targets)
        return module.eval()

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of what was recorded, up to a constant, mean over results."""
        if self.records == "classes":
            logarithms = output.log_softmax(dim=1) if self.logits else output.clamp_min(1e-12).log()
            return nn.functional.nll_loss(logarithms, targets)
        if not self.predicts_noise:
            return nn.functional.mse_loss(output, targets)
        mean, logarithm = output.chunk(2, dim=1)
        return (0.5 * (logarithm + (targets - mean) ** 2 * torch.exp(-logarithm))).mean()

    def _adam(self, module: nn.Module, features: Tensor, targets: Tensor) -> None:
        optimiser = torch.optim.Adam(module.parameters(), lr=RATE, weight_decay=DECAY)
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = self.loss(module(features), targets)
            torch.autograd.backward(loss)
            optimiser.step()


@dataclass(frozen=True)
class Lesson:
    """Results without units.

    Attributes
    ----------
    features: shape (L, F).
    targets: values (L, D), or class numbers (L,).
    inputs, outputs: units that were taken away.
    width: columns that a module gives.
    classes: how many, 0 where values are recorded.
    """

    features: Array
    targets: np.ndarray
    inputs: Scale
    outputs: Scale
    width: int
    classes: int


@dataclass(frozen=True)
class Reading:
    """How what a module gives becomes a prediction.

    Attributes
    ----------
    network: what its output means.
    inputs, outputs: units of features and values.
    noise: variance of one measurement of each output, used where the module does not predict it; shape (D,).
    """

    network: Network
    inputs: Scale
    outputs: Scale
    noise: Array

    def said(self, module: nn.Module, block: Array) -> Array:
        """What a module gives for features (N, F) with units, as it is; shape (N, columns)."""
        with unmoved(module), torch.no_grad():
            found = module(as_input(module, self.inputs.apply(block)))
        return self.checked(found.double().cpu().numpy(), len(block))

    def checked(self, found: Array, number: int) -> Array:
        """One row a candidate and the columns that were declared.

        Raises
        ------
        ModelError: another shape.
        """
        columns = len(self.outputs.centre) * (2 if self.network.predicts_noise else 1)
        values = self.network.records == "values"
        if found.ndim != 2 or len(found) != number or (values and found.shape[1] != columns):
            raise ModelError(
                f"the module gives an array of shape {found.shape} for {number:,} candidates",
                where="torch module",
                fix=f"give one row a candidate and {f'{columns} columns' if values else 'one column a class'}",
            )
        return found

    def predictive(self, draws: Array, hidden: Array | None = None) -> SampledPredictive | ClassPredictive:
        """From what S modules gave, shape (S, N, columns)."""
        if self.network.records == "classes":
            return ClassPredictive(softmax(draws) if self.network.logits else normalised(draws), hidden)
        unit, outputs = self.outputs.deviation, len(self.outputs.centre)
        noise: Array = self.noise
        if self.network.predicts_noise:
            noise = np.exp(draws[..., outputs:]).mean(axis=0) * unit**2
        return SampledPredictive(self.outputs.centre + draws[..., :outputs] * unit, noise, unit)

    def known(self, results: Results, modules: Sequence[nn.Module]) -> Reading:
        """The same with the noise of results: known, or what is left of them by the mean of modules (at least it)."""
        if self.network.records == "classes" or self.network.predicts_noise:
            return self
        if results.noise is not None:
            return Reading(self.network, self.inputs, self.outputs, results.noise.mean(axis=0))
        mean = np.mean([self.said(module, results.features) for module in modules], axis=0)
        left = (self.outputs.apply(results.values) - mean) * self.outputs.deviation
        return Reading(self.network, self.inputs, self.outputs, (left**2).mean(axis=0))


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def normalised(found: Array) -> Array:
    """Probabilities in single precision made to sum to one; what is far from it stays as it is, and is refused."""
    total = found.sum(axis=-1, keepdims=True)
    return np.where(np.abs(total - 1.0) < 1e-3, found / np.where(total == 0, 1.0, total), found)


def as_input(module: nn.Module, features: Array) -> Tensor:
    """Features on the module's device and in its precision."""
    first = next(module.parameters(), torch.zeros(1))
    return torch.from_numpy(np.ascontiguousarray(features)).to(first)


@contextmanager
def private_randomness(seed: int) -> Iterator[None]:
    """Torch's random numbers by a seed; afterwards the global state is what it was."""
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def unmoved(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode; afterwards every part of it is in the mode that it was in."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


def weights_of(module: nn.Module, prefix: str = "") -> dict[str, Array]:
    """Every weight and buffer by its name, for a fingerprint."""
    state = module.state_dict()
    return {f"{prefix}{name}": state[name].detach().double().cpu().numpy() for name in sorted(state)}
