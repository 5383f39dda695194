"""Maps with pairs of positions: neighbours only, or all of them."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.encoders.sequence.encoder import IndexedEncoder, letter_places


class PairEncoder(IndexedEncoder):
    """value = constant + additive part + sum over chosen pairs of positions of a weight of the two letters there.

    The table has one entry for each pair of positions and of letters, looked up by index: neither a one-hot product
    of shape (sequences, length, letters, length, letters) nor a square matrix is made. A pair counts only where both
    letters are present.

    Attributes
    ----------
    first, second: positions of each pair, shape (pairs,).
    starts: place of the first weight of each pair, shape (pairs,).
    """

    first: Tensor
    second: Tensor
    starts: Tensor

    def __init__(
        self, length: int, letters: str, pairs: Tensor, *, sd: float = 10.0, matrix: Tensor | None = None
    ) -> None:
        """`pairs` are first and second positions, shape (2, pairs); `matrix` is the additive part's prior mean."""
        super().__init__()
        self.length, self.letters = length, letters
        count = len(letters)
        self.register_buffer("first", pairs[0], persistent=False)
        self.register_buffer("second", pairs[1], persistent=False)
        starts = 1 + length * count + count**2 * torch.arange(pairs.shape[1])
        self.register_buffer("starts", starts, persistent=False)
        features = 1 + length * count + pairs.shape[1] * count**2
        mean = torch.zeros(features)
        if matrix is not None:
            mean[1 : 1 + length * count] = matrix.reshape(-1)
        self.active = 1 + length + pairs.shape[1]
        self._set_weights(sd, mean)

    @property
    def matrix(self) -> Tensor:
        """The additive part, shape (length, letters)."""
        count = len(self.letters)
        return self.weights[1 : 1 + self.length * count].reshape(self.length, count)

    @property
    def pair_matrices(self) -> Tensor:
        """The weights of each pair of positions, shape (pairs, letters, letters)."""
        count = len(self.letters)
        return self.weights[1 + self.length * count :].reshape(-1, count, count)

    def indices(self, codes: Tensor) -> Tensor:
        """The constant, the letter at each position and both letters of each pair."""
        count, nothing = len(self.letters), self.features
        singles = letter_places(codes, count, 1, nothing)
        # A letter that is missing pushes the place of its pairs beyond the table, where the limit catches it.
        letters = torch.where(codes < count, codes.long(), nothing)
        places = (letters * count).index_select(1, self.first)
        places.add_(letters.index_select(1, self.second)).add_(self.starts).clamp_(max=nothing)
        return torch.cat([torch.zeros_like(singles[:, :1]), singles, places], dim=1)

    def names(self) -> list[str]:
        """The constant, then as "0A", then as "0A:1C"."""
        singles = [f"{place}{letter}" for place in range(self.length) for letter in self.letters]
        pairs = zip(self.first.tolist(), self.second.tolist(), strict=True)
        doubles = [f"{i}{a}:{j}{b}" for i, j in pairs for a in self.letters for b in self.letters]
        return ["constant", *singles, *doubles]


class NeighbourEncoder(PairEncoder):
    """Additive map and pairs of adjacent positions, as stacking energies have it."""

    def __init__(self, length: int, letters: str, *, sd: float = 10.0, matrix: Tensor | None = None) -> None:
        places = torch.arange(length)
        super().__init__(length, letters, torch.stack([places[:-1], places[1:]]), sd=sd, matrix=matrix)


class PairwiseEncoder(PairEncoder):
    """Additive map and all pairs of positions: length (length - 1) / 2 tables of letters squared."""

    def __init__(self, length: int, letters: str, *, sd: float = 10.0, matrix: Tensor | None = None) -> None:
        super().__init__(length, letters, torch.triu_indices(length, length, offset=1), sd=sd, matrix=matrix)
