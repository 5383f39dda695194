"""A pair of perturbations, seen gene by gene: symmetric features from the profiles of its two singles.

How two effects combine on one measured gene depends on how large they are there, whether they agree,
and whether they belong to shared programmes. Each entry (pair, gene) gets features of that kind, so
that a few dozen doubles give tens of thousands of examples. Every feature is symmetric in the pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LINEAR = (
    "sum of effects",
    "sum of filtered effects",
    "sparse remainder",
    "weaker effect, same sign",
    "weaker effect, opposite sign",
    "weaker filtered effect, same sign",
    "weaker filtered effect, opposite sign",
    "log strength of the stronger single times filtered sum",
    "mean effect",
    "control minus level",
)
"""Inputs of the linear stack, all but the factor of the eighth in the unit of the effects."""
N_CONTEXT = 9
N_BASIS = 5
SPARSE_THRESHOLD = 9.0
"""Squared standard errors at which half of a remainder outside the programmes is believed."""
SMALLEST_NORM = 1e-3


@dataclass(frozen=True)
class Profiles:
    """What one setting (context, time) knows of its single perturbations.

    Attributes
    ----------
    effects: main effects, shape (genes perturbed, genes).
    filtered: the part of them in shared programmes, same shape.
    level, control: estimated and measured control mean, shape (genes,).
    scale: standard deviation between cells, shape (genes,).
    error: standard error of a typical single's mean, shape (genes,).
    """

    effects: Array
    filtered: Array
    level: Array
    control: Array
    scale: Array
    error: Array

    def strength(self) -> Array:
        """Logarithm of the norm of each filtered effect in units of the cells' spread; (genes perturbed,)."""
        return np.asarray(np.log(np.sqrt(((self.filtered / self.scale) ** 2).sum(axis=1)) + SMALLEST_NORM))

    def spread(self) -> Array:
        """Logarithm of the spread of filtered effects over perturbations, relative to the cells'; (genes,)."""
        return np.asarray(np.log(self.filtered.std(axis=0) / self.scale + 1e-2))


@dataclass(frozen=True)
class EntryFeatures:
    """Features of each pair and measured gene.

    Attributes
    ----------
    linear: inputs of the linear stack (see `LINEAR`), shape (pairs, genes, 10).
    context: where an entry stands, for a network, dimensionless, shape (pairs, genes, 9).
    basis: what a network's coefficients multiply, in the effects' unit, shape (pairs, genes, 5).
    """

    linear: Array
    context: Array
    basis: Array


def encode_pairs(
    profiles: Profiles,
    pairs: NDArray[np.intp],
    strengths: tuple[float, float],
    genes: NDArray[np.intp] | slice = slice(None),
) -> EntryFeatures:
    """Features of pairs.

    Parameters
    ----------
    profiles: singles of the pairs' setting.
    pairs: rows of `profiles`, shape (pairs, 2).
    strengths: range of the stronger single's log strength; values outside are clipped, because a
        feature must not extrapolate.
    genes: measured genes to encode, all if not given.
    """
    stronger = np.clip(profiles.strength()[pairs].max(axis=1), *strengths)[:, None]
    spread = profiles.spread()[genes]
    effects, filtered = profiles.effects[:, genes], profiles.filtered[:, genes]
    level, control = profiles.level[genes], profiles.control[genes]
    scale, error = profiles.scale[genes], profiles.error[genes]
    a, b = effects[pairs[:, 0]], effects[pairs[:, 1]]
    fa, fb = filtered[pairs[:, 0]], filtered[pairs[:, 1]]
    total, shared = a + b, fa + fb
    remainder = _sparse(a - fa, error) + _sparse(b - fb, error)
    weaker, shared_weaker = _weaker(a, b), _weaker(fa, fb)
    one = np.ones_like(total)
    average = effects.mean(axis=0)
    linear = [total, shared, remainder, *weaker, *shared_weaker, stronger * shared]
    linear += [average * one, (control - level) * one]
    sizes = [np.log1p(np.abs(x / error)) for x in (fa, fb, a - fa, b - fb)]
    context = [sizes[0] + sizes[1], np.abs(sizes[0] - sizes[1]), sizes[2] + sizes[3]]
    context += [np.abs(sizes[2] - sizes[3]), np.tanh(fa * fb / error**2), level * one]
    context += [np.log(scale) * one, spread * one, np.tanh(shared / error / 3.0)]
    basis = [shared, remainder, total - shared - remainder, *shared_weaker]
    return EntryFeatures(*(np.stack(features, axis=-1) for features in (linear, context, basis)))


def pair_summary(profiles: Profiles, pairs: NDArray[np.intp]) -> Array:
    """Where each pair stands as a whole, shape (pairs, 3).

    Log strengths of the stronger and of the weaker single, and the cosine between their filtered
    effects in units of the cells' spread.
    """
    strength = profiles.strength()[pairs]
    white = profiles.filtered / profiles.scale
    norm = np.sqrt((white**2).sum(axis=1)) + SMALLEST_NORM
    first, second = pairs[:, 0], pairs[:, 1]
    cosine = (white[first] * white[second]).sum(axis=1) / (norm[first] * norm[second])
    return np.stack([strength.max(axis=1), strength.min(axis=1), cosine], axis=1)


def _sparse(remainder: Array, error: Array) -> Array:
    """The part of an effect outside the programmes that stands out of the noise, as a perturbed gene's own."""
    squared = (remainder / error) ** 2
    return np.asarray(remainder * squared / (squared + SPARSE_THRESHOLD))


def _weaker(first: Array, second: Array) -> tuple[Array, Array]:
    """The weaker of two effects where their signs agree, and where they oppose (0 on an exact tie)."""
    sizes = np.abs(first), np.abs(second)
    weaker = np.where(sizes[0] < sizes[1], first, np.where(sizes[1] < sizes[0], second, 0.0))
    product = first * second
    same = np.sign(first) * np.minimum(*sizes)
    return np.where(product > 0, same, 0.0), np.where(product < 0, weaker, 0.0)
