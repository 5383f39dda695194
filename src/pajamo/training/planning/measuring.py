"""A step on the processor at hand: models of few blocks are trained, and what each block adds is added.

Run as a module, this file is the process that trains one of them; its memory is then not that of anything else.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pajamo.config.proteins import ProteinModelSettings, TrainingSettings
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import ModelError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.training.planning.memory import random_pack
from pajamo.training.planning.timing import StepTime, turns
from pajamo.training.trainer.loop import train
from pajamo.training.trainer.task import Facts

FEW, MORE = 1, 3
"""Blocks of the two models that are trained."""
STEPS: Final = 6
"""Of which the first does not count: memory is not yet there, and code not yet read."""


@dataclass(frozen=True)
class Measured:
    """What a model of some blocks took.

    Attributes
    ----------
    seconds: of a step.
    bytes: that the process held at most, beyond what it held before there was a model.
    """

    seconds: float
    bytes: float


class RandomTask:
    """Packs of random residues, as long as proteins are.

    Parameters
    ----------
    model: what is trained.
    lengths: tokens of sequences as they come.
    tokens, packs: of a pack, and in a step.
    asked: share of tokens that are asked for.
    """

    def __init__(
        self, model: ProteinLanguageModel, lengths: NDArray[np.int64], tokens: int, packs: int, asked: float
    ) -> None:
        self.module: nn.Module = model
        self._lengths, self._tokens, self._packs, self._asked = lengths, tokens, packs, asked

    def first(self) -> Facts:
        """The first pack."""
        return {"next": 0}

    def plan(self, position: Facts) -> tuple[Sequence[int], Facts]:
        """Seeds of packs."""
        last = position["next"] + self._packs
        return list(range(position["next"], last)), {"next": last}

    def micro_batch(self, plan: int, device: torch.device) -> PackedTokens:
        """A pack that is full."""
        return PackedTokens.of(random_pack(filled(self._lengths, self._tokens, plan), self._asked), device)

    def weight(self, micro: PackedTokens) -> float:
        """Tokens that are asked for."""
        return float(micro.asked)

    def loss(self, module: nn.Module, micro: PackedTokens) -> Tensor:
        """Sum of -ln p."""
        return module(micro)

    def blocks(self, module: nn.Module) -> Sequence[nn.Module]:
        """Blocks of the encoder."""
        return list(module.encoder.blocks)

    def fingerprint(self) -> Facts:
        """Nothing goes on with it."""
        return {"task": "random"}


def measured(
    model: ProteinModelSettings,
    settings: TrainingSettings,
    processors: int,
    lengths: NDArray[np.int64],
    asked: float,
) -> tuple[StepTime, float]:
    """Seconds of a step on processors such as this one, without what they exchange, and bytes of one process.

    Parameters
    ----------
    lengths: tokens of sequences as they come.
    asked: share of tokens that are asked for.

    Raises
    ------
    ModelError: not even three blocks could be trained here.
    """
    own = settings.model_copy(update={"packs": turns(settings, processors), "sharding": "none"})
    few, more = (_tried(model, layers, own, lengths, asked) for layers in (FEW, MORE))
    deeper = (model.shape[0] - MORE) / (MORE - FEW)
    seconds = more.seconds + deeper * (more.seconds - few.seconds)
    return StepTime(seconds, 0.0, 0.0, 0.0), more.bytes + deeper * (more.bytes - few.bytes)


def filled(lengths: NDArray[np.int64], tokens: int, seed: int = 0) -> NDArray[np.int64]:
    """Lengths, drawn from those given, that fill a pack exactly; the last one is cut."""
    drawn = np.random.default_rng(seed).choice(lengths, size=tokens)
    ends = np.cumsum(drawn)
    number = int(np.searchsorted(ends, tokens)) + 1
    taken = drawn[:number].copy()
    taken[-1] -= ends[number - 1] - tokens
    return taken


def _tried(
    model: ProteinModelSettings,
    layers: int,
    settings: TrainingSettings,
    lengths: NDArray[np.int64],
    asked: float,
) -> Measured:
    _, width, heads = model.shape
    shallow = ProteinModelSettings(family=model.family, layers=layers, width=width, heads=heads)
    asking = {
        "model": shallow.model_dump(mode="json"), "training": settings.model_dump(mode="json"), "asked": asked,
        "lengths": np.random.default_rng(0).choice(lengths, 2000).tolist(), "threads": torch.get_num_threads(),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asking),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ModelError(
            f"{layers} blocks of the model could not be trained on this machine",
            why=(done.stderr.strip().splitlines() or ["the process was killed"])[-1],
            fix="plan for GPUs (--gpus), or set fewer `tokens` or a smaller model",
        )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def trained(asking: dict[str, Any]) -> Measured:
    """Train a model on packs of random residues; what it took."""
    torch.set_num_threads(asking["threads"])
    before = _most()
    settings = TrainingSettings(
        **{
            **asking["training"],
            "steps": STEPS,
            "schedule": {"warm_up": 0},
            "save_every": STEPS,
            "minutes": None,
        }
    )
    with torch.device("meta"):
        model = ProteinLanguageModel(ProteinModelSettings(**asking["model"]))
    task = RandomTask(model, np.array(asking["lengths"]), settings.tokens, settings.packs, asking["asked"])
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        train(task, settings, Path(folder), on_step=lambda report: seconds.append(report.seconds))
    return Measured(statistics.median(seconds[1:]), _most() - before)


def _most() -> float:
    """Bytes held at most so far: of the GPU if there is one in use, else of the process."""
    if torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_reserved())
    return 0.0 if torch.cuda.is_available() else 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    result = trained(json.load(sys.stdin))
    print(json.dumps({"seconds": result.seconds, "bytes": result.bytes}))
