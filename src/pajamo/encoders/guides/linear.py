"""Maps that are linear in what differs between guide and target, with weights that positions may share.

All of them are one table of weights (positions, channels) that a smaller vector spreads over: the number of a pair is
a constant plus the weights of what differs at each position. A pair without any difference gets the constant, so that
the constant of ln k is ln of the rate at the matched target, and weights are changes from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.pairs.pairing import CHANNELS, channels
from pajamo.encoders.sequence.encoder import LinearEncoder, require_room

POOLED = 0.25
"""Standard deviation of a position's deviation from what positions share, relative to that of the shared weights."""


PROFILE_REACH = 4.0
"""Positions over which the weight of a place changes, in a profile."""


class MismatchMap(LinearEncoder):
    """value = constant + sum over positions of the weight of what differs there.

    Attributes
    ----------
    length: positions that are read.
    changes: how substitutions are told apart: by the target's base ("to"), or by both bases ("kind").
    spread: how the weights (without the constant) make up the table, shape (length x channels, features - 1).
    channels: what each code switches on, shape (codes + 1, channels).
    """

    spread: Tensor
    channels: Tensor

    def __init__(
        self, length: int, changes: str, spread: Tensor, features: list[str], *, sd: float | Tensor = 3.0
    ) -> None:
        super().__init__()
        self.length, self.changes, self._names = length, changes, features
        self.listed = CHANNELS[changes]
        dtype = torch.get_default_dtype()
        self.register_buffer("spread", spread.to(dtype), persistent=False)
        self.register_buffer("channels", torch.as_tensor(channels(changes), dtype=dtype), persistent=False)
        own = torch.ones(spread.shape[1], dtype=dtype) * torch.as_tensor(sd, dtype=dtype)
        widest = own.max() if len(own) else own.new_ones(())
        self._set_weights(torch.cat([widest[None], own]), torch.zeros(1 + spread.shape[1], dtype=dtype))

    @property
    def table(self) -> Tensor:
        """Weight of each channel at each position, shape (length, channels)."""
        return (self.spread @ self.weights[1:]).reshape(self.length, len(self.listed))

    def names(self) -> list[str]:
        """The constant, then each weight."""
        return ["constant", *self._names]

    def forward(self, codes: Tensor) -> Tensor:
        """One weight a position and code is looked up, and these are summed; codes (pairs, length) to (pairs,)."""
        weight_of_code = self.table @ self.channels.T
        return self.weights[0] + weight_of_code[torch.arange(self.length), codes.long()].sum(dim=-1)

    def design(self, codes: Tensor) -> Tensor:
        """Features of each pair, shape (pairs, features).

        Raises
        ------
        ModelError: the table would not fit into memory.
        """
        require_room(len(codes), max(self.features, self.length * len(self.listed)))
        switched = self.channels[codes.long()].flatten(1)
        return torch.cat([switched.new_ones(len(codes), 1), switched @ self.spread], dim=1)


def additive(length: int, changes: str, *, sd: float) -> MismatchMap:
    """A weight of its own for each channel at each position."""
    listed = CHANNELS[changes]
    features = [f"{place}{channel}" for place in range(length) for channel in listed]
    return MismatchMap(length, changes, torch.eye(length * len(listed)), features, sd=sd)


def convolution(length: int, changes: str, kernel: int, *, sd: float) -> MismatchMap:
    """A kernel that slides along the window and is summed over it (Elektrum's rate layers, without padding).

    Inner positions share one weight a channel, the sum of all taps; towards the ends of the window fewer taps reach.
    """
    listed = CHANNELS[changes]
    taps = min(kernel, length)
    reached = np.zeros((length, taps))
    for tap in range(taps):
        reached[tap : length - taps + tap + 1, tap] = 1.0
    features = [f"tap {tap} {channel}" for tap in range(taps) for channel in listed]
    return MismatchMap(length, changes, _along(reached, len(listed)), features, sd=sd)


def smooth(length: int, changes: str, knots: int, *, sd: float) -> MismatchMap:
    """Weights that change linearly between knots that lie evenly along the window."""
    listed = CHANNELS[changes]
    count = min(knots, length)
    places = np.linspace(0, length - 1, count) if count > 1 else np.zeros(1)
    hats = np.stack([np.interp(np.arange(length), places, row) for row in np.eye(count)], axis=1)
    features = [f"knot {place:g} {channel}" for place in places for channel in listed]
    return MismatchMap(length, changes, _along(hats, len(listed)), features, sd=sd)


def pooled(length: int, changes: str, kernel: int, *, sd: float) -> MismatchMap:
    """A kernel's shared weights, and what each position deviates from them, which its prior keeps small."""
    shared, own = convolution(length, changes, kernel, sd=sd), additive(length, changes, sd=sd)
    scales = torch.cat(
        [torch.full((part.features - 1,), sd * share) for part, share in ((shared, 1.0), (own, POOLED))]
    )
    spread = torch.cat([shared.spread, own.spread], dim=1)
    return MismatchMap(length, changes, spread, shared.names()[1:] + own.names()[1:], sd=scales)


def profile(length: int, changes: str, *, sd: float) -> MismatchMap:
    """What a difference costs anywhere in the window, what its kind adds, and what its place adds, smoothly.

    Weights are shared from the most to the least common: all differences of one sort (substitution, insertion,
    deletion), the bases of guide and target, each channel, and bumps of PROFILE_REACH positions along the window that
    hold for every channel. With a window of any length there are about as many: what is learned at one place and of
    one kind holds for others, which is what carries over to another guide. `sd` is of the first; others vary less.
    """
    listed = CHANNELS[changes]
    parts = [(f"any {sort}", np.ones(length), members, 1.0) for sort, members in _sorts(listed)]
    parts += [(label, np.ones(length), members, 0.3) for label, members in _bases(listed)]
    parts += [(channel, np.ones(length), _one(listed, channel), 0.4) for channel in listed]
    everything = np.ones(len(listed))
    parts += [(f"place {centre:g}", bump, everything, 0.25) for centre, bump in _bumps(length)]
    spread = np.stack([np.outer(along, members).ravel() for _, along, members, _ in parts], axis=1)
    scales = torch.tensor([sd * share for _, _, _, share in parts])
    return MismatchMap(length, changes, torch.as_tensor(spread), [part[0] for part in parts], sd=scales)


def _sorts(listed: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Which channels are substitutions, insertions, deletions."""
    sort_of = [
        "insertion" if c.startswith("+") else "deletion" if c == "-" else "substitution" for c in listed
    ]
    return [(sort, np.array([s == sort for s in sort_of], dtype=float)) for sort in dict.fromkeys(sort_of)]


def _bases(listed: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Substitutions that share the guide's base, or the target's, where channels tell both."""
    told = [channel.split(">") if len(channel) == 3 and ">" in channel else ("", "") for channel in listed]
    found = []
    for side, label in enumerate(("{}>any", "any>{}")):
        for base in sorted({pair[side] for pair in told} - {""}):
            found.append((label.format(base), np.array([pair[side] == base for pair in told], dtype=float)))
    return found


def _one(listed: Sequence[str], channel: str) -> np.ndarray:
    return np.array([each == channel for each in listed], dtype=float)


def _bumps(length: int) -> list[tuple[float, np.ndarray]]:
    """Bumps along the window, half as far apart as they are wide; none where the window is short."""
    if length <= PROFILE_REACH:
        return []
    centres = np.arange(0, length, PROFILE_REACH / 1.5)
    return [(float(c), np.exp(-0.5 * ((np.arange(length) - c) / PROFILE_REACH) ** 2)) for c in centres]


def _along(shares: np.ndarray, count: int) -> Tensor:
    """Shares of each feature in each position, alike for every channel; (length x channels, features x channels)."""
    return torch.as_tensor(np.kron(shares, np.eye(count)))
