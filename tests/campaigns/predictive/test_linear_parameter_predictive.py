"""Predictions and parameters that are linear in the same unknowns: the limit of infinitely many draws."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.information import ExpectedInformation
from pajamo.campaigns.predictive.linear_parameters import Aside, LinearParameterPredictive
from pajamo.campaigns.proposing.narrowing import Narrowing
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError

SIZE, UNKNOWNS, OUTPUTS = 9, 4, 3


def some(aside: bool = True) -> LinearParameterPredictive:
    rng = np.random.default_rng(0)
    beside = Aside(rng.normal(size=(2, OUTPUTS, UNKNOWNS)) / 3, np.arange(SIZE) % 2) if aside else None
    return LinearParameterPredictive(
        rng.normal(size=(SIZE, OUTPUTS)),
        rng.normal(size=(SIZE, UNKNOWNS)),
        rng.normal(size=(2, UNKNOWNS)),
        ["contact", "binding"],
        slopes=rng.normal(size=(SIZE, OUTPUTS)),
        noise=rng.uniform(0.5, 2.0, (SIZE, OUTPUTS)),
        values=[-2.0, 1.0],
        units=["kcal/mol", "kcal/mol"],
        aside=beside,
    )


def whole(predictive: LinearParameterPredictive, rows: np.ndarray) -> np.ndarray:
    """Covariance of u after results of some candidates, by the precision matrix."""
    results = predictive.results(rows)
    return np.linalg.inv(np.eye(UNKNOWNS) + results.T @ results)


def half_log_det(predictive: LinearParameterPredictive, rows: np.ndarray) -> float:
    """Information of a linear model about its parameters: half the log of how their covariance's size shrinks."""
    before = predictive.loadings @ predictive.loadings.T
    after = predictive.loadings @ whole(predictive, rows) @ predictive.loadings.T
    return 0.5 * float(np.linalg.slogdet(before)[1] - np.linalg.slogdet(after)[1])


@pytest.mark.parametrize("aside", [False, True])
def test_information_is_half_the_log_determinant(aside: bool) -> None:
    predictive, rows = some(aside), np.array([4, 0, 7])
    assert Narrowing(predictive).of(rows) == pytest.approx(half_log_det(predictive, rows))
    gains = Narrowing(predictive).gains(rows)
    assert gains[0] == pytest.approx(half_log_det(predictive, rows[:1]))


@pytest.mark.parametrize("aside", [False, True])
def test_the_greedy_batch_is_that_of_brute_force(aside: bool) -> None:
    predictive = some(aside)
    situation = Situation(np.arange(SIZE, dtype=float)[:, None], np.ones(SIZE, bool), predictive)
    found = choose_batch(ExpectedInformation(), situation, 3)
    chosen: list[int] = []
    for place in range(3):
        each = [half_log_det(predictive, np.array([*chosen, row])) for row in range(SIZE)]
        best = max((row for row in range(SIZE) if row not in chosen), key=lambda row: each[row])
        before = half_log_det(predictive, np.array(chosen, dtype=int)) if chosen else 0.0
        assert found.gains[place] == pytest.approx(each[best] - before)
        chosen.append(best)
    assert found.rows.tolist() == chosen


def test_many_draws_tell_the_same() -> None:
    predictive = some(aside=False)
    drawn = predictive.draws(10_000, np.random.default_rng(1))
    assert drawn.variance == pytest.approx(predictive.variance, rel=0.1)
    assert drawn.parameters.std(axis=0) == pytest.approx(predictive.deviations, rel=0.05)
    features, free = np.zeros((SIZE, 1)), np.ones(SIZE, bool)
    for about in (None, ["contact"]):
        scores = [
            choose_batch(ExpectedInformation(about=about), Situation(features, free, one), 1).scores
            for one in (predictive, drawn)
        ]
        assert scores[0] == pytest.approx(scores[1], rel=0.08, abs=0.02)


def test_conditioning_is_that_of_the_joint_gaussian() -> None:
    predictive, rows = some(), np.array([2, 2, 5])
    after = predictive.condition(rows)
    covariance = whole(predictive, rows)
    expected = predictive.hidden @ covariance @ predictive.hidden.T
    assert after.hidden @ after.hidden.T == pytest.approx(expected)
    assert after.deviations == pytest.approx(predictive.deviations_after(rows))
    assert Narrowing(after).of(np.array([0])) == pytest.approx(
        half_log_det(predictive, np.array([2, 2, 5, 0])) - half_log_det(predictive, rows)
    )
    assert np.array_equal(after.mean, predictive.mean)


def test_columns_and_samples_agree() -> None:
    predictive = some(aside=False)
    drawn = predictive.samples(20_000, np.random.default_rng(2)) - predictive.mean
    scaled = np.einsum("snd,smd->nm", drawn, drawn) / len(drawn)
    assert predictive.columns(np.arange(SIZE)) == pytest.approx(scaled, abs=0.4)
    assert np.diag(predictive.columns(np.arange(SIZE))) == pytest.approx(predictive.diagonal())


def test_units_of_outputs_and_of_parameters_change_no_information() -> None:
    predictive, rows = some(aside=False), np.array([1, 3])
    unit = np.array([10.0, 0.1, 3.0])
    changed = LinearParameterPredictive(
        predictive.mean * unit,
        predictive.hidden,
        predictive.loadings * np.array([[4.184], [0.5]]),
        predictive.names,
        slopes=predictive.slopes * unit,
        noise=predictive.noise * unit**2,
    )
    assert Narrowing(changed).of(rows) == pytest.approx(Narrowing(predictive).of(rows))
    assert changed.deviations_after(rows) == pytest.approx(
        predictive.deviations_after(rows) * np.array([4.184, 0.5])
    )


def test_intervals_are_told_in_their_unit() -> None:
    predictive = some()
    told = Narrowing(predictive).told(np.array([0, 1]), [np.array([2, 3])])
    assert "contact is -2 kcal/mol" in told[0]
    assert "a random one to +-" in told[0]


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ModelError, match="do not go together"):
        LinearParameterPredictive(np.zeros(3), np.zeros((3, 2)), np.zeros((1, 3)), ["a"])
    with pytest.raises(ModelError, match="not finite"):
        LinearParameterPredictive(np.zeros(3), np.zeros((3, 2)), np.full((1, 2), np.nan), ["a"])
    with pytest.raises(ModelError, match="contact"):
        some().of_interest(["contct"])
