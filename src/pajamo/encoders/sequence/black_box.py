"""What black-box encoders share: several members that are trained apart and read together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.encoders.sequence.layers import Layer, draw, gaussian_penalty

MEMBERS = 8
"""Networks of one black box: their mean errs less than each of them."""
ROWS = 2**13
"""Sequences whose hidden values are held at once when nothing is trained."""


class BlackBoxEncoder(SequenceEncoder):
    """The mean of several networks of one shape, its members (a deep ensemble, Lakshminarayanan et al. 2017).

    Its value is the mean over members. While it is trained by minibatches, each row is read by one member only, in
    turn (`in_turn`): the mean of members trained together would be one wide network, whose members make the same
    errors; members trained on rows of their own err apart, and the errors average out. All see the same measurement,
    so that their values are on one scale.

    Attributes
    ----------
    members: number of networks.
    in_turn: whether row r is read by member r modulo `members` alone.
    """

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members, self.in_turn = members, False

    @property
    def layers(self) -> Iterable[Layer]:
        """Every layer with weights."""
        return [module for module in self.modules() if isinstance(module, Layer)]

    @abstractmethod
    def values(self, codes: Tensor) -> Tensor:
        """The number that each member reads of its sequences: (members, rows, length) to (members, rows)."""

    def forward(self, codes: Tensor) -> Tensor:
        """The mean over members; while they take turns, the value of the one whose turn it is."""
        if self.in_turn:
            return self._in_turn(codes)
        blocks = [self.values(block.expand(self.members, -1, -1)).mean(dim=0) for block in codes.split(ROWS)]
        return torch.cat(blocks)

    def _in_turn(self, codes: Tensor) -> Tensor:
        rounds = -(-len(codes) // self.members)
        # Rows that fill the last round are read and left out.
        filled = torch.cat([codes, codes[:1].expand(rounds * self.members - len(codes), -1)])
        by_member = filled.reshape(rounds, self.members, -1).transpose(0, 1)
        return self.values(by_member).T.reshape(-1)[: len(codes)]

    def penalty(self) -> Tensor:
        """The mean over members: as much as one network has."""
        return gaussian_penalty(self.layers)

    def randomise(self, generator: torch.Generator) -> None:
        """Draw every member's weights from their prior."""
        draw(self.layers, generator)


def most_members(module: nn.Module) -> int:
    """The most members that a black box inside has; 1 if there is none."""
    return max((box.members for box in _boxes(module)), default=1)


@contextmanager
def members_in_turn(module: nn.Module) -> Iterator[None]:
    """Let every black box inside train its members apart, for the time of the context."""
    boxes = _boxes(module)
    try:
        for box in boxes:
            box.in_turn = True
        yield
    finally:
        for box in boxes:
            box.in_turn = False


def _boxes(module: nn.Module) -> list[BlackBoxEncoder]:
    return [part for part in module.modules() if isinstance(part, BlackBoxEncoder)]
