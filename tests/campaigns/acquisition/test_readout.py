"""The readout that counts: weights, direction, covariance and coherent draws of every kind of prediction."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.greedy import best_row, lazy_best
from pajamo.campaigns.acquisition.readout import readout_of, reference
from pajamo.campaigns.predictive import FactorPredictive, KernelPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import ModelError

WEIGHTS = np.array([2.0, -1.0])
SPREAD, SCALE = np.array([1.0, 3.0]), np.array([2.0, 0.5])


def factor() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 3))


def of_factor() -> FactorPredictive:
    mean = np.random.default_rng(1).normal(size=(6, 2))
    return FactorPredictive(mean, factor(), noise=[0.1, 0.2], scale=SCALE, spread=SPREAD)


def of_kernel() -> KernelPredictive:
    whole = factor() @ factor().T
    return KernelPredictive(
        of_factor().mean,
        np.diag(whole),
        lambda rows: whole[:, rows],
        noise=[0.1, 0.2],
        scale=SCALE,
        spread=SPREAD,
    )


def situation_of(predictive, **changes) -> Situation:
    return Situation(np.zeros((predictive.size, 1)), np.ones(predictive.size, bool), predictive, **changes)


@pytest.mark.parametrize("make", [of_factor, of_kernel])
@pytest.mark.parametrize("maximise", [True, False])
def test_gaussian_readout_by_hand(make, maximise: bool) -> None:
    readout = readout_of(situation_of(make(), target=Target(weights=WEIGHTS, maximise=maximise)))
    sign = 1.0 if maximise else -1.0
    whole = factor() @ factor().T * (4.0 * 1.0 + 1.0 * 9.0)
    assert readout.mean == pytest.approx(sign * of_factor().mean @ WEIGHTS)
    assert readout.variance == pytest.approx(np.diag(whole))
    assert readout.columns(np.array([4, 1])) == pytest.approx(whole[:, [4, 1]])
    assert readout.noise == pytest.approx(np.full(6, 4.0 * 0.1 + 0.2))


def test_drawn_readout_keeps_the_covariance_between_outputs() -> None:
    draws = np.random.default_rng(2).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], (50, 4))
    readout = readout_of(situation_of(SampledPredictive(draws), target=Target(weights=WEIGHTS)))
    values = draws @ WEIGHTS
    assert readout.variance == pytest.approx(values.var(axis=0, ddof=1))
    assert readout.columns(np.array([2])) == pytest.approx(np.cov(values.T)[:, [2]])


def test_the_first_output_counts_if_nothing_is_said() -> None:
    readout = readout_of(situation_of(of_factor()))
    assert readout.mean == pytest.approx(of_factor().mean[:, 0])
    assert readout.noise == pytest.approx(np.full(6, 0.1))


def test_each_draw_is_used_once_before_any_is_used_again() -> None:
    draws = np.arange(5.0)[:, None] * np.ones(3)
    readout = readout_of(situation_of(SampledPredictive(draws)))
    found = np.concatenate(list(readout.worlds(10, np.random.default_rng(0))))
    assert np.bincount(found[:5, 0].astype(int)).tolist() == [1] * 5
    assert np.bincount(found[:, 2].astype(int)).tolist() == [2] * 5


def test_worlds_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pajamo.campaigns.acquisition.readout.MOST_NUMBERS", 24)
    parts = list(readout_of(situation_of(of_factor())).worlds(5, np.random.default_rng(0)))
    assert [len(part) for part in parts] == [2, 2, 1]


def test_reference_before_and_after_measurements() -> None:
    before = situation_of(of_factor(), target=Target(maximise=False))
    readout = readout_of(before)
    assert reference(before, readout) == pytest.approx(-of_factor().mean[:, 0].min())
    after = situation_of(
        of_factor(), target=Target(maximise=False), measured=np.array([[5.0, 0], [3.0, 0], [np.nan, 0]])
    )
    assert reference(after, readout) == -3.0


def test_weights_of_another_number_of_outputs() -> None:
    with pytest.raises(ModelError, match="weighs 1 outputs"):
        readout_of(situation_of(of_factor(), target=Target(weights=np.ones(1))))


def test_before_anything_is_measured_there_is_no_incumbent_even_of_several_outputs() -> None:
    assert situation_of(of_factor(), target=Target(weights=WEIGHTS)).incumbent == -np.inf


def test_best_row_leaves_out_nan_and_breaks_ties() -> None:
    rng = np.random.default_rng(0)
    gains = np.array([np.nan, 1.0, 2.0, 2.0])
    assert {best_row(gains, rng) for _ in range(30)} == {2, 3}
    assert {best_row(gains, rng, np.array([9.0, 9.0, 1.0, 2.0])) for _ in range(30)} == {3}


def test_lazy_choice_looks_at_few_and_finds_the_best() -> None:
    rng = np.random.default_rng(0)
    bounds = np.sort(rng.random(5000))[::-1].copy()
    truth = bounds * rng.uniform(0.8, 0.9, 5000)
    truth[200] = bounds[200]
    looked_at: list[int] = []

    def gains_of(rows):
        looked_at.extend(rows)
        return truth[rows]

    assert lazy_best(bounds, gains_of, rng) == int(truth.argmax()) == 200
    assert len(looked_at) < 1500
    assert np.array_equal(bounds[looked_at], truth[looked_at])
