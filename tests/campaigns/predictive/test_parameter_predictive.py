"""Draws of parameters beside predictions: what a measurement says of the parameters too."""

import numpy as np
import pytest

from pajamo.campaigns.predictive.parameters import ParameterPredictive
from pajamo.errors import ModelError


def some(draws: int = 60, outputs: int = 2) -> ParameterPredictive:
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=(draws, 3)) + 4.0
    predictions = np.einsum("sp,npd->snd", parameters, rng.normal(size=(5, 3, outputs)))
    return ParameterPredictive(
        predictions, parameters, ["binding", "coupling", "level"], noise=[0.5, 0.2][:outputs]
    )


def joint(predictive: ParameterPredictive) -> np.ndarray:
    flat = predictive.draws.reshape(len(predictive.draws), -1)
    return np.cov(np.concatenate([flat, predictive.parameters], axis=1).T)


def test_conditioning_is_that_of_the_joint_gaussian() -> None:
    predictive = some()
    before, seen = joint(predictive), np.array([2, 3, 6, 7])
    noise = np.diag(np.tile(predictive.noise[0], 2))
    gain = before[:, seen] @ np.linalg.inv(before[np.ix_(seen, seen)] + noise)
    wanted = before - gain @ before[seen]
    after = predictive.condition(np.array([1, 3]))
    assert isinstance(after, ParameterPredictive)
    assert joint(after) == pytest.approx(wanted, abs=1e-9)
    assert after.mean == pytest.approx(predictive.mean)
    assert after.parameters.mean(axis=0) == pytest.approx(predictive.parameters.mean(axis=0))


def test_taking_keeps_the_parameters() -> None:
    predictive = some()
    part = predictive.take(np.array([3, 0]))
    assert np.array_equal(part.draws, predictive.draws[:, [3, 0]])
    assert np.array_equal(part.parameters, predictive.parameters)
    assert part.names == predictive.names


def test_parameters_of_interest_by_name() -> None:
    predictive = some()
    assert np.array_equal(predictive.of_interest(["level", "binding"]), predictive.parameters[:, [2, 0]])
    assert predictive.of_interest(None).shape == (60, 3)
    with pytest.raises(ModelError, match="'affinity'"):
        predictive.of_interest(["affinity"])
    with pytest.raises(ModelError, match="no parameter is named"):
        predictive.of_interest([])


@pytest.mark.parametrize("parameters", [np.zeros((3, 1)), np.zeros((4, 2)), np.full((4, 1), np.nan)])
def test_parameters_that_do_not_go_with_the_draws(parameters: np.ndarray) -> None:
    with pytest.raises(ModelError):
        ParameterPredictive(np.random.default_rng(0).normal(size=(4, 6)), parameters, ["rate"])
