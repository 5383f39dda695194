"""BADGE: candidates whose result would move the model far, each in a direction of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.distances import ROUNDING, at_hand, floating
from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Badge(Acquisition):
    """k-means++ on the gradients of the last layer that the likeliest class would give, were it the right one.

    The gradient of candidate i is (p - onehot(likeliest)) times h: probabilities p, and h what the last layer is
    given (`ClassPredictive.features`, else the candidates' features). Its products factorise, so gradients are never
    written out. The first is the candidate with the largest gradient; each next one is drawn with probability in
    proportion to the squared distance from those chosen and pending.
    """

    name: ClassVar[str] = "badge"
    source: ClassVar[str] = "Ash et al. 2020 (arXiv 1906.03671), algorithm 1"
    unit: ClassVar[str] = "length of gradient away from those chosen"

    def choose(self, situation: Situation, number: int) -> Selection:
        """The largest gradient, then by k-means++."""
        errors, inputs = gradient_parts(situation)
        lengths = gradient_lengths(errors, inputs)
        open_ = situation.available.copy()
        left = np.full(situation.size, np.inf)
        for row in situation.pending:
            left = np.minimum(left, gradient_distance(errors, inputs, lengths, int(row)))
        rows, gains = np.zeros(number, dtype=np.intp), np.zeros(number)
        for place in range(number):
            first = np.isinf(left).all()
            row = (
                int(np.argmax(np.where(open_, lengths, -1))) if first else _drawn(left, open_, situation.rng)
            )
            rows[place], gains[place] = row, np.sqrt(lengths[row] if first else left[row])
            open_[row] = False
            left = np.minimum(left, gradient_distance(errors, inputs, lengths, row))
        return Selection(rows, gains, open_scores(situation, np.sqrt(lengths)))


def gradient_parts(situation: Situation) -> tuple[Array, Features]:
    """p - onehot(likeliest), shape (N, C), and h, shape (N, H), by block where a pool is made on demand."""
    classes = situation.classes()
    errors = classes.mean.copy()
    errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1.0
    return errors, at_hand(situation.features) if classes.features is None else classes.features


def gradient_lengths(errors: Array, inputs: Features) -> Array:
    """Squared length of every gradient, |p - onehot|^2 |h|^2; shape (N,)."""
    found = np.einsum("nc,nc->n", errors, errors)
    for part, points in blocks(inputs):
        held = floating(points)
        found[part] *= np.einsum("nh,nh->n", held, held, dtype=float)
    return np.asarray(found)


def gradient_distance(errors: Array, inputs: Features, lengths: Array, row: int) -> Array:
    """Squared distance of all gradients to one of them, shape (N,): |a|^2|h|^2 + |b|^2|g|^2 - 2 (a b)(h g)."""
    found = np.empty(len(errors))
    centre = floating(np.asarray(inputs[np.array([row])]))[0]
    for part, points in blocks(inputs):
        held, total = floating(points), lengths[part] + lengths[row]
        away = total - 2.0 * (errors[part] @ errors[row]) * (held @ centre)
        found[part] = np.where(away < ROUNDING * np.finfo(held.dtype).eps * total, 0.0, away)
    found[row] = 0.0
    return found


def _drawn(left: Array, open_: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """One open candidate by squared distance; any open one where all are copies of what was chosen."""
    share = np.where(open_, left, 0.0)
    if not share.sum() > 0:
        return int(rng.choice(np.flatnonzero(open_)))
    total = np.cumsum(share)
    return int(np.searchsorted(total, rng.random() * total[-1], side="right"))
