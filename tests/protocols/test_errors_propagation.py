"""Errors that travel through a flow: closed forms, ensembles, order of the integrator, bifurcations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

from pajamo.errors import DataError
from pajamo.protocols.errors import (
    fundamental_matrix,
    propagate,
    rest_point_error,
    rest_point_shift,
    through,
)

JACOBIAN = np.array([[-1.0, 0.4, 0.0], [0.3, -0.8, -0.5], [0.0, 0.6, -1.2]])
START = np.diag([0.1, 0.2, 0.3])


def changing(time: float) -> np.ndarray:
    return JACOBIAN * (1 + 0.5 * np.sin(3 * time)) + np.diag([0.2 * time, 0.0, -0.1])


def test_constant_jacobian_gives_the_matrix_exponential() -> None:
    np.testing.assert_allclose(
        fundamental_matrix(JACOBIAN, 1.5), scipy.linalg.expm(1.5 * JACOBIAN), atol=1e-12
    )
    np.testing.assert_allclose(fundamental_matrix(JACOBIAN, 0.0), np.eye(3))


def test_changing_jacobian_is_integrated_to_fourth_order() -> None:
    solved = scipy.integrate.solve_ivp(
        lambda t, phi: (changing(t) @ phi.reshape(3, 3)).ravel(),
        (0, 2),
        np.eye(3).ravel(),
        rtol=1e-12,
        atol=1e-13,
    )
    exact = solved.y[:, -1].reshape(3, 3)
    errors = [np.abs(fundamental_matrix(changing, 2.0, steps=n) - exact).max() for n in (10, 20)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.4)


def test_flows_of_two_stretches_compose() -> None:
    first, second = fundamental_matrix(JACOBIAN, 0.7), fundamental_matrix(JACOBIAN, 0.9)
    np.testing.assert_allclose(second @ first, fundamental_matrix(JACOBIAN, 1.6), atol=1e-12)


def test_covariance_of_an_ensemble_is_predicted() -> None:
    random = np.random.default_rng(0)
    flow = fundamental_matrix(changing, 1.0)
    ensemble = random.multivariate_normal(np.zeros(3), START, 40_000) @ flow.T
    np.testing.assert_allclose(np.cov(ensemble.T), propagate(changing, START, 1.0), atol=3e-3)


def test_process_noise_comes_to_the_lyapunov_solution_and_the_start_is_forgotten() -> None:
    noise = np.diag([0.2, 0.1, 0.4])
    stationary = scipy.linalg.solve_continuous_lyapunov(JACOBIAN, -noise)
    np.testing.assert_allclose(propagate(JACOBIAN, 100 * START, 60.0, process=noise), stationary, atol=1e-9)
    np.testing.assert_allclose(propagate(JACOBIAN, stationary, 0.8, process=noise), stationary, atol=1e-12)


def test_a_system_that_differentiates_keeps_the_error_of_its_start() -> None:
    drifting = np.array([[0.0, 0.0], [1.0, -1.0]])
    kept = propagate(drifting, np.diag([0.3, 0.0]), 50.0)
    np.testing.assert_allclose(kept, np.full((2, 2), 0.3), atol=1e-9)


def test_rest_point_moves_by_the_inverse_jacobian() -> None:
    def rest(push: np.ndarray) -> np.ndarray:
        return np.linalg.solve(JACOBIAN, -(np.array([1.0, 2.0, 0.5]) + push))

    push = np.array([0.01, -0.02, 0.03])
    np.testing.assert_allclose(rest_point_shift(JACOBIAN, push), rest(push) - rest(np.zeros(3)), atol=1e-14)
    found = rest_point_error(JACOBIAN, np.eye(3) * 0.04)
    inverse = np.linalg.inv(JACOBIAN)
    np.testing.assert_allclose(found.covariance, 0.04 * inverse @ inverse.T)
    assert np.linalg.norm(rest_point_shift(JACOBIAN, push)) <= found.amplification * np.linalg.norm(push)
    worst = rest_point_shift(JACOBIAN, np.linalg.svd(inverse)[2][0])
    assert np.linalg.norm(worst) == pytest.approx(found.amplification)
    np.testing.assert_allclose(np.abs(worst / found.amplification), np.abs(found.direction))
    assert found.slowest < 0


def test_errors_grow_without_bound_near_a_critical_point() -> None:
    sizes = [rest_point_error(np.diag([-1.0, -gap]), np.eye(2)).amplification for gap in (1, 0.1, 0.01)]
    np.testing.assert_allclose(sizes, [1, 10, 100])


def test_impossible_jacobians_are_refused() -> None:
    with pytest.raises(DataError, match="bifurcation"):
        rest_point_shift(np.diag([-1.0, 0.0]), np.ones(2))
    with pytest.raises(DataError, match="not stable"):
        rest_point_error(np.diag([-1.0, 0.5]), np.eye(2))
    with pytest.raises(DataError, match="not square"):
        fundamental_matrix(np.ones((2, 3)), 1.0)
    with pytest.raises(DataError, match="duration"):
        fundamental_matrix(JACOBIAN, -1.0)
    with pytest.raises(DataError, match="does not fit"):
        through(np.eye(3), np.eye(2))
