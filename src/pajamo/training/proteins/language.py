"""Masked language modelling as a task of the trainer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.size import Size
from pajamo.training.streams.packs import PackPlan, PackStream, Position
from pajamo.training.trainer.task import Facts, Work


class LanguageTask:
    """Proteins of a stream, of which hidden residues have to be told.

    Parameters
    ----------
    model: what learns.
    stream: what it learns from.
    filled: fill packs up with padding to one size, as compiled code wants them.
    """

    def __init__(self, model: ProteinLanguageModel, stream: PackStream, *, filled: bool = False) -> None:
        self.module: nn.Module = model
        self.stream = stream
        self._settings, self._size = model.settings, Size.of(model.settings)
        self._tokens = stream.tokens if filled else None

    def first(self) -> Facts:
        """Where the stream begins."""
        return self.stream.first().facts

    def plan(self, position: Facts) -> tuple[Sequence[PackPlan], Facts]:
        """Packs of one global batch."""
        plans, after = self.stream.plan(Position.from_facts(position))
        return plans, after.facts

    def micro_batch(self, plan: PackPlan, device: torch.device) -> PackedTokens:
        """One pack, read, cropped and masked."""
        return PackedTokens.of(self.stream.pack(plan), device, self._tokens)

    def weight(self, micro: PackedTokens) -> float:
        """Tokens that are asked for."""
        return float(micro.asked)

    def loss(self, module: nn.Module, micro: PackedTokens) -> Tensor:
        """Sum of -ln p of the tokens that are asked for, in nats."""
        return module(micro)

    def blocks(self, module: nn.Module) -> Sequence[nn.Module]:
        """Blocks of the encoder."""
        return list(module.encoder.blocks)

    def fingerprint(self) -> Facts:
        """Model, vocabulary and stream."""
        return {
            "task": "language",
            "model": self._settings.model_dump(mode="json"),
            "stream": self.stream.fingerprint(),
        }

    def work(self, micro: PackedTokens) -> Work:
        """Tokens of proteins, places of the pack, and operations of forward and backward pass."""
        lengths = micro.lengths[: micro.sequences]
        return Work(sum(lengths), len(micro.tokens), self._size.operations(lengths, micro.asked))
