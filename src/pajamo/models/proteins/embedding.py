"""What a model makes of proteins: a description of each residue, or one of each protein."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pajamo.encoders.proteins.layout import sequence_of
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.packing import BUDGET, Shown, Tokens, enclosed, in_packs

Description = NDArray[np.float32]


def embed_residues(
    model: ProteinLanguageModel,
    proteins: Iterable[Tokens],
    *,
    layers: int | None = None,
    budget: int = BUDGET,
) -> Iterator[Description]:
    """Describe each residue of each protein.

    Parameters
    ----------
    proteins: tokens of residues, without <cls> and <eos>.
    layers: blocks after which the description is taken; all, and the last norm, if not given.
    budget: tokens that are worked on at once.

    Yields
    ------
    For each protein in its order: shape (residues, width), without rows for <cls> and <eos>.

    Raises
    ------
    ModelError: the model has no such layer.
    """
    for packed, hidden in _described(model, proteins, layers, budget):
        ends = np.cumsum((0, *packed.lengths))
        rows = hidden.cpu().numpy()
        yield from (rows[begin + 1 : end - 1] for begin, end in pairwise(ends))


def embed_proteins(
    model: ProteinLanguageModel,
    proteins: Iterable[Tokens],
    *,
    layers: int | None = None,
    budget: int = BUDGET,
) -> Iterator[Description]:
    """Describe each protein by the mean of its residues' descriptions; <cls> and <eos> do not count.

    Parameters are those of `embed_residues`.

    Yields
    ------
    For each pack, rows of its proteins in their order: shape (proteins, width).
    """
    for packed, hidden in _described(model, proteins, layers, budget):
        yield mean_of_residues(hidden, packed).cpu().numpy()


def mean_of_residues(hidden: Tensor, packed: PackedTokens) -> Tensor:
    """Mean over each protein's residues of a pack, without <cls>, <eos> and padding; shape (proteins, width).

    A protein without residues is described by zeros.
    """
    starts, lengths = packed.starts[:-1].long(), packed.starts.diff().long()
    of = sequence_of(packed)
    inner = torch.ones_like(of, dtype=torch.bool)
    inner[starts] = False
    inner[starts + lengths - 1] = False
    sums = hidden.new_zeros(len(lengths), hidden.shape[-1]).index_add(0, of[inner], hidden[inner])
    return (sums / (lengths - 2).clamp(min=1)[:, None])[: packed.sequences]


@torch.inference_mode()
def _described(
    model: ProteinLanguageModel, proteins: Iterable[Tokens], layers: int | None, budget: int
) -> Iterator[tuple[PackedTokens, Tensor]]:
    device = model.encoder.embedding.weight.device
    for pack in in_packs((Shown(enclosed(residues)) for residues in proteins), budget):
        packed = PackedTokens.of(pack, device)
        yield packed, model.encoder(packed, layers).float()
