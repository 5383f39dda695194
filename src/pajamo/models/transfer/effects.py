"""What each difference at each position changes of every term, as one table: all readers of a mechanism at once."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from pajamo.data.assays.pairs.pairing import CHANNELS, SUBSTITUTED
from pajamo.encoders.guides.factorised import FactorisedMap
from pajamo.encoders.guides.linear import MismatchMap
from pajamo.encoders.guides.steps import StepMap

KINDS = CHANNELS["kind"]
"""What can differ at a position: 12 substitutions, what is inserted behind it, and a base that is not there."""
Tabulated: TypeAlias = StepMap | MismatchMap | FactorisedMap


def matched_of(encoder: Tabulated) -> Tensor:
    """The numbers of a matched target, shape (parts,)."""
    if isinstance(encoder, StepMap):
        return encoder.matched
    return (encoder.weights[0] if isinstance(encoder, MismatchMap) else encoder.constant)[None]


def effects_of(encoder: Tabulated) -> Tensor:
    """What each difference at each position of the window adds to each number, shape (length, kinds, parts)."""
    table = encoder.table
    if isinstance(encoder, StepMap):
        entered = torch.nn.functional.one_hot(encoder.step_of, encoder.steps)
        return table[:, :, None] * entered.to(table)
    return (table @ _by_kind(encoder.changes).to(table))[:, :, None]


def _by_kind(changes: str) -> Tensor:
    """Which channels of a map hold for each kind of difference, shape (channels, kinds)."""
    listed = CHANNELS[changes]
    wanted = [f">{kind[-1]}" if changes == "to" and kind in SUBSTITUTED else kind for kind in KINDS]
    return torch.tensor([[channel == own for own in wanted] for channel in listed], dtype=torch.float32)
