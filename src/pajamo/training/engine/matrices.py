"""Work that needs whole matrices of which each process holds rows: each process works on some matrices, for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from pajamo.training.engine.processes import Processes

Work = Callable[[Tensor], Tensor]


def for_whole_matrices(
    like: Sequence[Tensor], held: Sequence[Tensor], work: Work, processes: Processes
) -> list[Tensor]:
    """Apply `work` to matrices, each as a whole and by one process, and return this process's pieces of the results.

    Parameters
    ----------
    like: the weights, which tell how the matrices are shared out.
    held: this process's piece of each matrix.
    work: maps a matrix to one of the same shape and type.
    processes: that take part; all call this with the same matrices in the same order.
    """
    if not held:
        return []
    if isinstance(like[0], DTensor):
        return _by_rows([weight for weight in like if isinstance(weight, DTensor)], held, work)
    if processes.world == 1:
        return [work(matrix) for matrix in held]
    return _by_turns(held, work, processes)


def _by_turns(held: Sequence[Tensor], work: Work, processes: Processes) -> list[Tensor]:
    """All processes hold all matrices: each works on every so many-th and tells the others."""
    results = [
        work(matrix) if turn % processes.world == processes.rank else torch.empty_like(matrix)
        for turn, matrix in enumerate(held)
    ]
    told = [
        dist.broadcast(result, src=turn % processes.world, async_op=True)
        for turn, result in enumerate(results)
    ]
    for one in told:
        one.wait()
    return results


def _by_rows(like: Sequence[DTensor], held: Sequence[Tensor], work: Work) -> list[Tensor]:
    """Processes hold rows: as many matrices as processes at a time go to one process each, and back."""
    mesh, placements = like[0].device_mesh, like[0].placements
    axis = next(i for i, placement in enumerate(placements) if placement.is_shard())
    group, count, mine = mesh.get_group(axis), mesh.size(axis), mesh.get_local_rank(axis)
    results: list[Tensor] = []
    for first in range(0, len(held), count):
        shapes = [tuple(weight.shape) for weight in like[first : first + count]]
        shapes += [(0, 0)] * (count - len(shapes))
        pieces = list(held[first : first + count])
        results += _exchanged(shapes, pieces, work, group, mine)
    return results


def _exchanged(
    shapes: list[tuple[int, ...]], pieces: list[Tensor], work: Work, group: dist.ProcessGroup, mine: int
) -> list[Tensor]:
    count = len(shapes)
    rows, columns = shapes[mine]
    sent = [piece.numel() for piece in pieces] + [0] * (count - len(pieces))
    received = [n * columns for n in _rows(rows, count)]
    whole = pieces[0].new_empty(rows * columns)
    dist.all_to_all_single(whole, torch.cat([p.reshape(-1) for p in pieces]), received, sent, group=group)
    done = work(whole.view(rows, columns)) if whole.numel() else whole
    back = pieces[0].new_empty(sum(sent))
    dist.all_to_all_single(back, done.reshape(-1).contiguous(), sent, received, group=group)
    return [part.view_as(piece) for part, piece in zip(back.split(sent[: len(pieces)]), pieces, strict=True)]


def _rows(rows: int, count: int) -> list[int]:
    """Rows that each process holds of a matrix: as torch.chunk cuts it."""
    most = -(-rows // count)
    return [max(0, min(most, rows - most * i)) for i in range(count)]
