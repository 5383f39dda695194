"""Tokens that were hidden: how probable each of the 33 is at a place, given its description."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, linear, log_softmax

from pajamo.data.proteins.alphabet import TOKENS


class MaskedTokens(nn.Module):
    """A categorical distribution over tokens; its likelihood is the loss of a masked language model.

    The last matrix is the embedding's own (Press & Wolf 2017, arXiv 1608.05859); it is given at each call, so that a
    model shared out over processors holds it once.

    Source: Devlin et al. 2019 (arXiv 1810.04805), section 3.1; the head of ESM-2.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.bias = nn.Parameter(torch.zeros(len(TOKENS)))

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """Logits in nats, shape (places, 33), from descriptions (places, width) and the embedding (33, width)."""
        return linear(self.norm(gelu(self.dense(hidden))), embedding, self.bias)

    def log_probabilities(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """ln p of each token at each place, shape (places, 33), in 32 bits or more."""
        return log_softmax(_wide(self(hidden, embedding)), dim=-1)

    def loss(self, hidden: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
        """Sum over places of -ln p(the true token), in nats; zero, with a gradient, if there are no places."""
        return cross_entropy(_wide(self(hidden, embedding)), targets, reduction="sum")


def _wide(logits: Tensor) -> Tensor:
    """Sums over tokens and places need 32 bits."""
    return logits if logits.dtype == torch.float64 else logits.float()
