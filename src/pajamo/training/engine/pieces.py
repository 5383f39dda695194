"""Arrays of which each process holds a piece."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor


def piece(tensor: Tensor) -> Tensor:
    """What this process holds of an array: it shares its memory, so that a change of it is a change of the array."""
    with torch.no_grad():
        return tensor.to_local() if isinstance(tensor, DTensor) else tensor.detach()


def with_piece(like: Tensor, held: Tensor) -> Tensor:
    """An array of which this process holds `held`, shared out as `like`."""
    if not isinstance(like, DTensor):
        return held
    return DTensor.from_local(
        held, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
    )


def shards(tensor: Tensor) -> int:
    """Into how many different pieces an array is cut; 1 if every process holds all of it."""
    if not isinstance(tensor, DTensor):
        return 1
    sizes = zip(tensor.placements, tensor.device_mesh.shape, strict=True)
    return int(torch.tensor([size for placement, size in sizes if placement.is_shard()]).prod())


def squared_norm(gradients: Iterable[Tensor], world: int) -> Tensor:
    """This process's contribution to the squared norm of all gradients; their sum over processes is the norm's.

    A piece that several processes hold counts for a part in each.
    """
    by_copies: dict[int, list[Tensor]] = {}
    for gradient in gradients:
        by_copies.setdefault(world // shards(gradient), []).append(piece(gradient))
    total = torch.zeros((), dtype=torch.float64)
    for copies, held in by_copies.items():
        norm = torch.nn.utils.get_total_norm(held).double()
        total = total.to(norm.device) + norm * norm / copies
    return total
