"""Proteins laid into packs in the order in which they come, for looking at what a model says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import CLS, EOS
from pajamo.data.proteins.pack import Pack

Tokens = NDArray[np.uint8]
BUDGET: Final = 8192
"""Tokens of a pack: enough to keep a processor busy, few enough for the memory of a laptop."""


def enclosed(residues: Tokens) -> Tokens:
    """Tokens of a whole protein: <cls>, residues, <eos>."""
    return np.concatenate([[CLS], residues, [EOS]]).astype(np.uint8)


@dataclass(frozen=True)
class Shown:
    """Tokens as a model is shown them.

    Attributes
    ----------
    tokens: <cls>, residues (some may be hidden), <eos>; or a stretch of that.
    asked: tokens of it for which a prediction is wanted, ascending.
    """

    tokens: Tokens
    asked: Sequence[int] = ()


def in_packs(shown: Iterable[Shown], budget: int = BUDGET) -> Iterator[Pack]:
    """Lay proteins end to end until a pack is full; one that is longer than a pack has one to itself.

    Parameters
    ----------
    budget: tokens of a pack at most.

    Yields
    ------
    Packs; `samples` number the proteins in the order in which they came, and targets are left at zero.
    """
    held: list[Shown] = []
    number = size = 0
    for one in shown:
        if held and size + len(one.tokens) > budget:
            yield _pack(held, number - len(held))
            held, size = [], 0
        held.append(one)
        number, size = number + 1, size + len(one.tokens)
    if held:
        yield _pack(held, number - len(held))


def _pack(held: Sequence[Shown], first: int) -> Pack:
    lengths = np.array([len(one.tokens) for one in held], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    asked = [np.asarray(one.asked, dtype=np.int64) + start for one, start in zip(held, starts, strict=True)]
    places = np.concatenate(asked)
    return Pack(
        tokens=np.concatenate([one.tokens for one in held]),
        lengths=lengths,
        places=places,
        targets=np.zeros(len(places), dtype=np.uint8),
        samples=np.arange(first, first + len(held)),
    )
