"""A property of proteins, or of each residue, read off a language model's descriptions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pajamo.config.proteins.fine_tuning import PropertyKind
from pajamo.encoders.proteins.initial import initial_weights
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.models.proteins.embedding import mean_of_residues


@dataclass(frozen=True)
class Property:
    """What is read off.

    Attributes
    ----------
    kind: regression or classification of proteins, or classification of residues.
    classes: names; none for regression.
    centre, spread: mean and standard deviation of the numbers that were learned from, for regression.
    """

    kind: PropertyKind
    classes: tuple[str, ...] = ()
    centre: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True)
class Labelled:
    """Proteins of a pack with their labels.

    Attributes
    ----------
    packed: for residues, it asks for those whose class is known.
    labels: numbers (float32) or classes (int64); shape (proteins,), or (asked residues,).
    """

    packed: PackedTokens
    labels: Tensor


class PropertyModel(nn.Module):
    """An encoder and one linear map, on the mean of a protein's residues or on each residue.

    Calling the model computes the loss, so that whatever wraps a module for training sees the whole computation.
    """

    def __init__(self, encoder: ProteinTransformer, sought: Property) -> None:
        super().__init__()
        self.encoder, self.sought = encoder, sought
        device = encoder.embedding.weight.device
        self.head = nn.Linear(encoder.width, max(1, len(sought.classes)), device=device)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """First values of what is new: the linear map and low-rank additions. The encoder stays as it is."""
        for name, parameter, values in initial_weights(self, seed):
            if name.startswith("head.") or name.endswith((".up", ".down")):
                parameter.copy_(values.to(parameter.device))

    def forward(self, labelled: Labelled) -> Tensor:
        """Sum over proteins or residues: -ln p(class) in nats, or half the squared error in units of the spread."""
        found = self._read(labelled.packed).float()
        if self.sought.kind == "regression":
            wanted = (labelled.labels - self.sought.centre) / self.sought.spread
            return 0.5 * (found[:, 0] - wanted).square().sum()
        return cross_entropy(found, labelled.labels, reduction="sum")

    @torch.inference_mode()
    def predict(self, packed: PackedTokens) -> Tensor:
        """Numbers of shape (proteins,), or probabilities of classes, shape (proteins or asked residues, classes)."""
        found = self._read(packed).float()
        if self.sought.kind == "regression":
            return self.sought.centre + self.sought.spread * found[:, 0]
        return found.softmax(dim=-1)

    def _read(self, packed: PackedTokens) -> Tensor:
        hidden = self.encoder(packed)
        of_residues = self.sought.kind == "residues"
        return self.head(hidden[packed.places] if of_residues else mean_of_residues(hidden, packed))
