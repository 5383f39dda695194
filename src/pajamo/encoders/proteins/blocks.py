"""One block of the transformer: attention, then a feed-forward network, each added to what came in.

A block is what is compiled, recomputed and shared out over processors as a unit.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import gelu, silu

from pajamo.encoders.proteins.attention import attended
from pajamo.encoders.proteins.layout import Layout
from pajamo.encoders.proteins.rotary import turned

Family = Literal["esm2", "modern"]


class RootMeanSquareNorm(nn.RMSNorm):
    """RMS norm (Zhang & Sennrich 2019, arXiv 1910.07467), computed in the type of its weights.

    Autocast leaves it alone, and PyTorch has no fused form for an input in 16 bits with weights in 32.
    """

    def forward(self, hidden: Tensor) -> Tensor:
        """From (..., width) to the same shape."""
        return super().forward(hidden.to(self.weight.dtype))


def norm(family: Family, width: int) -> nn.Module:
    """Layer norm in ESM-2, RMS norm in the modern family."""
    return nn.LayerNorm(width, eps=1e-5) if family == "esm2" else RootMeanSquareNorm(width, eps=1e-6)


class Attention(nn.Module):
    """Each residue looks at all residues of its protein; positions enter by rotation.

    In the modern family queries and keys are normalised, which keeps the softmax from saturating at high learning
    rates (Henry et al. 2020, arXiv 2010.04245).
    """

    def __init__(self, family: Family, width: int, heads: int) -> None:
        super().__init__()
        bias = family == "esm2"
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(width, width, bias=bias)
        self.value = nn.Linear(width, width, bias=bias)
        self.output = nn.Linear(width, width, bias=bias)
        plain = family == "esm2"
        self.query_norm = nn.Identity() if plain else norm(family, width // heads)
        self.key_norm = nn.Identity() if plain else norm(family, width // heads)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        """From (tokens, width) to (tokens, width)."""
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)) for part in (self.query, self.key, self.value)
        )
        # Norms may return 32 bits under autocast; attention wants one type.
        query = turned(self.query_norm(query), layout.cosine, layout.sine).to(value.dtype)
        key = turned(self.key_norm(key), layout.cosine, layout.sine).to(value.dtype)
        return self.output(attended(query, key, value, layout).flatten(-2))


class GeluNetwork(nn.Module):
    """Four times as wide inside, with GELU; as in ESM-2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """From (tokens, width) to (tokens, width)."""
        return self.outer(gelu(self.inner(hidden)))


class GatedNetwork(nn.Module):
    """SwiGLU, 8/3 as wide inside (up to a multiple of 64): as many weights as `GeluNetwork`.

    Source: Shazeer 2020 (arXiv 2002.05202), equation 6.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inside = -(-8 * width // (3 * 64)) * 64
        self.gate = nn.Linear(width, inside, bias=False)
        self.inner = nn.Linear(width, inside, bias=False)
        self.outer = nn.Linear(inside, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """From (tokens, width) to (tokens, width)."""
        return self.outer(silu(self.gate(hidden)) * self.inner(hidden))


class Block(nn.Module):
    """Normalise, attend, add; normalise, transform, add."""

    def __init__(self, family: Family, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = norm(family, width)
        self.attention = Attention(family, width, heads)
        self.feed_forward_norm = norm(family, width)
        self.feed_forward = GeluNetwork(width) if family == "esm2" else GatedNetwork(width)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        """From (tokens, width) to (tokens, width)."""
        hidden = hidden + self.attention(self.attention_norm(hidden), layout)
        return hidden + self.feed_forward(self.feed_forward_norm(hidden))
