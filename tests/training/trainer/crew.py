"""Run trainings of the toy task in processes of their own: `python -m tests.training.trainer.crew jobs.json`.

Torch is imported once; each process of each job is a fork. A job is {"name", "folder", "task", "settings"} and may
say "world" (processes), "machine" (processes on one machine), "plain" (one process without torchrun's variables),
"die_at" (process 1, or the only one, kills itself in its n-th call that changes the disk) and "full_at" (its
disk is full from that call on). One line of JSON for each process goes to the standard output.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.distributed.fsdp
import torch.distributed.tensor.experimental  # noqa: F401  (imported here once, not in every fork)
from tests.training.trainer.toy import Toy

from pajamo.config.proteins.training import TrainingSettings
from pajamo.config.strict import parse
from pajamo.errors import PajamoError
from pajamo.training.engine import checkpoints
from pajamo.training.trainer.loop import train
from pajamo.training.trainer.validation import Trained


def settings_of(given: dict[str, Any]) -> TrainingSettings:
    """Small defaults, and what a job says."""
    usual: dict[str, Any] = {
        "steps": 12,
        "packs": 4,
        "save_every": 5,
        "validate_every": 6,
        "device": "cpu",
        "schedule": {"warm_up": 2},
    }
    optimiser = {"learning_rate": 0.01, **given.get("optimiser", {})}
    return parse(TrainingSettings, {**usual, **given, "optimiser": optimiser}, "job")


def validate(trained: Trained) -> dict[str, float]:
    """Loss of five micro-batches that are not trained on."""
    plans = [plan for first in (8000, 9000) for plan in trained.task.plan({"micro": first})[0]][:5]
    loss, weight = trained.loss(plans)
    return {"loss": loss / weight}


class Disk:
    """Counts calls that change the disk; this process dies at one of them, or the disk is full from one on."""

    def __init__(self, die_at: int | None, full_at: int | None) -> None:
        self.calls, self.die_at, self.full_at = 0, die_at, full_at
        self._save = checkpoints.save_file
        os.fsync = self._counted(os.fsync)
        os.replace = self._counted(os.replace)
        shutil.rmtree = self._counted(shutil.rmtree)
        checkpoints.save_file = self._counted(checkpoints.save_file, self._half)

    def _counted(
        self, call: Callable[..., Any], first: Callable[..., Any] | None = None
    ) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.die_at:
                if first is not None:
                    first(*given)
                os.kill(os.getpid(), signal.SIGKILL)
            if self.full_at is not None and self.calls >= self.full_at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*given, **named)

        return counted

    def _half(self, pieces: Any, path: Path) -> None:
        self._save(pieces, path)
        os.truncate(path, path.stat().st_size // 2)


def one_process(job: dict[str, Any], rank: int, port: int) -> dict[str, Any]:
    """What became of one process of a job."""
    world = job.get("world", 1)
    if not job.get("plain"):
        os.environ.update(
            RANK=str(rank),
            WORLD_SIZE=str(world),
            LOCAL_RANK=str(rank),
            LOCAL_WORLD_SIZE=str(job.get("machine", world)),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
        )
    given = dict(job.get("task", {}))
    given["faults"] = {int(number): fault for number, fault in given.get("faults", {}).items()}
    if rank == min(1, world - 1):
        Disk(job.get("die_at"), job.get("full_at"))
    began = time.monotonic()
    try:
        result = train(Toy(**given), settings_of(job["settings"]), Path(job["folder"]), validate=validate)
    except PajamoError as error:
        return {"error": type(error).__name__, "text": str(error), "seconds": time.monotonic() - began}
    return {
        "stopped": result.stopped,
        "steps": result.steps,
        "updates": result.updates,
        "order": result.order,
        "code": result.exit_code,
    }


def forked(job: dict[str, Any], rank: int, port: int) -> int:
    """Start a process of a job; its number."""
    if child := os.fork():
        return child
    code = 1
    try:
        outcome = one_process(job, rank, port)
        os.write(1, (json.dumps({"job": job["name"], "rank": rank, **outcome}) + "\n").encode())
        code = 0
    finally:
        os._exit(code)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    """Do the jobs one after the other."""
    warnings.simplefilter("error")
    for job in json.loads(Path(sys.argv[1]).read_text()):
        port = free_port()
        for child in [forked(job, rank, port) for rank in range(job.get("world", 1))]:
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
