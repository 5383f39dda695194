"""V-optimal batches against the dense formula."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.integrated_variance import IntegratedVariance
from pajamo.campaigns.predictive import FactorPredictive
from pajamo.campaigns.situation import Situation


def situation(noise):
    factor = np.random.default_rng(0).standard_normal((30, 5))
    available = np.ones(30, dtype=bool)
    available[3] = False
    return factor, Situation(
        features=factor,
        available=available,
        predictive=FactorPredictive(np.zeros((30, 1)), factor, noise=noise),
    )


def test_each_member_lowers_the_mean_variance_most():
    noise = np.random.default_rng(1).uniform(0.1, 3.0, (30, 1))
    factor, asked = situation(noise)
    found = choose_batch(IntegratedVariance(), asked, 8)
    covariance, chosen = factor @ factor.T, []
    for row, gain in zip(found.rows, found.gains, strict=True):
        lowered = (covariance**2).mean(axis=1) / (np.diag(covariance) + noise[:, 0])
        lowered[[3, *chosen]] = -np.inf
        assert row == np.argmax(lowered)
        assert np.isclose(gain, lowered[row])
        column = covariance[:, row]
        covariance = covariance - np.outer(column, column) / (column[row] + noise[row, 0])
        chosen.append(row)


def test_a_noisy_copy_is_not_chosen_before_the_exact_one():
    factor = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.1]])
    noise = np.array([[5.0], [0.1], [0.1]])
    asked = Situation(
        features=factor,
        available=np.ones(3, dtype=bool),
        predictive=FactorPredictive(np.zeros((3, 1)), factor, noise=noise),
    )
    assert choose_batch(IntegratedVariance(), asked, 1).rows.tolist() == [1]
    assert "lowers the mean variance" in IntegratedVariance().why(
        choose_batch(IntegratedVariance(), asked, 1), 0
    )
