"""Who writes and who reads which piece of an array, by torch's planners for distributed checkpoints.

The planners are torch.distributed.checkpoint's; its files are not used, because their index is a pickle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, DefaultSavePlanner
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import SavePlan, WriteItem

from pajamo.training.engine.manifest import Chunk, Stored
from pajamo.training.engine.processes import Processes

State = dict[str, Tensor]
"""Arrays by name, whole or of which each process holds a piece."""


@dataclass(frozen=True)
class Writing:
    """What this process writes, and (first process only) where everything will be."""

    own: dict[str, Tensor]
    arrays: dict[str, Stored]


def part_name(rank: int) -> str:
    """The file that a process writes."""
    return f"part_{rank:05d}.safetensors"


def planned_writing(state: State, processes: Processes) -> Writing:
    """Share out writing: a piece that several processes hold is written by one of them."""
    planner = DefaultSavePlanner(flatten_state_dict=False, flatten_sharded_tensors=False)
    planner.set_up_planner(state, is_coordinator=processes.first)
    plans = processes.gathered(planner.create_local_plan())
    final: list[SavePlan] = planner.create_global_plan(plans)[0] if processes.first else []
    own = planner.finish_plan(processes.dealt(final))
    pieces = {item.index.fqn: planner.resolve_data(item).detach() for item in own.items}
    return Writing(pieces, _placed(final))


def reads(state: State, arrays: dict[str, Stored]) -> Iterator[tuple[str, str, tuple[slice, ...], Tensor]]:
    """For each stored piece that this process needs: its file, its name, which part of it, and where it goes."""
    planner = DefaultLoadPlanner(flatten_state_dict=False, flatten_sharded_tensors=False)
    planner.set_up_planner(dict(state), _metadata(arrays), is_coordinator=True)
    files = {(name, chunk.offsets): chunk.file for name, one in arrays.items() for chunk in one.chunks}
    for item in planner.create_local_plan().items:
        name, offsets = item.storage_index.fqn, tuple(item.storage_index.offset)
        part = tuple(slice(a, a + n) for a, n in zip(item.storage_offsets, item.lengths, strict=True))
        yield files[name, offsets], name, part, planner.resolve_tensor(item).detach()


def _placed(plans: list[SavePlan]) -> dict[str, Stored]:
    chunks: dict[str, list[Chunk]] = {}
    items: dict[str, WriteItem] = {}
    for rank, plan in enumerate(plans):
        for item in plan.items:
            piece = item.tensor_data.chunk
            where = Chunk(tuple(piece.offsets), tuple(piece.sizes), part_name(rank))
            chunks.setdefault(item.index.fqn, []).append(where)
            items[item.index.fqn] = item
    return {
        name: Stored(
            str(item.tensor_data.properties.dtype).removeprefix("torch."),
            tuple(item.tensor_data.size),
            tuple(chunks[name]),
        )
        for name, item in items.items()
    }


def _metadata(arrays: dict[str, Stored]) -> Metadata:
    return Metadata(
        {
            name: TensorStorageMetadata(
                TensorProperties(dtype=one.torch_dtype),
                torch.Size(one.shape),
                [ChunkStorageMetadata(torch.Size(c.offsets), torch.Size(c.sizes)) for c in one.chunks],
            )
            for name, one in arrays.items()
        }
    )
