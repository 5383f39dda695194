"""BADGE: candidates whose result would move the model far, each in a direction of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.distances import ROUNDING, Points, floating
from pajamo.campaigns.features import stacked
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
        lengths = np.einsum("nc,nc->n", errors, errors) * np.einsum("nh,nh->n", inputs, inputs, dtype=float)
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


def gradient_parts(situation: Situation) -> tuple[Array, Points]:
    """p - onehot(likeliest), shape (N, C), and h, shape (N, H)."""
    classes = situation.classes()
    errors = classes.mean.copy()
    errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1.0
    if classes.features is not None:
        return errors, classes.features
    held = situation.features
    return errors, floating(held if isinstance(held, np.ndarray) else stacked(held))


def gradient_distance(errors: Array, inputs: Points, lengths: Array, row: int) -> Array:
    """Squared distance of all gradients to one of them, shape (N,): |a|^2|h|^2 + |b|^2|g|^2 - 2 (a b)(h g)."""
    total = lengths + lengths[row]
    found = np.asarray(total - 2.0 * (errors @ errors[row]) * (inputs @ inputs[row]))
    found[found < ROUNDING * np.finfo(inputs.dtype).eps * total] = 0.0
    found[row] = 0.0
    return found


def _drawn(left: Array, open_: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """One open candidate by squared distance; any open one where all are copies of what was chosen."""
    share = np.where(open_, left, 0.0)
    if not share.sum() > 0:
        return int(rng.choice(np.flatnonzero(open_)))
    total = np.cumsum(share)
    return int(np.searchsorted(total, rng.random() * total[-1], side="right"))
