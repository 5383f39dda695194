"""A training before it starts: does it fit, how long will it take, what will it cost, and what is short."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.config.proteins import MaskingSettings, ProteinModelSettings, TrainingSettings
from pajamo.models.proteins.size import Size
from pajamo.training.planning.hardware import GIB, IN_MACHINE, PROCESSORS, Fleet, Processor
from pajamo.training.planning.measuring import measured
from pajamo.training.planning.memory import WORKSPACE, Items, memory, shards
from pajamo.training.planning.timing import StepTime, counted, turns
from pajamo.training.trainer.peaks import peak

USUAL_LENGTHS: Final = np.array([60, 110, 150, 190, 230, 270, 310, 360, 430, 520, 700, 1022], dtype=np.int64)
"""Tokens of proteins, about twelve quantiles of UniRef90, for a plan that is made without sequences."""
FILL: Final = 0.999
"""Share of a pack that is not padding."""
MARGIN: Final = 0.92
"""Share of a processor's memory that may be planned with."""


@dataclass(frozen=True)
class Plan:
    """What a training is expected to take.

    Attributes
    ----------
    model, settings: what is trained, and how.
    size: of the model.
    processors: how many, and on what, in words.
    memory: bytes by item, of one processor.
    capacity: bytes that one processor has.
    time: of one global step.
    operations: of one global step, all processors together.
    peak: operations a second that one processor could do.
    price: dollars for an hour of one processor; None if it is not paid by the hour.
    notes: what was assumed.
    """

    model: ProteinModelSettings
    settings: TrainingSettings
    size: Size
    number: int
    processor: str
    memory: Items
    capacity: float
    time: StepTime
    operations: float
    peak: float
    price: float | None
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> float:
        """Bytes that one processor needs."""
        return sum(self.memory.values())

    @property
    def fits(self) -> bool:
        """Whether it fits, with a margin."""
        return self.held <= MARGIN * self.capacity

    @property
    def tokens(self) -> float:
        """Real tokens of a global step."""
        return self.settings.packs * self.settings.tokens * FILL

    @property
    def tokens_per_second(self) -> float:
        """Of all processors together."""
        return self.tokens / self.time.seconds

    @property
    def utilisation(self) -> float:
        """Share of the processors' peak that goes into the model's own operations."""
        return self.operations / self.time.seconds / (self.peak * self.number)

    @property
    def days(self) -> float:
        """Of all steps."""
        return self.settings.steps * self.time.seconds / 86_400

    @property
    def processor_hours(self) -> float:
        """Hours times processors."""
        return 24 * self.days * self.number

    @property
    def cost(self) -> float | None:
        """Dollars."""
        return None if self.price is None else self.price * self.processor_hours

    @property
    def limit(self) -> str:
        """What is short, in words."""
        if not self.fits:
            worst = max(self.memory, key=lambda name: self.memory[name])
            return (
                f"memory: {worst} take{'s' if worst.endswith('r') else ''} {self.memory[worst] / GIB:.1f} GiB"
            )
        if self.settings.packs % self.number:
            busy = self.settings.packs / (turns(self.settings, self.number) * self.number)
            return f"work: {1 - busy:.0%} of the processors' time is spent waiting for the others"
        return f"time: {self.time.limit}"

    def facts(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "processors": self.number,
            "processor": self.processor,
            "weights": self.size.weights,
            "memory_bytes": self.memory,
            "capacity_bytes": self.capacity,
            "fits": self.fits,
            "step_seconds": {**asdict(self.time), "all": self.time.seconds},
            "tokens_per_second": self.tokens_per_second,
            "utilisation": self.utilisation,
            "days": self.days,
            "processor_hours": self.processor_hours,
            "cost": self.cost,
            "limit": self.limit,
            "assumed": list(self.notes),
            "advice": list(self.advice),
        }

    @property
    def advice(self) -> tuple[str, ...]:
        """What to change, if anything is wrong."""
        found = []
        if not self.fits:
            found += self._smaller()
        if self.settings.packs % self.number:
            whole = self.number * turns(self.settings, self.number)
            found.append(f"set packs = {whole}: each processor then has as many as the others")
        if self.fits and self.time.communication > 0.2 * self.time.seconds:
            found.append(
                "exchange takes a fifth of the time: more packs a step, or sharding over fewer processors"
            )
        if self.settings.precision == "float32" and self.processor in PROCESSORS:
            found.append('set precision = "bfloat16": several times faster, about half the activations')
        return tuple(found)

    def _smaller(self) -> list[str]:
        found, missing = [], self.held - MARGIN * self.capacity
        fixed = self.held - self.memory["activations"]
        if fixed < MARGIN * self.capacity:
            tokens = self.settings.tokens * (1 - missing / self.memory["activations"])
            found.append(f"set tokens = {int(tokens) // 256 * 256} (a pack that fits)")
        if not self.settings.recompute:
            found.append("set recompute = true: blocks keep their inputs alone")
        if self.settings.sharding == "none" and self.number > 1:
            found.append('set sharding = "full": weights, gradients and moments are shared out')
        return found or ["take more processors, or ones with more memory, or a smaller model"]

    @classmethod
    def of(
        cls,
        model: ProteinModelSettings,
        settings: TrainingSettings,
        masking: MaskingSettings,
        fleet: Fleet | None = None,
        lengths: NDArray[np.int64] | None = None,
        price: float | None = None,
    ) -> Self:
        """Plan a training.

        Parameters
        ----------
        fleet: what it is to run on; the machine at hand if not given, which is then measured.
        lengths: tokens of the sequences; those usual in UniRef90 if not given.
        price: dollars an hour of one processor.
        """
        notes = () if lengths is not None else ("lengths of proteins: those usual in UniRef90",)
        lengths = USUAL_LENGTHS if lengths is None else lengths
        size, asked = Size.of(model), masking.share
        share = settings.tokens * settings.packs / lengths.sum()
        operations = size.operations(lengths, asked * lengths.sum()) * share
        if fleet is None:
            return cls._here(model, settings, size, lengths, asked, operations, price, notes)
        one = fleet.processor
        return cls(
            model, settings, size, fleet.number, one.name,
            {**memory(model, settings, fleet.number, asked), "libraries": WORKSPACE},
            one.memory, counted(size, settings, fleet, lengths, asked), operations, one.peak,
            one.price if price is None else price,
            (*notes, *_assumed(one, settings, fleet, price)),
        )  # fmt: skip

    @classmethod
    def _here(
        cls,
        model: ProteinModelSettings,
        settings: TrainingSettings,
        size: Size,
        lengths: NDArray[np.int64],
        asked: float,
        operations: float,
        price: float | None,
        notes: tuple[str, ...],
    ) -> Self:
        gpu = settings.device != "cpu" and torch.cuda.is_available()
        device = torch.device("cuda" if gpu else "cpu")
        items = {"libraries": WORKSPACE if gpu else resident(), **memory(model, settings, 1, asked)}
        time, held = measured(model, settings, 1, lengths, asked)
        known = sum(items.values()) - items["libraries"]
        items["copies and gaps"] = max(0.0, held - known)
        name = torch.cuda.get_device_name() if gpu else f"this machine, {torch.get_num_threads()} threads"
        notes = (*notes, "time and memory: measured here with few of the model's blocks")
        return cls(
            model,
            settings,
            size,
            1,
            name,
            items,
            _capacity(gpu),
            time,
            operations,
            peak(device, settings.precision) or float("nan"),
            price,
            notes,
        )


def resident() -> float:
    """Bytes of memory that this process holds now: Python and its libraries."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _capacity(gpu: bool) -> float:
    if gpu:
        return float(torch.cuda.get_device_properties(0).total_memory)
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _assumed(
    one: Processor, settings: TrainingSettings, fleet: Fleet, price: float | None
) -> tuple[str, ...]:
    found = [f"time: counted from published trainings; {fleet.machines} machines of {IN_MACHINE} GPUs"]
    if price is None:
        found.append(f"${one.price:.2f} an hour of one {one.name} is a guess (--price)")
    if shards(settings, fleet.number) > IN_MACHINE:
        found.append(f"a network of {8 * one.network / 1e9:.0f} Gb/s a GPU")
    return tuple(found)
