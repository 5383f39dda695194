"""Trajectories against means and transients that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import expm

from pajamo.errors import ModelError, StudyError
from pajamo.explanations.simulations.trajectories import gillespie
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.passage import log_mean_first_passage_time
from pajamo.mechanisms.kinetics.scheme import Scheme

CYCLE = Scheme(("a", "b", "c"), (("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("c", "a")))
RATES = np.array([2.0, 1.0, 3.0, 0.5, 1.5])
STEP = Scheme(("on", "off"), (("on", "off"),))


def generator_matrix(scheme, rates):
    """dp/dt = p Q."""
    matrix = np.zeros((len(scheme.states), len(scheme.states)))
    for (source, target), rate in zip(scheme.ends, rates, strict=True):
        matrix[source, target] += rate
        matrix[source, source] -= rate
    return matrix


def test_one_step_takes_an_exponential_time():
    found = gillespie(
        STEP, np.array([0.3]), "on", molecules=4000, rng=np.random.default_rng(0), targets=["off"]
    )
    assert stats.kstest(found.arrival, stats.expon(scale=1 / 0.3).cdf).pvalue > 0.01
    assert found.passages.tolist() == [4000]
    assert found.dwell[0] == pytest.approx(found.arrival.sum())


def test_mean_arrival_is_the_mean_first_passage_time():
    found = gillespie(CYCLE, RATES, "a", molecules=20000, rng=np.random.default_rng(1), targets=["c"])
    exact = float(log_mean_first_passage_time(CYCLE, torch.as_tensor(RATES).log(), ["c"])[0].exp())
    error = found.arrival.std() / np.sqrt(len(found.arrival))
    assert abs(found.arrival.mean() - exact) < 4 * error


def test_time_is_shared_out_as_at_steady_state():
    found = gillespie(CYCLE, RATES, "a", molecules=200, rng=np.random.default_rng(2), until=150.0)
    exact = log_occupancy(CYCLE, torch.as_tensor(RATES).log()).exp().numpy()
    np.testing.assert_allclose(found.occupancy, exact, atol=0.01)
    assert found.dwell.sum() == pytest.approx(200 * 150.0)


def test_transitions_happen_as_often_as_their_rates_say():
    found = gillespie(CYCLE, RATES, "a", molecules=200, rng=np.random.default_rng(3), until=100.0)
    expected = RATES * found.dwell[list(CYCLE.sources)]
    assert (np.abs(found.passages - expected) < 4 * np.sqrt(expected)).all()


def test_states_at_a_time_are_those_of_the_transient():
    times, molecules = [0.0, 0.1, 0.5, 2.0], 20000
    found = gillespie(
        CYCLE, RATES, "a", molecules=molecules, rng=np.random.default_rng(4), until=2.0, times=times
    )
    matrix = generator_matrix(CYCLE, RATES)
    for row, time in enumerate(times):
        exact = expm(matrix * time)[0]
        shares = np.bincount(found.states[row], minlength=3) / molecules
        np.testing.assert_allclose(shares, exact, atol=0.015)


def test_molecules_stay_where_they_arrived():
    found = gillespie(
        CYCLE,
        RATES,
        "a",
        molecules=500,
        rng=np.random.default_rng(5),
        targets=["c"],
        until=3.0,
        times=[1.0, 3.0],
    )
    for row, time in enumerate([1.0, 3.0]):
        np.testing.assert_array_equal(found.states[row] == 2, found.arrival <= time)
    assert np.isinf(found.arrival).any()
    assert found.dwell[2] == 0


def test_a_rate_of_zero_never_happens():
    rates = np.array([2.0, 1.0, 0.0, 0.5, 1.5])
    found = gillespie(CYCLE, rates, "a", molecules=100, rng=np.random.default_rng(6), until=10.0)
    assert found.passages[2] == 0
    assert found.dwell[2] == 0


def test_who_starts_at_the_target_has_arrived():
    found = gillespie(CYCLE, RATES, "c", molecules=3, rng=np.random.default_rng(7), targets=["c"])
    assert found.arrival.tolist() == [0, 0, 0]


def test_the_same_seed_gives_the_same_trajectories():
    one, other = (
        gillespie(CYCLE, RATES, "a", molecules=50, rng=np.random.default_rng(8), targets=["c"])
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.arrival, other.arrival)


def test_what_would_never_end_is_refused():
    random = np.random.default_rng(9)
    with pytest.raises(ModelError, match="never stop"):
        gillespie(CYCLE, RATES, "a", molecules=1, rng=random)
    cut_off = np.array([2.0, 1.0, 0.0, 0.5, 1.5])
    with pytest.raises(ModelError, match="never stop"):
        gillespie(CYCLE, cut_off, "a", molecules=1, rng=random, targets=["c"])
    with pytest.raises(ModelError, match="no molecule is followed"):
        gillespie(CYCLE, RATES, "a", molecules=1, rng=random, until=1.0, times=[2.0])
    with pytest.raises(ModelError, match="one rate for each"):
        gillespie(CYCLE, -RATES, "a", molecules=1, rng=random, until=1.0)
    with pytest.raises(StudyError, match="no state"):
        gillespie(CYCLE, RATES, "d", molecules=1, rng=random, until=1.0)
