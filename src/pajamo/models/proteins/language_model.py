"""The masked protein language model: a transformer that describes residues, and the distribution of hidden ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.config.proteins import ProteinModelSettings
from pajamo.encoders.proteins.initial import initialise
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.measurements.masked_tokens import MaskedTokens


class ProteinLanguageModel(nn.Module):
    """ESM-2 (Lin et al. 2023, Science 379, 1123) or its modern variant, at any size.

    Calling the model computes the loss, so that whatever wraps a module for training sees the whole computation.

    Attributes
    ----------
    settings: family and size.
    encoder: residues to descriptions.
    head: descriptions to distributions over tokens; it borrows the encoder's embedding.
    """

    def __init__(self, settings: ProteinModelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = ProteinTransformer(settings)
        self.head = MaskedTokens(self.encoder.width)

    def initialise(self, seed: int) -> None:
        """Fill the weights anew, from the seed alone."""
        initialise(self, seed)

    def forward(self, packed: PackedTokens) -> Tensor:
        """Sum of -ln p of the tokens that are asked for, in nats."""
        hidden = self.encoder(packed)[packed.places]
        return self.head.loss(hidden, self.encoder.embedding.weight, packed.targets)

    def loss(self, packed: PackedTokens) -> tuple[Tensor, int]:
        """The same sum, and of how many tokens."""
        return self(packed), packed.asked

    def log_probabilities(self, packed: PackedTokens, places: Tensor | None = None) -> Tensor:
        """ln p of each of the 33 tokens, in nats.

        Parameters
        ----------
        places: tokens of the pack that are wanted; all, padding included, if not given.

        Returns
        -------
        Shape (places, 33).
        """
        hidden = self.encoder(packed)
        rows = hidden if places is None else hidden[places]
        return self.head.log_probabilities(rows, self.encoder.embedding.weight)

    @torch.inference_mode()
    def embeddings(self, packed: PackedTokens, layers: int | None = None) -> Tensor:
        """Descriptions of all tokens after a number of blocks (all and the last norm, if not given).

        Returns
        -------
        Shape (tokens, width).
        """
        return self.encoder(packed, layers)
