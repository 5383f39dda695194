"""The processes of a run: how many there are is said by torchrun; without it there is one."""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from pajamo.errors import ModelError, PajamoError
from pajamo.training.engine.arithmetic import steady
from pajamo.training.engine.devices import Choice, chosen_device
from pajamo.training.engine.liveness import Watch

T = TypeVar("T")

WAIT = timedelta(minutes=30)
"""For other processes in one exchange: longer than any pause of a healthy one (compiling, a slow disk)."""


@dataclass(frozen=True)
class Processes:
    """The processes of a run, seen from one of them.

    Attributes
    ----------
    device: on which this process computes.
    rank: number of this process, from 0.
    world: number of processes.
    per_machine: processes on one machine.
    joined: whether they exchange messages; a process started without torchrun does not.
    """

    device: torch.device
    rank: int = 0
    world: int = 1
    per_machine: int = 1
    joined: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """For messages."""
        return f"process {self.rank} of {self.world} ({socket.gethostname()})"

    def sum(self, values: Tensor) -> Tensor:
        """Sum over processes, in place; all get the same bits."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def gathered(self, value: T) -> list[T]:
        """The values of all processes, by number; every process gets them."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def told(self, value: T) -> T:
        """The value of the first process."""
        if self.world == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def dealt(self, values: Sequence[T]) -> T:
        """This process's one of the values that the first process has for all."""
        if self.world == 1:
            return values[0]
        box: list[Any] = [None]
        dist.scatter_object_list(box, list(values) if self.first else None, src=0)
        return box[0]

    def share(self, items: Sequence[T]) -> list[T]:
        """The items that are this process's to work on."""
        return list(items[self.rank :: self.world])

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.world > 1:
            self.gathered(None)


@contextmanager
def processes(choice: Choice = "auto") -> Iterator[Processes]:
    """Join the processes that torchrun has started, and part from them at the end.

    Parameters
    ----------
    choice: of the device.

    Raises
    ------
    ModelError: a GPU is asked for where there is none, or what torchrun says of the processes cannot be.
    ProcessLost: another process died or failed; the message says which.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        with steady(chosen_device(choice)) as device:
            yield Processes(device)
        return
    rank, world, local = (_number(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    device = chosen_device(choice, local)
    watch = _join(rank, world, device)
    try:
        with steady(device):
            yield Processes(device, rank, world, _number("LOCAL_WORLD_SIZE", world), joined=True)
        _settle(world)
    except BaseException as error:
        explained = _explained(error, watch)
        watch.leave_word()
        # A group of GPUs would first wait for messages that will never come.
        _part(watch, destroy=device.type != "cuda")
        raise explained from (None if isinstance(error, PajamoError) else error)
    _part(watch)


def _join(rank: int, world: int, device: torch.device) -> Watch:
    address = os.environ.get("MASTER_ADDR", "127.0.0.1"), _number("MASTER_PORT")
    # Under torchrun its agent keeps the store; otherwise the first process does.
    keeps = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    # torchrun may start processes anew: messages of an earlier attempt are not for them.
    attempt = f"pajamo/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    store = dist.TCPStore(*address, is_master=keeps, timeout=WAIT, wait_for_workers=False)
    watch = Watch(address, attempt, rank, world)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
        store=dist.PrefixStore(attempt, store),
        rank=rank,
        world_size=world,
        timeout=WAIT,
        device_id=device if device.type == "cuda" else None,
    )
    keep([dist.group.WORLD])
    return watch


def _explained(error: BaseException, watch: Watch) -> BaseException:
    """A failed message is the fault of a process that is gone; any other error is this process's own."""
    if isinstance(error, RuntimeError) and _of_messages(error):
        lost = watch.lost()
        if lost is not None:
            return lost
    watch.announce(error)
    return error


def _of_messages(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(
        word in text for word in ("gloo", "nccl", "connection", "socket", "process group")
    )


def keep(groups: Sequence[dist.ProcessGroup]) -> None:
    """Keep groups of processes until Python ends.

    When the last reference to a group goes, torch waits, holding Python's lock, for the group's thread, which may
    itself wait for that lock to let go of the last message: both would wait for ever (seen with gloo, torch 2.13).
    """
    _KEPT.extend(groups)


_KEPT: list[dist.ProcessGroup] = []


def _settle(world: int) -> None:
    """Wait until torch's threads have let go of all messages.

    A thread that must still free one when Python ends aborts the process, and what was trained well looks failed.
    """
    for _ in range(2 if world > 1 else 0):  # gloo has two threads
        message = torch.zeros(1)
        held = weakref.ref(message)
        dist.all_reduce(message)
        del message
        while held() is not None:
            time.sleep(0.001)


def _part(watch: Watch, destroy: bool = True) -> None:
    watch.end()
    if destroy and dist.is_initialized():
        dist.destroy_process_group()


def _number(name: str, default: int | None = None) -> int:
    text = os.environ.get(name, None if default is None else str(default))
    try:
        return int(str(text))
    except ValueError:
        raise ModelError(
            f"the environment variable {name} is {text!r}, not a number",
            why="torchrun sets RANK, WORLD_SIZE, LOCAL_RANK and MASTER_PORT together; one is missing or wrong",
            fix="start with torchrun, or unset RANK to run one process",
        ) from None
