"""Monte Carlo dropout with masks that hold for the whole pool: one draw is one network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import by_block
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.learners.torch_modules import Network, Reading, weights_of
from pajamo.campaigns.predictive import Array, ClassPredictive, SampledPredictive
from pajamo.errors import ModelError

WHOLE = (nn.Dropout,)
CHANNELS = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
"""Layers that drop a channel of an input at all of its places."""


@dataclass
class Masks:
    """Masks of every dropout layer for every draw, made once, each layer with its own probability.

    The module stays in evaluation mode, where dropout layers pass on what they get; a hook behind each multiplies
    with the mask of the present draw. So normalisation layers do not move, and no layer's setting is touched.

    Attributes
    ----------
    layers: the dropout layers.
    seed: of all masks.
    """

    layers: list[Any]
    seed: int
    made: dict[tuple[int, int, tuple[int, ...]], Tensor] = field(default_factory=dict)

    @contextmanager
    def of_draw(self, draw: int) -> Iterator[None]:
        """Inside of it the module is the network of this draw."""
        hooks = [
            layer.register_forward_hook(self._hook(draw, number)) for number, layer in enumerate(self.layers)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _hook(self, draw: int, number: int) -> Any:
        def masked(layer: Any, _: Any, output: Tensor) -> Tensor:
            shape = tuple(output.shape[1:])
            if isinstance(layer, CHANNELS):
                shape = (shape[0], *(1,) * (len(shape) - 1))
            return output * self._mask(draw, number, shape, float(layer.p)).to(output)

        return masked

    def _mask(self, draw: int, number: int, shape: tuple[int, ...], chance: float) -> Tensor:
        key = (draw, number, shape)
        if key not in self.made:
            rng = np.random.default_rng([self.seed, draw, number])
            kept = (rng.random(shape) >= chance) / max(1.0 - chance, np.finfo(float).tiny)
            self.made[key] = torch.from_numpy(kept)
        return self.made[key]


@dataclass(frozen=True)
class FittedDropout(Fitted):
    """A module with dropout that was trained, and how it is read.

    Attributes
    ----------
    module: of torch.
    reading: how it is read.
    draws: number of networks that are drawn from it.
    seed: of the masks.
    """

    module: nn.Module
    reading: Reading
    draws: int
    seed: int

    def predict(self, features: Features) -> SampledPredictive | ClassPredictive:
        """One draw, or one member, a set of masks; the same masks for every candidate and every pool."""
        masks = Masks(dropout_layers(self.module), self.seed)

        def said(block: Array) -> Array:
            found = []
            for draw in range(self.draws):
                with masks.of_draw(draw):
                    found.append(self.reading.said(self.module, block))
            return np.stack(found)

        return self.reading.predictive(by_block(features, said, axis=1))

    def fingerprint(self) -> str:
        """Hash of weights, probabilities of dropout, seed, units and noise."""
        parts = weights_of(self.module, "weight ") | {"noise": self.reading.noise}
        parts["dropout"] = np.array([layer.p for layer in dropout_layers(self.module)], dtype=float)
        parts["draws and seed"] = np.array([self.draws, self.seed])
        for name, scale in (("inputs", self.reading.inputs), ("outputs", self.reading.outputs)):
            parts[name] = np.stack([scale.centre, scale.deviation])
        return fingerprint("monte-carlo-dropout", parts)


class MonteCarloDropout(Learner):
    """A network with dropout layers, drawn from by leaving their masks on.

    Source: Gal and Ghahramani 2016 (arXiv 1506.02142); masks that hold for the whole pool: Kirsch, van Amersfoort
    and Gal 2019 (arXiv 1906.08158), section 3.2.

    Parameters
    ----------
    network: how it is built, trained and read; it needs dropout layers as modules.
    draws: number of networks that are drawn.
    """

    name: ClassVar[str] = "monte-carlo-dropout"

    def __init__(self, network: Network, draws: int = 32) -> None:
        self.network, self.draws = network, draws

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedDropout:
        """Train; the seed sets start, training and masks, and the global random state is not moved."""
        results = checked(features, values, noise)
        lesson = self.network.lesson(results)
        module = self.network.trained(lesson, seed)
        dropout_layers(module)
        reading = Reading(self.network, lesson.inputs, lesson.outputs, np.zeros(len(lesson.outputs.centre)))
        return FittedDropout(module, reading.known(results, [module]), self.draws, seed)


def dropout_layers(module: nn.Module) -> list[Any]:
    """Dropout layers that drop anything, in the module's order.

    Raises
    ------
    ModelError: there are none.
    """
    found = [part for part in module.modules() if isinstance(part, WHOLE + CHANNELS) and part.p > 0]
    if not found:
        raise ModelError(
            "the module has no dropout layer that drops anything",
            where="learner monte-carlo-dropout",
            why="without one, all draws are the same network",
            fix="put nn.Dropout modules into it, or use a deep ensemble or a Laplace approximation",
        )
    return found
