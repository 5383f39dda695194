"""The gain of a whole batch: by one formula, and by taking one candidate after the other."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.costs.gains import Gain, LawGain, ModelGain
from pajamo.campaigns.predictive import FactorPredictive


@pytest.mark.parametrize("misfit", [0.0, 0.3])
def test_a_batch_gains_what_its_members_gain_one_by_one(misfit: float) -> None:
    rng = np.random.default_rng(1)
    gain = ModelGain(FactorPredictive(np.zeros(40), rng.normal(size=(40, 6))), misfit=misfit)
    rows = rng.permutation(40)[:12]
    before = np.where(rng.random(12) < 0.5, 0.0, 0.7)
    after = before + rng.uniform(0.0, 3.0, 12)
    after[3] = before[3]
    assert gain.total(rows, before, after) == pytest.approx(Gain.total(gain, rows, before, after), rel=1e-10)


def test_information_of_a_batch_is_that_of_its_members_one_by_one_and_the_determinant() -> None:
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(30, 5))
    gain = LawGain(FactorPredictive(np.zeros(30), factor))
    rows = rng.permutation(30)[:8]
    after = rng.uniform(0.2, 2.0, 8)
    none = np.zeros(8)
    covariance = factor[rows] @ factor[rows].T + np.diag(1 / after)
    dense = 0.5 * (np.linalg.slogdet(covariance)[1] + np.log(after).sum())
    assert gain.total(rows, none, after) == pytest.approx(dense, rel=1e-10)
    assert Gain.total(gain, rows, none, after) == pytest.approx(dense, rel=1e-10)
    assert isinstance(gain.take(rows), LawGain)
