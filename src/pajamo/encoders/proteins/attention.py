"""Attention within each protein of a pack: the one place that chooses how it is computed.

flash: `varlen_attn` of PyTorch on a GPU in 16 bits; flex: `flex_attention` with a mask of documents, on a GPU where
flash is not to be had; exact: protein by protein, anywhere, in any precision. All three compute the same sums.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.attention import flex_attention as flex
from torch.nn.functional import scaled_dot_product_attention

from pajamo.encoders.proteins.layout import Kernel, Layout, sequence_of
from pajamo.encoders.proteins.packed import PackedTokens

try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # older than 2.10, or built without it
    varlen_attn = None


def layout_of(packed: PackedTokens, head_width: int, dtype: torch.dtype) -> Layout:
    """The layout of a pack for heads of a width, and the kernel for its device and the type of what is computed."""
    kernel = chosen(packed.device, _computed(packed.device, dtype)) if len(packed.tokens) else "exact"
    return Layout.of(packed, head_width, kernel, documents(packed) if kernel == "flex" else None)


@cache
def chosen(device: torch.device, dtype: torch.dtype) -> Kernel:
    """The kernel for a device and the type of queries, keys and values."""
    if device.type != "cuda":
        return "exact"
    in_half = dtype in (torch.bfloat16, torch.float16)
    modern = torch.cuda.get_device_capability(device) >= (8, 0)
    return "flash" if varlen_attn is not None and in_half and modern else "flex"


def _computed(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """The type of products, which autocast changes behind a model's back."""
    autocast = torch.is_autocast_enabled(device.type)
    return torch.get_autocast_dtype(device.type) if autocast else dtype


def attended(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Values averaged with softmax(query . key / sqrt(head width)) over the tokens of the same protein.

    Parameters
    ----------
    query, key, value: shape (tokens, heads, head width).

    Returns
    -------
    The same shape.
    """
    if not len(
        query
    ):  # nothing to do; the sum keeps all three in the graph, so that their gradients are zeros
        return query + key + value
    if layout.kernel == "flex":
        return _flex(query, key, value, layout)
    if layout.kernel == "flash":
        starts, longest = layout.starts, layout.longest
        return varlen_attn(query, key, value, starts, starts, longest, longest)
    return _exact(query, key, value, layout)


@torch.compiler.disable
def _exact(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Outside of compiled code, which would be compiled anew for each pack's lengths."""
    return exact(query, key, value, layout.lengths)


def exact(query: Tensor, key: Tensor, value: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Protein by protein; neighbours of one length at once.

    In 32 bits at least, even where the model computes in 16: on processors the backward pass of PyTorch's attention
    is eleven times slower in bfloat16 than in 32 bits (measured with 20 heads of 16).
    """
    runs = [(length, len(list(run))) for length, run in groupby(lengths)]
    sizes = [length * count for length, count in runs]
    parts = zip(runs, *(_wide(t).split(sizes) for t in (query, key, value)), strict=True)
    with torch.autocast(query.device.type, enabled=False):
        found = torch.cat([_together(count, *tensors) for (_, count), *tensors in parts])
    return found.to(value.dtype)


def _wide(heads: Tensor) -> Tensor:
    return heads if heads.dtype == torch.float64 else heads.float()


def _together(count: int, *tensors: Tensor) -> Tensor:
    """Attention in `count` proteins of one length."""
    query, key, value = (t.unflatten(0, (count, -1)).transpose(1, 2) for t in tensors)
    return scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(0, 1)


def documents(packed: PackedTokens) -> flex.BlockMask:
    """Which blocks of tokens hold a protein in common, for flex attention."""
    of = sequence_of(packed)

    def same(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:  # noqa: ARG001
        return of[query] == of[key]

    tokens = len(packed.tokens)
    return flex.create_block_mask(same, None, None, tokens, tokens, device=str(packed.device))


@cache
def _compiled() -> object:
    return torch.compile(flex.flex_attention)


def _flex(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    attend = _compiled() if query.is_cuda else flex.flex_attention
    batch = (t.transpose(0, 1).unsqueeze(0) for t in (query, key, value))
    return attend(*batch, block_mask=layout.documents).squeeze(0).transpose(0, 1)
