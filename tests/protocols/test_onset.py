"""A few onsets stand for a density: their average is the integral, against naive integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.config.protocol import DeliverStep
from pajamo.protocols.onset import NODES, gauss, onset_times, reached

DENSITIES = {
    "uniform": stats.uniform(0, 4),
    "exponential": stats.expon(scale=2),
    "gamma": stats.gamma(3.0, scale=2 / 3),
}


def step(kind: str) -> DeliverStep:
    return DeliverStep.model_validate(
        {"kind": "knockout", "onset": kind, "onset_mean": 2.0, "onset_shape": 3.0}
    )


@pytest.mark.parametrize("kind", DENSITIES)
@pytest.mark.parametrize("horizon", [0.5, 3.0, 10.0])
def test_the_mean_response_is_the_integral(kind: str, horizon: float) -> None:
    def response(onset: np.ndarray) -> np.ndarray:
        return np.where(onset < horizon, 1 - np.exp(-(horizon - np.minimum(onset, horizon))), 0.0)

    few = onset_times(step(kind), horizon)
    shares, delays = (np.array(values) for values in zip(*few, strict=True))
    # Midpoints of two hundred thousand equal probabilities.
    draws = DENSITIES[kind].ppf((np.arange(200_000) + 0.5) / 200_000)
    assert shares.sum() == pytest.approx(1.0, abs=1e-9)
    assert shares @ response(delays) == pytest.approx(response(draws).mean(), abs=1e-5)
    assert ((delays >= 0) & (delays <= horizon)).all()
    assert len(few) <= NODES + 1


@pytest.mark.parametrize("kind", DENSITIES)
def test_without_a_horizon_all_moments_are_those_of_the_density(kind: str) -> None:
    shares, delays = (np.array(values) for values in zip(*onset_times(step(kind), np.inf), strict=True))
    for power in range(1, 5):
        assert shares @ delays**power == pytest.approx(DENSITIES[kind].moment(power), rel=1e-5)
    assert reached(step(kind), 3.0) == pytest.approx(DENSITIES[kind].cdf(3.0))


def test_a_measurement_at_delivery_sees_no_edit() -> None:
    assert onset_times(step("gamma"), 0.0) == ((1.0, 0.0),)


def test_gauss_rules_of_a_flat_measure_are_those_of_legendre() -> None:
    at, weights = np.polynomial.legendre.leggauss(200)
    nodes, shares = gauss(at, weights, 5)
    expected = np.polynomial.legendre.leggauss(5)
    np.testing.assert_allclose(nodes, expected[0], atol=1e-12)
    np.testing.assert_allclose(shares, expected[1], atol=1e-12)
