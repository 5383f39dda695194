"""Inference-set design: measure what is hard to predict, predict the rest, and stop when the rest is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.predictive import Array, ClassPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError


class InferenceSet(ScoreAcquisition):
    """The candidates that the model is least sure of are measured; the sure ones are left to be predicted.

    A screen need not be finished: what remains gets easier with each batch, until a held-back sample shows that its
    predictions can stand for measurements (`stop_verdict`).
    """

    name: ClassVar[str] = "inference-set"
    source: ClassVar[str] = "Neporozhnii et al. 2024 (arXiv 2410.19631), algorithm 1"
    unit: ClassVar[str] = "of unsureness"

    def score(self, situation: Situation) -> Array:
        """One minus the probability of the likeliest class, or the standard deviation in units of the scale."""
        if isinstance(situation.predictive, ClassPredictive):
            return np.asarray(1.0 - situation.predictive.mean.max(axis=1))
        values = situation.values()
        return np.asarray(np.sqrt(np.maximum(values.diagonal(), 0.0) / len(values.scale)))

    def why(self, selection: Selection, place: int) -> str:
        """That it is hard."""
        return (
            f"too unsure to be predicted ({selection.gains[place]:.3g}); the surer ones are left to the model"
        )


@dataclass(frozen=True)
class StopVerdict:
    """Whether the rest of a pool may be predicted instead of measured.

    Attributes
    ----------
    stop: whether the lower bound reaches the target.
    share: of the held-back candidates that were predicted right.
    bound: lower confidence bound on that share among all that were not measured; with `of` = "library", on the share
        that is right in measured and predicted together.
    target: that has to be reached.
    held_back: candidates that were compared.
    why: in words.
    """

    stop: bool
    share: float
    bound: float
    target: float
    held_back: int
    why: str


def right_classes(predicted: ArrayLike, recorded: ArrayLike) -> NDArray[np.bool_]:
    """Held-back candidates whose likeliest class was recorded; failed ones (NaN) are left out."""
    found, seen = np.asarray(predicted), np.asarray(recorded, dtype=float)
    return np.asarray((found == seen)[np.isfinite(seen)])


def right_values(predicted: ArrayLike, recorded: ArrayLike, tolerance: ArrayLike) -> NDArray[np.bool_]:
    """Held-back candidates predicted within a tolerance (each output of a row); failed ones (NaN) are left out."""
    found, seen = np.asarray(predicted, dtype=float), np.asarray(recorded, dtype=float)
    found, seen = found.reshape(len(found), -1), seen.reshape(len(seen), -1)
    near = (np.abs(found - seen) <= np.asarray(tolerance, dtype=float)).all(axis=1)
    return np.asarray(near[np.isfinite(seen).all(axis=1)])


def stop_verdict(
    right: ArrayLike,
    *,
    target: float = 0.95,
    confidence: float = 0.95,
    look: int = 1,
    measured: int = 0,
    remaining: int = 0,
    of: str = "rest",
) -> StopVerdict:
    """Judge whether a campaign may stop.

    The exact lower bound of a share (Clopper and Pearson 1934). A campaign that asks after each round has more
    chances to be lucky: look t is given 6 / (pi t)^2 of the allowed error, so that with the stated confidence no look
    at all stops too early.

    Parameters
    ----------
    right: of a random sample of what was not measured, held back and never trained on, whether it was predicted
        right; shape (n,). A batch that was predicted before it was measured may stand in for it: being the hardest
        part, it makes the bound careful, as long as the model's sureness orders candidates rightly.
    target: share that must be right.
    confidence: with which no look stops too early.
    look: how often has been asked, this time included.
    measured, remaining: candidates measured and not measured; needed for `of` = "library".
    of: "rest" judges predictions alone; "library" counts measured candidates as right.

    Raises
    ------
    DataError: nothing was held back, a share outside of 0 to 1, or a look before the first.
    """
    found = np.asarray(right, dtype=bool)
    _check_verdict(found, target, confidence, look, measured, remaining, of)
    count, good = len(found), int(found.sum())
    error = (1.0 - confidence) * 6.0 / (np.pi * look) ** 2
    low = float(beta.ppf(error, good, count - good + 1)) if good else 0.0
    share = good / count
    bound = low if of == "rest" else (measured + low * remaining) / (measured + remaining)
    stop = bound >= target
    what = "of the rest" if of == "rest" else "of the library"
    why = (
        f"{good:,} of {count:,} held back were predicted right; at least {bound:.1%} {what} are right with "
        f"{confidence:.0%} confidence at look {look}, {'which reaches' if stop else 'short of'} {target:.1%}"
    )
    return StopVerdict(stop, share, bound, target, count, why)


def _check_verdict(
    right: NDArray[np.bool_],
    target: float,
    confidence: float,
    look: int,
    measured: int,
    remaining: int,
    of: str,
) -> None:
    wrong = {
        "nothing was held back": right.ndim != 1 or not len(right),
        f"target {target} and confidence {confidence} are not both between 0 and 1": not (
            0 < target <= 1 and 0 < confidence < 1
        ),
        f"look {look} is before the first": look < 1,
        f"`of` is {of!r}": of not in ("rest", "library"),
        "the library is empty": of == "library"
        and (min(measured, remaining) < 0 or measured + remaining == 0),
    }
    for what, found in wrong.items():
        if found:
            raise DataError(
                what,
                where="stop verdict",
                fix="hold back a random sample of the rest, measure it, and compare",
            )
