"""The mixture of rivals: moments of its draws, and what is refused."""

import numpy as np
import pytest

from pajamo.campaigns.predictive import FactorPredictive, SampledPredictive
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.errors import ModelError


def two() -> RivalPredictive:
    rng = np.random.default_rng(0)
    one = FactorPredictive(rng.normal(size=(4, 2)), rng.normal(size=(4, 3)), noise=0.1, scale=[1.0, 2.0])
    other = FactorPredictive(rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), noise=0.3, scale=[1.0, 2.0])
    return RivalPredictive([one, other], [0.3, 0.7], ["activator", "repressor"])


def test_moments_are_those_of_draws() -> None:
    predictive = two()
    draws = predictive.samples(60_000, np.random.default_rng(1))
    assert draws.mean(axis=0) == pytest.approx(predictive.mean, abs=0.06)
    assert draws.var(axis=0) == pytest.approx(predictive.variance, rel=0.05)
    by_output = [np.cov(draws[:, :, output].T) / predictive.scale[output] ** 2 for output in range(2)]
    assert predictive.columns(np.array([2, 0])) == pytest.approx(sum(by_output)[:, [2, 0]], abs=0.25)
    assert predictive.noise == pytest.approx(np.full((4, 2), 0.3 * 0.1 + 0.7 * 0.3))


def test_columns_and_diagonal_agree() -> None:
    predictive = two()
    assert np.diag(predictive.columns(np.arange(4))) == pytest.approx(predictive.diagonal())
    part = predictive.take(np.array([3, 1]))
    assert part.diagonal() == pytest.approx(predictive.diagonal()[[3, 1]])
    assert part.names == ("activator", "repressor")


def test_another_unit_of_outputs_holds_within_rivals_and_between_them() -> None:
    predictive = two().take(np.arange(4))
    before = predictive.columns(np.arange(4))
    predictive.scale = np.array([0.5, 1.0])
    assert all((rival.scale == [0.5, 1.0]).all() for rival in predictive.rivals)
    assert predictive.columns(np.arange(4)) == pytest.approx(4.0 * before)
    assert np.diag(predictive.columns(np.arange(4))) == pytest.approx(predictive.diagonal())


def test_a_candidate_that_one_rival_cannot_predict_is_not_finite() -> None:
    draws = np.random.default_rng(0).normal(size=(5, 3))
    broken = draws.copy()
    broken[0, 1] = np.inf
    with np.errstate(invalid="ignore"):
        predictive = RivalPredictive([SampledPredictive(draws), SampledPredictive(broken)])
        assert predictive.finite().tolist() == [True, False, True]


def test_what_is_refused() -> None:
    one = FactorPredictive(np.zeros(3), np.ones((3, 1)))
    with pytest.raises(ModelError, match="nothing to tell apart"):
        RivalPredictive([one])
    with pytest.raises(ModelError, match="shapes"):
        RivalPredictive([one, FactorPredictive(np.zeros(2), np.ones((2, 1)))])
    with pytest.raises(ModelError, match="weights"):
        RivalPredictive([one, one], [0.5, 0.6])
    assert RivalPredictive([one, one]).names == ("rival 1", "rival 2")
