"""The transformer that describes each residue of a protein by the residues around it."""

from __future__ import annotations

from torch import Tensor, nn

from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.alphabet import MASK, PAD, TOKENS
from pajamo.encoders.proteins.attention import layout_of
from pajamo.encoders.proteins.blocks import Block, norm
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import ModelError


class ProteinTransformer(nn.Module):
    """Pre-norm transformer with rotary positions over packs of proteins.

    Sources: ESM-2, Lin et al. 2023 (Science 379, 1123), supplement A.1; the modern family changes norms, activations,
    biases and the normalisation of queries and keys (see `blocks`).

    Attributes
    ----------
    settings: family and size.
    embedding: one row a token, shape (33, width).
    blocks: what is compiled, recomputed and shared out, one at a time.
    norm: of the last block's output.
    """

    def __init__(self, settings: ProteinModelSettings) -> None:
        super().__init__()
        layers, width, heads = settings.shape
        self.settings, self.width, self.head_width = settings, width, width // heads
        self.embedding = nn.Embedding(len(TOKENS), width, padding_idx=PAD)
        self.blocks = nn.ModuleList(Block(settings.family, width, heads) for _ in range(layers))
        self.norm = norm(settings.family, width)

    @property
    def narrower(self) -> dict[str, float]:
        """First spread of the matrices that add to a block's input, relative to all others."""
        if self.settings.family == "esm2":
            return {}
        scale = (2 * len(self.blocks)) ** -0.5
        ends = ("attention.output.weight", "feed_forward.outer.weight")
        return {f"blocks.{number}.{end}": scale for number in range(len(self.blocks)) for end in ends}

    def forward(self, packed: PackedTokens, layers: int | None = None) -> Tensor:
        """Describe each token by `width` numbers, shape (tokens, width).

        Parameters
        ----------
        layers: blocks that are run; all, and the norm behind them, if not given or if it is their number. With 0
            the embedding is returned.

        Raises
        ------
        ModelError: the model has no such block.
        """
        hidden = self._embedded(packed)
        layout = layout_of(packed, self.head_width, hidden.dtype)
        for block in self.blocks[: self._checked(layers)]:
            hidden = block(hidden, layout)
        return self.norm(hidden) if layers in (None, len(self.blocks)) else hidden

    def _embedded(self, packed: PackedTokens) -> Tensor:
        """Embeddings; ESM-2 shows <mask> as zeros and scales the others up for what is missing."""
        hidden = self.embedding(packed.tokens)
        if self.settings.family == "modern":
            return hidden
        scale = packed.mask_scale.masked_fill(packed.tokens == MASK, 0.0)
        return hidden * scale[:, None].to(hidden.dtype)

    def _checked(self, layers: int | None) -> int:
        if layers is not None and not 0 <= layers <= len(self.blocks):
            raise ModelError(f"there is no layer {layers}", fix=f"layers are 0 to {len(self.blocks)}")
        return len(self.blocks) if layers is None else layers
