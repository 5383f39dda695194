"""How much a model computes, counted from the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from pajamo.config.proteins import ProteinModelSettings
from pajamo.models.proteins.language_model import ProteinLanguageModel


@dataclass(frozen=True)
class Size:
    """Weights of a model, and what a token costs.

    Attributes
    ----------
    weights: of the whole model.
    block: of one block.
    matrices: of those, how many stand in matrices inside blocks (the ones that Muon takes).
    embedding: of the embedding, which is the decoder as well.
    head: of the head, without the decoder.
    layers, width: of the transformer.
    """

    weights: int
    block: int
    matrices: int
    embedding: int
    head: int
    layers: int
    width: int

    @classmethod
    def of(cls, settings: ProteinModelSettings) -> Self:
        """Count the weights of a model that is made without memory for them."""
        with torch.device("meta"):
            model = ProteinLanguageModel(settings)
        layers, width, _ = settings.shape
        block = model.encoder.blocks[0]
        whole = count(model)
        inside = sum(p.numel() for p in block.parameters() if p.ndim == 2)
        head = whole - count(model.encoder)
        return cls(whole, count(block), inside * layers, count(model.encoder.embedding), head, layers, width)

    def operations(self, lengths: ArrayLike, asked: float) -> float:
        """Multiplications and additions of a forward and a backward pass over packed sequences.

        Two for each weight of a matrix and token, four for each pair of tokens of a sequence and dimension, and twice
        as many again for the backward pass; the head counts for the tokens that are asked for alone.

        Parameters
        ----------
        lengths: tokens of each sequence.
        asked: tokens that the head is applied to.
        """
        tokens = np.asarray(lengths, dtype=np.float64)
        blocks = 2 * self.matrices * tokens.sum() + 4 * self.layers * self.width * (tokens**2).sum()
        head = 2 * (self.width**2 + self.embedding) * asked
        return float(3 * (blocks + head))


def count(module: nn.Module) -> int:
    """Weights of a module."""
    return sum(p.numel() for p in module.parameters())
