"""Replicates set a ceiling, and those that do not agree are called noise."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.benchmark.ceilings import ceiling, reliability, top_share
from pajamo.errors import DataError


def replicates(share: float, number: int = 2, size: int = 3000, seed: int = 0) -> np.ndarray:
    """Replicates with this share of variance in common."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((size, 1)) * np.sqrt(share)
    return common + rng.standard_normal((size, number)) * np.sqrt(1 - share)


def test_planted_reliability_is_recovered() -> None:
    found = ceiling(replicates(0.6, 4))
    assert found.correlation.low < 0.6 < found.correlation.high
    assert found.correlation.value == pytest.approx(0.6, abs=0.03)
    assert found.reliability == pytest.approx(reliability(0.6, 4), abs=0.02)
    assert not found.is_noise("hits")
    assert found.verdict("model").startswith("ceiling")


def test_spearman_brown_by_hand() -> None:
    assert reliability(0.5, 2) == pytest.approx(2 / 3)
    assert reliability(0.813, 8) == pytest.approx(0.972, abs=1e-3)
    assert reliability(0.3, 1) == 0.3


def test_two_columns_agree_with_numpy() -> None:
    values = replicates(0.4, seed=3)
    found = ceiling(values)
    assert found.correlation.value == pytest.approx(np.corrcoef(values.T)[0, 1])
    tops = [set(np.argsort(-column)[:150]) for column in values.T]
    assert found.overlap[0.05].value == pytest.approx(len(tops[0] & tops[1]) / 150)
    assert found.overlap[0.05].chance == pytest.approx(0.05)


def test_replicates_without_anything_in_common_are_noise() -> None:
    found = [ceiling(replicates(0.0, size=600, seed=seed)) for seed in range(8)]
    assert sum(one.is_noise("hits") for one in found) >= 7
    assert sum(one.is_noise("model") for one in found) >= 7
    assert found[1].verdict("hits").startswith("noise")


def test_agreement_of_the_many_is_not_agreement_of_the_hits() -> None:
    # As in a published screen: replicates correlate a little, and their hits overlap no more than by chance.
    rng = np.random.default_rng(2)
    values = replicates(0.2, size=4000, seed=2)
    outliers = rng.choice(4000, (2, 200), replace=False)
    values[outliers[0], 0] += 10
    values[outliers[1], 1] += 10
    found = ceiling(values)
    assert found.is_noise("hits")


def test_hits_may_be_low_or_large() -> None:
    values = replicates(0.5, size=500, seed=4)
    assert ceiling(-values, by="low").overlap == ceiling(values).overlap
    large = ceiling(values, by="magnitude").overlap[0.05]
    assert large == ceiling(-values, by="magnitude").overlap[0.05]


def test_failed_measurements_are_left_out_and_few_are_refused() -> None:
    values = replicates(0.5, size=100)
    values[:30, 0] = np.nan
    assert ceiling(values).candidates == 70
    for wrong in (values[:40], values[:, :1], values[:, 0]):
        with pytest.raises(DataError, match="replicates"):
            ceiling(wrong)


def test_top_shares() -> None:
    assert top_share(np.array([3.0, np.nan, 1.0, 2.0]), 0.5).tolist() == [True, False, False, True]
    assert top_share(np.array([1.0, 2.0]), 0.01).sum() == 1
    assert top_share(np.full(3, np.nan), 0.5).sum() == 0
