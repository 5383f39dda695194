"""An additive map: each letter at each position contributes on its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pajamo.encoders.sequence.encoder import IndexedEncoder, letter_places
from pajamo.encoders.sequence.gather import ENTRIES


class AdditiveEncoder(IndexedEncoder):
    """value = constant + sum over positions of the weight of the letter there (an energy matrix).

    Berg and von Hippel 1987; Tareen and Kinney 2019, first layer. A position beyond the end of a shorter sequence
    contributes nothing.
    """

    def __init__(self, length: int, letters: str, *, sd: float = 10.0, matrix: Tensor | None = None) -> None:
        """`matrix` is the prior mean, shape (length, letters)."""
        super().__init__()
        self.length, self.letters = length, letters
        own = torch.zeros(length * len(letters)) if matrix is None else matrix.reshape(-1)
        self.active = 1 + length
        self._set_weights(sd, torch.cat([torch.zeros(1), own]))

    @property
    def matrix(self) -> Tensor:
        """The energy matrix, shape (length, letters)."""
        return self.weights[1:].reshape(self.length, len(self.letters))

    def indices(self, codes: Tensor) -> Tensor:
        """The constant and the letter at each position, Long (sequences, 1 + length)."""
        places = letter_places(codes, len(self.letters), 1, self.features)
        return torch.nn.functional.pad(places, (1, 0))

    def scan(self, codes: Tensor, starts: Sequence[int]) -> Tensor:
        """The value of each placement of the window on longer sequences, shape (sequences, placements).

        A one-dimensional convolution by gathering: each letter of a sequence is looked up once, with its weights at
        all positions of the window, and these are added up along the diagonals.

        Parameters
        ----------
        codes: whole sequences, shape (sequences, longer length); a start below 0 or beyond the last place where the
            window fits is not allowed.
        starts: first position of each placement.
        """
        rows = max(1, ENTRIES // (self.length * codes.shape[1]))
        return torch.cat([self._scan(block, starts) for block in codes.split(rows)])

    def _scan(self, codes: Tensor, starts: Sequence[int]) -> Tensor:
        first, placements = min(starts), max(starts) - min(starts) + 1
        used = codes[:, first : first + placements + self.length - 1].long()
        by_letter = torch.nn.functional.pad(self.matrix.T, (0, 0, 0, 1))
        read = torch.nn.functional.embedding(used, by_letter)
        total = self.weights[0] + sum(read[:, i : i + placements, i] for i in range(self.length))
        return total[:, torch.as_tensor(starts) - first]

    def names(self) -> list[str]:
        """The constant, then "0A" for letter A at position 0."""
        return ["constant", *(f"{place}{letter}" for place in range(self.length) for letter in self.letters)]
