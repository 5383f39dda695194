"""Kill a training again and again (kill -9), mostly while it saves, and see what is lost.

Each start goes on from what it finds. After each kill the newest checkpoint must be whole and not older than before,
and the weights at the end must have the bits of a training that was never killed.

    python benchmarks/kill_and_resume.py [--kills 150] [--processes 1]

With several processes one of them is killed, and the others must stop by themselves.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed.fsdp
from torch import Tensor, nn

from common import machine
from pajamo.config.proteins.training import OptimiserSettings, ScheduleSettings, TrainingSettings
from pajamo.errors import PajamoError
from pajamo.training.engine.checkpoints import committed_steps
from pajamo.training.engine.restoring import whole
from pajamo.training.trainer.loop import train

WIDTH = 512
"""A million weights: a checkpoint of 13 MB, whose writing takes longer than a step."""


class Layers(nn.Module):
    """Four matrices, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Rows in, rows out."""
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return x

    def initialise(self, seed: int) -> None:
        """Normal weights."""
        for number, weight in enumerate(self.parameters()):
            generator = torch.Generator().manual_seed(seed + number)
            weight.copy_(0.02 * torch.randn(weight.shape, generator=generator))


@dataclass
class Copying:
    """Learn to turn rows of random numbers by one place."""

    module: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        with torch.device("meta"):
            self.module = Layers()

    def first(self) -> dict[str, Any]:
        """Before the first step."""
        return {"step": 0}

    def plan(self, position: dict[str, Any]) -> tuple[list[tuple[int, int]], dict[str, Any]]:
        """Two micro-batches a step."""
        step = position["step"]
        return [(step, part) for part in range(2)], {"step": step + 1}

    def micro_batch(self, plan: tuple[int, int], device: torch.device) -> Tensor:
        """Rows that depend on the plan alone."""
        rows = np.random.default_rng(plan).normal(size=(8, WIDTH)).astype(np.float32)
        return torch.from_numpy(rows).to(device)

    def weight(self, micro: Tensor) -> float:
        """Numbers in it."""
        return float(micro.numel())

    def loss(self, module: nn.Module, micro: Tensor) -> Tensor:
        """Squared error."""
        return (module(micro) - micro.roll(1, dims=1)).square().sum()

    def blocks(self, module: nn.Module) -> list[nn.Module]:
        """The matrices."""
        return list(module.blocks)

    def fingerprint(self) -> dict[str, Any]:
        """There is one only."""
        return {"model": "layers", "data": "rows of random numbers"}


def settings(steps: int, sharding: str) -> TrainingSettings:
    return TrainingSettings(
        steps=steps,
        save_every=1,
        keep=2,
        device="cpu",
        sharding=sharding,
        schedule=ScheduleSettings(warm_up=0, shape="constant"),
        optimiser=OptimiserSettings(learning_rate=1e-3),
    )


def started(folder: Path, steps: int, processes: int) -> list[int]:
    """Start a training in processes of its own; their numbers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    return [_forked(folder, steps, processes, rank, port) for rank in range(processes)]


def _forked(folder: Path, steps: int, processes: int, rank: int, port: int) -> int:
    if child := os.fork():
        return child
    if processes > 1:
        names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_PORT")
        values = (rank, rank, processes, processes, port)
        os.environ.update(dict(zip(names, map(str, values), strict=True)), MASTER_ADDR="127.0.0.1")
    try:
        train(Copying(), settings(steps, "full" if processes > 1 else "none"), folder)
        os._exit(0)
    except PajamoError:
        os._exit(1)
    finally:
        os._exit(2)


def kill(folder: Path, children: list[int], random: np.random.Generator) -> bool:
    """Wait until the training has come on, then for a random while, kill a process; whether it was saving."""
    before, end = newest(folder), time.monotonic() + 60
    while newest(folder) <= before and time.monotonic() < end and not _gone(children):
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.1))
    victim = children[random.integers(len(children))]
    saving = any(folder.glob("step_*.unfinished"))
    os.kill(victim, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    return saving


def _gone(children: list[int]) -> bool:
    """Whether a child has ended, without taking note of it."""
    return any(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) for child in children)


def newest(folder: Path) -> int:
    return max(committed_steps(folder), default=-1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    random, saving, lost, step = np.random.default_rng(given.seed), 0, 0, -1
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "killed"
        for _ in range(given.kills):
            saving += kill(folder, started(folder, 10**6, given.processes), random)
            found = newest(folder)
            whole(folder / f"step_{found}")  # raises if a byte of it is not as it was written
            lost += found < step
            step = found
        last = step + 3
        for name in ("killed", "never killed"):
            for child in started(Path(base) / name, last, given.processes):
                if os.waitpid(child, 0)[1] != 0:
                    raise SystemExit(f"the training that was {name} did not end well")
        one, other = (whole(Path(base) / name / f"step_{last}", "")[0] for name in ("killed", "never killed"))
        equal = all(torch.equal(one[name], other[name]) for name in one)
    print(machine())
    print(f"{given.kills} kills of {given.processes} process(es), {saving} while saving, {last} steps")
    print(f"checkpoints damaged: 0, lost: {lost}; weights at the end equal to the bit: {equal}")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
