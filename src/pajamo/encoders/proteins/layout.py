"""Where each protein of a pack lies, computed once and read by every block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.rotary import turns

Kernel = Literal["flash", "flex", "exact"]


@dataclass(frozen=True)
class Layout:
    """Bounds of sequences and the turns of their positions.

    Attributes
    ----------
    starts: first token of each sequence, and the number of tokens; shape (sequences + 1,), int32.
    lengths: tokens of each sequence.
    longest: a bound on them.
    cosine, sine: turns of rotary positions; shape (tokens, 1, half of a head's width), float32.
    kernel: how attention is computed.
    documents: blocks of tokens that may attend to one another, where flex attention needs them.
    """

    starts: Tensor
    lengths: tuple[int, ...]
    longest: int
    cosine: Tensor
    sine: Tensor
    kernel: Kernel
    documents: BlockMask | None

    @classmethod
    def of(
        cls,
        packed: PackedTokens,
        head_width: int,
        kernel: Kernel = "exact",
        documents: BlockMask | None = None,
    ) -> Layout:
        """The layout of a pack for heads of a width."""
        cosine, sine = turns(packed.positions, head_width)
        return cls(packed.starts, packed.lengths, packed.longest, cosine, sine, kernel, documents)


def sequence_of(packed: PackedTokens) -> Tensor:
    """Number of the sequence to which each token belongs; shape (tokens,), int64."""
    lengths = packed.starts.diff()
    numbers = torch.arange(len(lengths), device=packed.device)
    return torch.repeat_interleave(numbers, lengths, output_size=len(packed.tokens))
