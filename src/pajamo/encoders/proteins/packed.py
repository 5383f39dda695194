"""A pack of proteins as tensors on the device that computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pajamo.data.proteins.alphabet import MASK, PAD
from pajamo.data.proteins.pack import Pack
from pajamo.errors import ModelError

TAIL = 1024
"""Tokens of padding that form one sequence at most, so that attention within the tail stays cheap."""
SHARE_MASKED_IN_TRAINING = 0.15 * 0.8
"""Share of residues that were shown as <mask> when ESM-2 was trained (Lin et al. 2023, section A.1)."""


@dataclass(frozen=True)
class PackedTokens:
    """Proteins end to end, with what the transformer needs to keep them apart.

    Attributes
    ----------
    tokens: shape (tokens,), int64.
    positions: place of each token in its own protein, from 0; shape (tokens,), int32.
    starts: first token of each sequence, and the number of tokens; shape (sequences + 1,), int32.
    lengths: tokens of each sequence, padding's sequences last.
    mask_scale: what ESM-2 multiplies a token's embedding with, so that the sum over a protein is as large with few
        tokens masked as with many; shape (tokens,), float32.
    places: tokens that are asked for, ascending; shape (asked,), int64.
    targets: what truly stands there; shape (asked,), int64.
    sequences: proteins, without padding's sequences; they come first.
    """

    tokens: Tensor
    positions: Tensor
    starts: Tensor
    lengths: tuple[int, ...]
    mask_scale: Tensor
    places: Tensor
    targets: Tensor
    sequences: int

    @classmethod
    def of(cls, pack: Pack, device: torch.device | str = "cpu", tokens: int | None = None) -> PackedTokens:
        """Bring a pack to a device.

        Parameters
        ----------
        tokens: fill up with padding to this number of tokens, so that compiled code always sees one shape.

        Raises
        ------
        ModelError: the pack holds more than `tokens`.
        """
        tail = _tail(int(pack.tokens.size), tokens)
        lengths = np.concatenate([pack.lengths, tail])
        shown = np.concatenate([pack.tokens, np.full(tail.sum(), PAD, dtype=np.uint8)])
        ends = np.cumsum(lengths)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])
        return cls(
            tokens=_moved(shown, np.int64, device),
            positions=_moved(np.arange(shown.size) - np.repeat(starts[:-1], lengths), np.int32, device),
            starts=_moved(starts, np.int32, device),
            lengths=tuple(lengths.tolist()),
            mask_scale=_moved(_mask_scale(shown, lengths), np.float32, device),
            places=_moved(pack.places, np.int64, device),
            targets=_moved(pack.targets, np.int64, device),
            sequences=len(pack.lengths),
        )

    @property
    def longest(self) -> int:
        """A bound on the tokens of a sequence: few values, so that compiled code is used again."""
        return max(TAIL, 1 << (max(self.lengths, default=1) - 1).bit_length())

    @property
    def asked(self) -> int:
        """Tokens that are asked for."""
        return len(self.places)

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return self.tokens.device


def _tail(held: int, tokens: int | None) -> NDArray[np.int64]:
    """Lengths of the sequences of padding that fill up a pack."""
    missing = 0 if tokens is None else tokens - held
    if missing < 0:
        raise ModelError(f"a pack of {held} tokens does not fit into {tokens}")
    whole, rest = divmod(missing, TAIL)
    return np.array([TAIL] * whole + [rest] * (rest > 0), dtype=np.int64)


def _mask_scale(tokens: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    of = np.repeat(np.arange(len(lengths)), lengths)
    masked = np.bincount(of, tokens == MASK, minlength=len(lengths))
    scale = (1 - SHARE_MASKED_IN_TRAINING) / (1 - masked / np.maximum(lengths, 1))
    return np.repeat(scale, lengths)


def _moved(values: NDArray, dtype: type, device: torch.device | str) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=dtype))
    if torch.device(device).type == "cuda":  # the copy then runs while the processor goes on
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
