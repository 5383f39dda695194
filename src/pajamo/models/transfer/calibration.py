"""Platt's line: log odds of an ensemble to log odds that agree with how often sites were found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEPS = 50
"""Most Newton steps."""
CLOSE = 1e-10
"""A step that gains less, in nats per row, is the last."""
SLOPE_SD, OFFSET_SD = 1.0, 5.0
"""Standard deviations of Gaussian priors on ln of the slope about 0, and on the offset."""


@dataclass(frozen=True)
class Calibration:
    """calibrated log odds = offset + slope x log odds (Platt 1999, Adv. Large Margin Classifiers, 61), slope > 0."""

    slope: float
    offset: float

    def applied(self, log_odds: Array) -> Array:
        """Calibrated log odds, in the shape given."""
        return self.offset + self.slope * log_odds


def platt(log_odds: Array, labels: Array) -> Calibration:
    """The line under which labels are likeliest, found by Newton steps in its offset and ln of its slope.

    Weak priors keep it finite where sites are told apart without error.

    Parameters
    ----------
    log_odds: of each site, shape (sites,).
    labels: 1 found, 0 not, shape (sites,).
    """
    place = np.zeros(2)
    least = _missed(place, log_odds, labels)
    for _ in range(STEPS):
        step = _step(place, log_odds, labels)
        share = 1.0
        while (now := _missed(place - share * step, log_odds, labels)) > least and share > 1e-8:
            share /= 2
        gained, place, least = least - now, place - share * step, now
        if gained < CLOSE * len(labels):
            break
    return Calibration(float(np.exp(place[1])), float(place[0]))


def _missed(place: Array, log_odds: Array, labels: Array) -> float:
    """Minus ln posterior in nats."""
    odds = place[0] + np.exp(place[1]) * log_odds
    likelihood = np.logaddexp(0.0, odds) - labels * odds
    return float(likelihood.sum() + ((place / (OFFSET_SD, SLOPE_SD)) ** 2).sum() / 2)


def _step(place: Array, log_odds: Array, labels: Array) -> Array:
    """Newton's step with Fisher's information, which is positive definite."""
    scaled = np.exp(place[1]) * log_odds
    share = 1 / (1 + np.exp(-np.clip(place[0] + scaled, -700, 700)))
    design = np.stack([np.ones_like(scaled), scaled], axis=1)
    prior = 1 / np.array([OFFSET_SD, SLOPE_SD]) ** 2
    gradient = design.T @ (share - labels) + place * prior
    curvature = (design * (share * (1 - share))[:, None]).T @ design + np.diag(prior)
    return np.asarray(np.linalg.solve(curvature, gradient))
