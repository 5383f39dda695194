"""Sums of table entries by index, and their adjoint, without keeping the indices of a whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

Indices = Callable[[Tensor], Tensor]
"""Codes (sequences, length) to places in a table, Long (sequences, active); one past its end adds nothing."""

ENTRIES = 2**16
"""Entries that are looked up at once: half a MiB of indices, which stay in a core's cache."""


def gather_sum(weights: Tensor, codes: Tensor, indices: Indices, active: int) -> Tensor:
    """Sum of the weights that each sequence switches on, shape (sequences,).

    Rows are taken in blocks, and the backward pass works the indices out again: a batch of long sequences with all
    pairs needs memory for one block only. Differentiable twice; the second derivative by the weights is zero.

    Parameters
    ----------
    weights: table, shape (features,).
    codes: letters, shape (sequences, length).
    indices: which entries a block of sequences switches on.
    active: how many those are for each sequence.
    """
    summed: Tensor = _Gather.apply(weights, codes, indices, active)
    return summed


def scatter_add(values: Tensor, codes: Tensor, indices: Indices, active: int, features: int) -> Tensor:
    """The adjoint of `gather_sum`: for each feature, the sum of the values of the sequences that have it.

    Parameters
    ----------
    values: one number a sequence, shape (sequences,).
    codes, indices, active: as for `gather_sum`.
    features: length of the table.
    """
    summed: Tensor = _Scatter.apply(values, codes, indices, active, features)
    return summed


class _Gather(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weights: Tensor, codes: Tensor, indices: Indices, active: int) -> Tensor:
        table = torch.nn.functional.pad(weights, (0, 1))
        return torch.cat([table[indices(block)].sum(dim=-1) for block in _blocks(codes, active)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        weights, codes, ctx.indices, ctx.active = inputs
        ctx.features = len(weights)
        ctx.save_for_backward(codes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (codes,) = ctx.saved_tensors
        return scatter_add(gradients[0], codes, ctx.indices, ctx.active, ctx.features), None, None, None


class _Scatter(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, codes: Tensor, indices: Indices, active: int, features: int) -> Tensor:
        total = values.new_zeros(features + 1)
        first = 0
        for block in _blocks(codes, active):
            places = indices(block)
            repeated = values[first : first + len(block), None].expand(places.shape)
            total.index_add_(0, places.reshape(-1), repeated.reshape(-1))
            first += len(block)
        return total[:-1].clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        _, codes, ctx.indices, ctx.active, _ = inputs
        ctx.save_for_backward(codes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (codes,) = ctx.saved_tensors
        return gather_sum(gradients[0], codes, ctx.indices, ctx.active), None, None, None, None


def _blocks(codes: Tensor, active: int) -> Iterator[Tensor]:
    return iter(codes.split(max(1, ENTRIES // active)))
