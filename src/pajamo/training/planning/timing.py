"""Seconds that a step takes: counted for processors that are elsewhere, measured for the one at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.config.proteins import TrainingSettings
from pajamo.models.proteins.size import Size
from pajamo.training.planning.hardware import IN_MACHINE, Fleet
from pajamo.training.planning.memory import shards

REACHED: Final = {320: 0.10, 768: 0.27, 1280: 0.43, 2560: 0.49, 5120: 0.50}
"""Share of the peak that trainings reach in bfloat16, by the width of the model. 768: a 133M model at 327,700 tokens
a second on an H200 (SpeedrunningPLMs); 1280 and 2560: BioNeMo 2 on H100 at 650M and 3B; 320 and 5120 are guesses."""
RECOMPUTED: Final = 4 / 3
"""Work with the forward pass done twice, relative to once."""
FIXED: Final = 0.002
"""Seconds a step for starting kernels, counting and looking, that nothing hides."""


@dataclass(frozen=True)
class StepTime:
    """Seconds of one global step.

    Attributes
    ----------
    compute: forward and backward passes of a processor's packs.
    communication: gathering weights and summing gradients, as far as it takes longer than computing.
    optimiser: reading and writing weights, gradients and moments.
    rest: what does not depend on the model.
    """

    compute: float
    communication: float
    optimiser: float
    rest: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.compute + self.communication + self.optimiser + self.rest

    @property
    def limit(self) -> str:
        """What most of the time goes into, in words."""
        named = {
            "computing": self.compute,
            "exchanging weights and gradients": self.communication,
            "updating weights": self.optimiser,
            "starting work": self.rest,
        }
        return max(named, key=lambda name: named[name])


def turns(settings: TrainingSettings, processors: int) -> int:
    """Packs that the busiest processor works through in a step, one after the other."""
    return -(-settings.packs // processors)


def efficiency(width: int) -> float:
    """Share of the peak that a model of this width reaches, between published trainings on a logarithmic scale."""
    return float(np.interp(np.log(width), np.log(list(REACHED)), list(REACHED.values())))


def counted(
    size: Size, settings: TrainingSettings, fleet: Fleet, lengths: NDArray[np.int64], asked: float
) -> StepTime:
    """Seconds of a step on processors that are not at hand.

    Communication runs beside computing, and only what is longer shows. Under sharding each pack gathers the weights
    twice, and the last one sums gradients in 32 bits; without, gradients are summed once (a ring: twice the bytes).

    Parameters
    ----------
    lengths: tokens of sequences as they come; a pack holds as many as fit.
    asked: share of tokens that are asked for.
    """
    rounds, peak = turns(settings, fleet.number), fleet.processor.peak
    share = settings.tokens / lengths.sum()
    work = size.operations(lengths, asked * lengths.sum()) * share * rounds
    slower = 1.0 if settings.precision == "bfloat16" else 1 / 8
    more = RECOMPUTED if settings.recompute else 1.0
    compute = more * work / (peak * slower * efficiency(size.width))
    moved = 28.0 * size.weights / shards(settings, fleet.number) / fleet.processor.bandwidth
    exchange = _exchange(size, settings, fleet, rounds)
    return StepTime(compute, max(0.0, exchange - compute), moved, FIXED)


def _exchange(size: Size, settings: TrainingSettings, fleet: Fleet, rounds: int) -> float:
    """Seconds of the links."""
    over = shards(settings, fleet.number)
    if fleet.number == 1:
        return 0.0
    if over == 1:
        return 2 * 4.0 * size.weights / fleet.bandwidth()
    width = 2 if settings.precision == "bfloat16" else 4
    gathered = (2 * width * rounds + 4) * size.weights * (over - 1) / over / fleet.bandwidth(over)
    among = 0.0
    if over < fleet.number:
        among = 2 * 4.0 * size.weights / over / fleet.bandwidth(IN_MACHINE + 1)
    return gathered + among
