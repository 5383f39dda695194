"""The two steps of every learner: fit to what was measured, predict what was not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pajamo.campaigns.features import Features
from pajamo.campaigns.predictive import Array, Predictive


class Fitted(ABC):
    """A learner that has seen results."""

    @abstractmethod
    def predict(self, features: Features) -> Predictive:
        """What is said of candidates with these features, in the order of their rows."""

    def embed(self, features: Features) -> Features:
        """The candidates in the learner's own space, where distances are differences to it, if it has one."""
        return features

    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of everything that predictions depend on (sha256, hexadecimal); the record of a round keeps it."""


class Learner(ABC):
    """Learns from what was measured. It has no state: the same arguments give the same fit, bit for bit.

    Class attributes: `name` as it is written in a study; `fewest` results from which it is fitted, 0 where it knows
    something before.
    """

    name: ClassVar[str]
    fewest: ClassVar[int] = 4

    @abstractmethod
    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> Fitted:
        """Fit to results.

        Parameters
        ----------
        features: shape (L, F).
        values: shape (L, D); class numbers in one column for classifiers. Never NaN: failed ones are left out.
        noise: variance of each recorded value, shape (L, D), where it is known.
        seed: of everything random.
        """
