"""Deep ensembles: the same network trained from several starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import nn

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import by_block
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.learners.seeding import drawn_rows, seeds
from pajamo.campaigns.learners.torch_modules import Network, Reading, weights_of
from pajamo.campaigns.predictive import Array, ClassPredictive, SampledPredictive
from pajamo.errors import ModelError

FEWEST = 2


@dataclass(frozen=True)
class FittedEnsemble(Fitted):
    """Modules that were trained, and how they are read."""

    modules: list[nn.Module]
    reading: Reading

    def predict(self, features: Features) -> SampledPredictive | ClassPredictive:
        """One draw, or one member, a module."""
        said = self.reading.said
        draws = by_block(
            features, lambda block: np.stack([said(module, block) for module in self.modules]), axis=1
        )
        return self.reading.predictive(draws)

    def fingerprint(self) -> str:
        """Hash of every weight of every module, and of units and noise."""
        parts = {"noise": self.reading.noise}
        for number, module in enumerate(self.modules):
            parts |= weights_of(module, f"{number:06d} ")
        for name, scale in (("inputs", self.reading.inputs), ("outputs", self.reading.outputs)):
            parts[name] = np.stack([scale.centre, scale.deviation])
        return fingerprint("deep-ensemble", parts)


class DeepEnsemble(Learner):
    """Members differ by where they start and, if wanted, by which results they see.

    Source: Lakshminarayanan, Pritzel and Blundell 2017 (arXiv 1612.01474).

    Parameters
    ----------
    network: how members are built, trained and read.
    members: how many, at least 2.
    bootstrap: whether each member sees a bootstrap sample of the results instead of all.

    Raises
    ------
    ModelError: a single member, which is a bare mean.
    """

    name: ClassVar[str] = "deep-ensemble"

    def __init__(self, network: Network, members: int = 10, *, bootstrap: bool = False) -> None:
        if members < FEWEST:
            raise ModelError(
                f"an ensemble of {members}: at least {FEWEST} members are needed",
                where=f"learner {self.name}",
                why="a single network is a bare mean, and says nothing of how sure it is",
            )
        self.network, self.members, self.bootstrap = network, members, bootstrap

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedEnsemble:
        """Train every member; the seed sets their starts and samples, and the global random state is not moved."""
        results = checked(features, values, noise)
        lesson = self.network.lesson(results)
        parts = seeds(seed, 2 * self.members)
        modules = [
            self.network.trained(lesson, own, drawn_rows(len(results), chosen) if self.bootstrap else None)
            for own, chosen in zip(parts[::2], parts[1::2], strict=True)
        ]
        reading = Reading(self.network, lesson.inputs, lesson.outputs, np.zeros(len(lesson.outputs.centre)))
        return FittedEnsemble(modules, reading.known(results, modules))
