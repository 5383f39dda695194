"""Sharing out a training step: copies of all weights (DDP), or pieces of them (FSDP2), or pieces within a machine."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from pajamo.errors import ModelError
from pajamo.training.engine.processes import Processes, keep

Sharding = Literal["none", "full", "hybrid"]


class Spread:
    """A training step as all processes compute it together; gradients become sums over processes, not means.

    Parameters
    ----------
    step: maps a micro-batch to the sum of its losses; its weights may stand on the meta device.
    blocks: its parts that run one after the other.
    processes: which take part.
    sharding: none: all hold all weights; full: each holds a piece; hybrid: pieces within a machine, copies over
        machines.
    reduced: compute in bfloat16; weights and sums of gradients stay in 32 bits.

    Raises
    ------
    ModelError: a hybrid of machines with unequal numbers of processes.
    """

    def __init__(
        self,
        step: nn.Module,
        blocks: Sequence[nn.Module],
        processes: Processes,
        sharding: Sharding,
        reduced: bool,
    ) -> None:
        self.step, self.processes = step, processes
        self.sharded = processes.joined and sharding != "none"
        if self.sharded:
            _shard(step, blocks, processes, sharding, reduced)
        self._together: nn.Module | None = None

    def together(self) -> nn.Module:
        """The step to call, once its weights are filled."""
        if self._together is None:
            copies = self.processes.world > 1 and not self.sharded
            self._together = _copies(self.step) if copies else self.step
        return self._together

    def last(self, micro_batch: bool) -> AbstractContextManager[None]:
        """Around forward and backward pass of a micro-batch: gradients meet once, at the last of a step.

        Pieces of gradients meet at each micro-batch, because whole ones would not fit where weights must be shared
        out; only copies over machines wait for the last.
        """
        if isinstance(self._together, DistributedDataParallel) and not micro_batch:
            return self._together.no_sync()
        if self.sharded:
            self.step.set_requires_all_reduce(micro_batch)
        return contextlib.nullcontext()

    def rest(self) -> None:
        """Give back what was gathered for a forward pass that no backward pass follows."""
        if self.sharded:
            self.step.reshard()


def _shard(
    step: nn.Module, blocks: Sequence[nn.Module], processes: Processes, sharding: Sharding, reduced: bool
) -> None:
    # Imported where needed: it takes a second, which runs of one process need not spend.
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

    shape, names = _mesh(processes, sharding)
    mesh = init_device_mesh(processes.device.type, shape, mesh_dim_names=names)
    keep(mesh.get_all_groups())
    # Inputs keep their type: tables of rotary angles must not lose digits.
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if reduced else None, reduce_dtype=torch.float32, cast_forward_inputs=False
    )
    for block in blocks:
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(step, mesh=mesh, mp_policy=policy)
    for part in step.modules():
        if isinstance(part, FSDPModule):
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(True)


def _mesh(processes: Processes, sharding: Sharding) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if sharding == "full":
        return (processes.world,), ("pieces",)
    machines, rest = divmod(processes.world, processes.per_machine)
    if rest:
        raise ModelError(
            f"{processes.world} processes cannot be {processes.per_machine} on each machine",
            where='[training] sharding = "hybrid"',
            fix='start as many on every machine, or set sharding = "full"',
        )
    return (machines, processes.per_machine), ("machines", "pieces")


def _copies(step: nn.Module) -> DistributedDataParallel:
    # Tables are the same everywhere and need no exchange; torch 2.13 has another name for saying so.
    known = inspect.signature(DistributedDataParallel).parameters
    no_tables = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    together = DistributedDataParallel(step, gradient_as_bucket_view=True, **{no_tables: False})
    together.register_comm_hook(None, _summed)
    return together


def _summed(_, bucket):  # type: ignore[no-untyped-def]  # DDP refuses annotations that are texts, as all here are
    """Sum a bucket of gradients over processes; DDP's own way would divide by their number."""
    future = dist.all_reduce(bucket.buffer(), async_op=True).get_future()
    return future.then(lambda done: done.value()[0])
