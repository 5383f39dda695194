"""Noise that follows a law of the features: it is found, results weigh by it, candidates have their own."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.learners.designed import DesignedLinear
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.learners.uneven import NoiseLaw, UnevenLinear
from pajamo.errors import DataError


def planted(results, slope, seed):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((results, 6))
    weights = rng.standard_normal((6, 1))
    spread = 0.5 * np.exp(0.5 * slope * table[:, :1])
    return table, table @ weights + spread * rng.standard_normal((results, 1)), weights


def test_the_law_is_found_and_candidates_have_their_own_noise():
    table, values, _ = planted(800, 1.0, 0)
    fitted = UnevenLinear(noise_from=(0,)).fit(table, values, seed=0)
    slope = fitted.law.slopes[0] / fitted.law.units.deviation[0]
    assert slope == pytest.approx(1.0, abs=0.15)
    ask = np.zeros((3, 6))
    ask[:, 0] = [-1.0, 0.0, 1.0]
    noise = fitted.predict(ask).noise[:, 0]
    assert np.allclose(noise, 0.25 * np.exp([-1.0, 0.0, 1.0]), rtol=0.3)


def test_even_noise_gives_the_designed_model():
    table, values, _ = planted(300, 0.0, 1)
    own, usual = (kind.fit(table, values, seed=0) for kind in (UnevenLinear(), DesignedLinear()))
    assert abs(own.law.slopes[0]) < 0.25
    new = np.random.default_rng(2).standard_normal((20, 6))
    assert np.allclose(own.predict(new).mean, usual.predict(new).mean, atol=0.05)


def test_weighing_by_the_law_is_nearer_to_the_truth():
    errors = []
    for seed in range(10):
        table, values, weights = planted(100, 2.0, seed)
        new = np.random.default_rng(seed + 100).standard_normal((200, 6))
        said = [
            kind.fit(table, values, seed=0).predict(new).mean for kind in (UnevenLinear(), DesignedLinear())
        ]
        errors.append([((one - new @ weights) ** 2).mean() for one in said])
    own, usual = np.mean(errors, axis=0)
    assert own < 0.6 * usual


def test_the_law_is_the_most_probable_one():
    rng = np.random.default_rng(3)
    table = rng.standard_normal((200, 1))
    squares = np.exp(0.7 * table[:, 0]) * rng.chisquare(1, 200)
    unit = Scale(np.zeros(1), np.ones(1))

    def lost(slope):
        # The level at its best for this slope, then the gamma likelihood and the prior of the slope.
        level = (squares * np.exp(-slope * table[:, 0])).mean()
        return 0.5 * (np.log(level) + slope * table[:, 0]).sum() + 0.5 * 200 + 0.5 * slope**2

    grid = np.linspace(-2, 2, 4001)
    table = np.clip(table, -3, 3)
    best = grid[np.argmin([lost(slope) for slope in grid])]
    assert NoiseLaw((0,), unit, np.zeros(1)).found(table, squares).slopes[0] == pytest.approx(best, abs=2e-3)


def test_known_noise_and_missing_columns_are_refused():
    table, values, _ = planted(20, 0.0, 0)
    with pytest.raises(DataError, match="noise"):
        UnevenLinear().fit(table, values, np.ones_like(values), seed=0)
    with pytest.raises(DataError, match="not there"):
        UnevenLinear(noise_from=(6,)).fit(table, values, seed=0)
