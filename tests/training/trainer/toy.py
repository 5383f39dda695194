"""A task of the tests: a small network with a tied table, on hashed numbers, with micro-batches of unequal sizes.

It needs neither proteins nor files: every number is looked up from (seed, sample), as in real streams.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pajamo.errors import DataError
from pajamo.training.streams.hashing import hashed, uniform
from pajamo.training.trainer.task import Work

WIDTH, LETTERS = 12, 5
"""Five rows over four processes: the last has an empty piece of them."""


class Block(nn.Module):
    """Two matrices and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.into = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(3 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(torch.tanh(self.into(self.norm(x))))


class Network(nn.Module):
    """Letters in, letters out; the table of letters is used at both ends."""

    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))
        self.bias = nn.Parameter(torch.zeros(LETTERS))
        self.register_buffer("scale", torch.full((), 2.0), persistent=False)

    def forward(self, letters: Tensor) -> Tensor:
        x = self.embedding(letters)
        for block in self.blocks:
            x = block(x)
        return self.scale * x @ self.embedding.weight.T + self.bias

    def initialise(self, seed: int) -> None:
        """Each weight from a generator of its own."""
        with torch.no_grad():
            for number, weight in enumerate(self.parameters()):
                generator = torch.Generator().manual_seed(1000 * seed + number)
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
            self.scale.fill_(2.0)


@dataclass(frozen=True)
class Plan:
    """One micro-batch: its number among all, and its samples."""

    number: int
    samples: np.ndarray


@dataclass
class Toy:
    """Guess the next of letters that follow a noisy rule.

    `faults` maps a micro-batch's number to what goes wrong there: "nan", "spike", "unreadable", or a signal that
    its process gets.
    """

    packs: int = 4
    seed: int = 3
    blocks_: int = 2
    faults: dict[int, str] = field(default_factory=dict)
    module: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        with torch.device("meta"):
            self.module = Network(self.blocks_)

    def first(self) -> dict[str, Any]:
        return {"micro": 0}

    def plan(self, position: dict[str, Any]) -> tuple[list[Plan], dict[str, Any]]:
        first = position["micro"]
        sizes = [
            3 + int(hashed(self.seed, number) % np.uint64(6)) for number in range(first, first + self.packs)
        ]
        plans = [Plan(first + i, np.arange(size) + 1000 * (first + i)) for i, size in enumerate(sizes)]
        return plans, {"micro": first + self.packs}

    def micro_batch(self, plan: Plan, device: torch.device) -> tuple[int, Tensor, Tensor]:
        letters = (uniform(hashed(self.seed, 1, plan.samples)) * LETTERS).astype(np.int64)
        noise = (uniform(hashed(self.seed, 2, plan.samples)) < 0.1).astype(np.int64)
        return (
            plan.number,
            torch.from_numpy(letters).to(device),
            torch.from_numpy((3 * letters + 1 + noise) % LETTERS).to(device),
        )

    def weight(self, micro: tuple[int, Tensor, Tensor]) -> float:
        return float(len(micro[1]))

    def loss(self, module: nn.Module, micro: tuple[int, Tensor, Tensor]) -> Tensor:
        number, letters, targets = micro
        loss = nn.functional.cross_entropy(module(letters).float(), targets, reduction="sum")
        return loss * self._fault(number)

    def blocks(self, module: nn.Module) -> list[nn.Module]:
        return list(module.blocks)

    def fingerprint(self) -> dict[str, Any]:
        return {"model": f"network of {self.blocks_} blocks", "data": self.seed, "stream": self.packs}

    def work(self, micro: tuple[int, Tensor, Tensor]) -> Work:
        tokens = len(micro[1])
        return Work(tokens, tokens + 2, 6.0 * tokens * 864)

    def _fault(self, number: int) -> float:
        fault = self.faults.get(number, "")
        if fault == "unreadable":
            raise DataError("a sequence cannot be read", where="proteins.fasta, line 7")
        if fault.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, fault))
        return {"nan": float("nan"), "spike": 50.0}.get(fault, 1.0)


def weights_of(checkpoint: Path) -> dict[str, Tensor]:
    """All arrays of a checkpoint, whole."""
    from pajamo.training.engine.restoring import whole

    return whole(checkpoint, prefix="")[0]
