"""Low-rank additions: a model learns something new while its own weights stay as they are.

    W x  ->  W x + (alpha / rank) B A x,   with A narrow, and B zero at first

Source: Hu et al. 2021 (arXiv 2106.09685), equation 3.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from pajamo.config.proteins.fine_tuning import LoraSettings
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.errors import ModelError

Module = TypeVar("Module", bound=nn.Module)


class LowRank(nn.Module):
    """A linear map that stays as it is, and an addition of low rank that is learned.

    Attributes
    ----------
    base: the map; it needs no gradient.
    down: A, shape (rank, inputs).
    up: B, shape (outputs, rank); zero at first.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        made = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.down = nn.Parameter(torch.zeros(rank, base.in_features, **made))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, **made))

    def forward(self, values: Tensor) -> Tensor:
        """From (tokens, inputs) to (tokens, outputs)."""
        return self.base(values) + self.scale * linear(linear(values, self.down), self.up)

    def merged(self) -> nn.Linear:
        """One plain map that computes the same."""
        plain = copy.deepcopy(self.base)
        with torch.no_grad():
            plain.weight += self.scale * self.up @ self.down
        return plain.requires_grad_(True)


def adapt(encoder: ProteinTransformer, settings: LoraSettings) -> list[str]:
    """Freeze an encoder and give additions to matrices of all its blocks, in place.

    The narrow matrices are zero until the model that holds the encoder is initialised.

    Returns
    -------
    Names of the matrices with an addition.

    Raises
    ------
    ModelError: the encoder has additions already.
    """
    if any(isinstance(part, LowRank) for part in encoder.modules()):
        raise ModelError("the model has low-rank additions already", fix="merge them first")
    encoder.requires_grad_(False)
    found = [
        name
        for name, part in encoder.blocks.named_modules()
        if isinstance(part, nn.Linear) and name.rpartition(".")[2] in settings.on
    ]
    for name in found:
        base = encoder.blocks.get_submodule(name)
        encoder.blocks.set_submodule(name, LowRank(base, settings.rank, settings.alpha))
    return found


def merged(module: Module) -> Module:
    """A copy in which each addition has become part of its matrix; all weights can be trained again."""
    plain = copy.deepcopy(module)
    additions = [(name, part) for name, part in plain.named_modules() if isinstance(part, LowRank)]
    for name, part in additions:
        plain.set_submodule(name, part.merged())
    return plain.requires_grad_(True)
