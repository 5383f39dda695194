"""The gain of a whole batch: by one formula, and by taking one candidate after the other."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.costs.gains import Gain, ModelGain
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
