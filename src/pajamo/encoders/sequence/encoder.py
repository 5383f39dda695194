"""What every sequence encoder is: letters in, one number out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pajamo.encoders.sequence.gather import gather_sum, scatter_add
from pajamo.errors import ModelError

SMALL_START = 0.2
"""Spread of the weights of a random start about their prior mean, in kT."""
LEVEL = 10.0
"""How much wider than of a weight the prior of the constant is: it sums what the letters of a whole site share."""
DENSE = 2**28
"""Most entries of a dense design: 2 GiB in float64."""


class SequenceEncoder(nn.Module, ABC):
    """Maps the letters of a window to one number (an energy in kT, ln of a rate, a latent trait).

    The missing code (one past the alphabet's last letter: beyond the end of a shorter sequence) contributes nothing.
    """

    @abstractmethod
    def forward(self, codes: Tensor) -> Tensor:
        """The number of each sequence: codes (sequences, length) of any integer type to (sequences,)."""

    @abstractmethod
    def penalty(self) -> Tensor:
        """Minus ln of the prior density of the weights, in nats, up to a constant."""

    @abstractmethod
    def randomise(self, generator: torch.Generator) -> None:
        """Draw the weights of a random start; the same generator gives the same bits."""


class LinearEncoder(SequenceEncoder):
    """An encoder that is linear in its weights: value = design @ weights.

    Attributes
    ----------
    weights: parameter of shape (features,), the first being the constant.
    prior_mean, prior_sd: Gaussian prior of each weight, shape (features,).
    """

    weights: nn.Parameter
    prior_mean: Tensor
    prior_sd: Tensor

    def _set_weights(self, sd: float | Tensor, mean: Tensor) -> None:
        """Weights that start at their prior mean, (features,); `sd` is theirs, one for all or (features,)."""
        self.weights = nn.Parameter(mean.clone())
        self.register_buffer("prior_mean", mean)
        prior_sd = torch.ones_like(mean) * sd
        prior_sd[0] *= LEVEL
        self.register_buffer("prior_sd", prior_sd)

    @property
    def features(self) -> int:
        """Number of weights."""
        return len(self.weights)

    @abstractmethod
    def names(self) -> list[str]:
        """A name for each weight, as position and letter in the window: "constant", "0A", "0A:1C"."""

    @abstractmethod
    def design(self, codes: Tensor) -> Tensor:
        """Features of each sequence, shape (sequences, features), in the dtype of the weights.

        Raises
        ------
        ModelError: the table would not fit into memory; `forward` needs none.
        """

    def penalty(self) -> Tensor:
        """A Gaussian prior for each weight."""
        return (((self.weights - self.prior_mean) / self.prior_sd) ** 2).sum() / 2

    def randomise(self, generator: torch.Generator) -> None:
        """Weak random weights about their prior mean."""
        drawn = torch.randn(self.weights.shape, generator=generator, dtype=self.weights.dtype)
        self.weights.data = self.prior_mean + SMALL_START * drawn


class IndexedEncoder(LinearEncoder):
    """A linear encoder whose features are switched on or off: a sequence is the list of its own.

    Attributes
    ----------
    active: how many features each sequence switches on, the constant included.
    """

    active: int

    @abstractmethod
    def indices(self, codes: Tensor) -> Tensor:
        """The features that each sequence switches on, Long (sequences, active).

        A letter that is missing switches on the place `features`, one past the last weight, which stands for nothing.
        """

    def forward(self, codes: Tensor) -> Tensor:
        """Gather and add: no one-hot table is made."""
        return gather_sum(self.weights, codes, self.indices, self.active)

    def adjoint(self, values: Tensor, codes: Tensor) -> Tensor:
        """design.T @ values without the design: values (sequences,) to (features,)."""
        return scatter_add(values, codes, self.indices, self.active, self.features)

    def design(self, codes: Tensor) -> Tensor:
        """Features of each sequence, shape (sequences, features), in the dtype of the weights.

        Raises
        ------
        ModelError: the table would not fit into memory; `indices`, `forward` and `adjoint` need none.
        """
        require_room(len(codes), self.features)
        dense = self.weights.new_zeros(len(codes), self.features + 1)
        return dense.scatter_(1, self.indices(codes), 1.0)[:, :-1]


def require_room(sequences: int, features: int) -> None:
    """Refuse a dense design that would not fit into memory.

    Raises
    ------
    ModelError: it would not.
    """
    if sequences * features > DENSE:
        raise ModelError(
            f"a dense design of {sequences} sequences by {features} features is too large",
            fix="ask for fewer sequences at once",
        )


def letter_places(codes: Tensor, letters: int, first: int, nothing: int) -> Tensor:
    """Places of each position's letter in a table of (positions, letters) that begins at `first`.

    Missing letters get the place `nothing`. Codes (..., positions) to Long of the same shape.
    """
    codes = codes.long()
    starts = first + letters * torch.arange(codes.shape[-1])
    return torch.where(codes < letters, codes + starts, nothing)
