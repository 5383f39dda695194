"""Gauges of maps from letters to one number: which of the equivalent sets of weights is reported.

At every position the letters' weights can be shifted against the constant, and those of a pair against its letters',
without changing any prediction. A gauge chooses one set by a distribution of letters at each position: the constant
becomes the mean over sequences with independent letters of that distribution, a letter's weight the change of that
mean when the letter is set, a pair's what two letters do beyond that (the hierarchical gauges of Posfai, McCandlish
and Kinney 2025). Wild-type, uniform and empirical gauges are those of the wild type alone, of equal letters, and of
the letters' shares in the library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.encoder import SequenceEncoder
from pajamo.encoders.sequence.pairs import PairEncoder
from pajamo.errors import ModelError

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class LetterMap:
    """A constant, a weight for each letter at each position, and for the letters of pairs of positions.

    Every array may have the same leading axes: many maps at once.

    Attributes
    ----------
    constant: shape (...).
    singles: shape (..., length, letters).
    pairs: shape (..., pairs, letters, letters); no pairs for an additive map.
    first, second: positions of each pair, shape (pairs,).
    """

    constant: Array
    singles: Array
    pairs: Array
    first: Places
    second: Places

    @classmethod
    def of(cls, encoder: SequenceEncoder, weights: Array | None = None) -> LetterMap:
        """Take an encoder's weights, or others of the same layout, shape (..., features).

        Raises
        ------
        ModelError: a black box, which has no gauge.
        """
        if not isinstance(encoder, AdditiveEncoder | PairEncoder):
            raise ModelError(
                "the weights of a black box have no gauge", fix="choose a reader that is a linear map"
            )
        values = encoder.weights.detach().numpy() if weights is None else weights
        length, letters = encoder.length, len(encoder.letters)
        none = np.zeros(0, dtype=np.intp)
        first = encoder.first.numpy() if isinstance(encoder, PairEncoder) else none
        second = encoder.second.numpy() if isinstance(encoder, PairEncoder) else none
        end, leading = 1 + length * letters, values.shape[:-1]
        singles = values[..., 1:end].reshape(*leading, length, letters)
        pairs = values[..., end:].reshape(*leading, len(first), letters, letters)
        return cls(values[..., 0], singles, pairs, first, second)

    def vector(self) -> Array:
        """The weights in the encoder's order, shape (..., features)."""
        leading = self.constant.shape
        parts = (
            self.constant[..., None],
            self.singles.reshape(*leading, -1),
            self.pairs.reshape(*leading, -1),
        )
        return np.concatenate(parts, axis=-1)


def fix_gauge(linear: LetterMap, distribution: Array) -> LetterMap:
    """The weights of the same map in the gauge of a distribution; the cost is linear in the number of weights.

    Parameters
    ----------
    linear: any weights.
    distribution: share of each letter at each position, shape (length, letters).

    Returns
    -------
    Weights that give every sequence the same value, and whose means over the distribution are zero.

    Raises
    ------
    ModelError: no distribution of these letters.
    """
    require_distribution(distribution, linear.singles.shape[-2:])
    left, right = distribution[linear.first], distribution[linear.second]
    of_first = np.einsum("...pab,pb->...pa", linear.pairs, right)
    of_second = np.einsum("...pab,pa->...pb", linear.pairs, left)
    both = np.einsum("...pa,pa->...p", of_first, left)[..., None]
    pairs = linear.pairs - of_first[..., :, None] - of_second[..., None, :] + both[..., None]
    singles = np.moveaxis(linear.singles, -2, 0).copy()
    np.add.at(singles, linear.first, np.moveaxis(of_first - both, -2, 0))
    np.add.at(singles, linear.second, np.moveaxis(of_second - both, -2, 0))
    singles = np.moveaxis(singles, 0, -2)
    means = np.einsum("...lc,lc->...l", singles, distribution)
    constant = linear.constant + means.sum(axis=-1) + both[..., 0].sum(axis=-1)
    return replace(linear, constant=constant, singles=singles - means[..., None], pairs=pairs)


def gauged_weights(encoder: SequenceEncoder, distribution: Array) -> Array:
    """An encoder's weights in the gauge of a distribution, shape (features,)."""
    return fix_gauge(LetterMap.of(encoder), distribution).vector()


def gauged_covariance(encoder: SequenceEncoder, covariance: Array, distribution: Array) -> Array:
    """Covariance of the weights in the gauge of a distribution, shape (features, features).

    Fixing a gauge is a linear map T of the weights, so that the covariance becomes T covariance T'.
    """
    half = fix_gauge(LetterMap.of(encoder, covariance), distribution).vector()
    return fix_gauge(LetterMap.of(encoder, np.ascontiguousarray(half.T)), distribution).vector().T


def require_distribution(distribution: Array, shape: tuple[int, ...]) -> None:
    """Refuse what is no distribution of letters at each position.

    Raises
    ------
    ModelError: another shape, a negative share, or shares that do not sum to one.
    """
    wrong = distribution.shape != shape
    if wrong or not np.isfinite(distribution).all() or (distribution < 0).any():
        raise ModelError(
            "a gauge needs the share of each letter at each position",
            why=f"shape {shape} and no negative share are wanted, the shape is {distribution.shape}",
            fix="give one row a position and one column a letter",
        )
    if np.abs(distribution.sum(axis=1) - 1).max(initial=0.0) > 1e-6:
        position = int(np.abs(distribution.sum(axis=1) - 1).argmax())
        raise ModelError(
            "the letters' shares do not sum to one",
            where=f"position {position}: {distribution[position].sum():.6g}",
            fix="divide each row by its sum",
        )
