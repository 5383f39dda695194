"""Rival mechanisms: bounds in closed form, the simulated information, and batches."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.discrimination import ModelDiscrimination
from pajamo.campaigns.acquisition.divergence import box_hill, pairwise_information
from pajamo.campaigns.acquisition.simulated_results import SimulatedResults
from pajamo.campaigns.predictive import FactorPredictive, SampledPredictive, ValuePredictive
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError, PajamoWarning, StudyError


def rival(mean: list[float], deviation: float, noise: float = 0.5, factor=None) -> ValuePredictive:
    return FactorPredictive(
        np.array(mean), deviation * np.eye(len(mean)) if factor is None else factor, noise=noise
    )


def situation_of(predictive, seed: int = 0, **changes) -> Situation:
    size = predictive.size
    return Situation(
        np.zeros((size, 1)), np.ones(size, bool), predictive, rng=np.random.default_rng(seed), **changes
    )


def by_quadrature(means: list[float], variances: list[float], weights: list[float]) -> float:
    grid = np.linspace(-30, 30, 60_001)
    densities = np.array([norm.pdf(grid, m, np.sqrt(v)) for m, v in zip(means, variances, strict=True)])
    mixture = np.array(weights) @ densities
    ratio = np.log(np.maximum(densities, 1e-300) / np.maximum(mixture, 1e-300))
    return float((np.array(weights)[:, None] * densities * ratio).sum() * (grid[1] - grid[0]))


@pytest.mark.parametrize("apart", [0.0, 0.5, 2.0, 8.0])
def test_bounds_are_bounds(apart: float) -> None:
    predictive = RivalPredictive(
        [rival([0.0], 0.5), rival([apart], 1.0), rival([-apart], 0.5)], [0.5, 0.25, 0.25]
    )
    truth = by_quadrature([0.0, apart, -apart], [0.75, 1.5, 0.75], [0.5, 0.25, 0.25])
    pairwise, jensen = pairwise_information(predictive)[0], box_hill(predictive)[0]
    assert truth <= pairwise + 1e-9
    assert pairwise <= jensen + 1e-12
    assert pairwise <= 1.5 * np.log(2) + 1e-12


def test_box_hill_by_hand_of_equal_spreads() -> None:
    # Equal variances v and means d apart: KL is d^2 / 2v both ways, and the two off-diagonal weights are 1/4 each.
    predictive = RivalPredictive([rival([0.0], 1.0), rival([3.0], 1.0)])
    assert box_hill(predictive) == pytest.approx([0.5 * 9.0 / (2 * 1.5)])


@pytest.mark.parametrize("apart", [0.5, 2.0, 6.0])
def test_simulated_information_is_the_integral(apart: float) -> None:
    predictive = RivalPredictive([rival([0.0], 0.7, noise=1.0), rival([apart], 0.4, noise=0.5)])
    truth = by_quadrature([0.0, apart], [1.49, 0.66], [0.5, 0.5])
    results = SimulatedResults(predictive, 600, 2400, np.random.default_rng(0))
    assert results.information(np.array([0])) == pytest.approx([truth], abs=0.03)


def test_rivals_that_say_the_same_are_not_told_apart_by_chance() -> None:
    rng = np.random.default_rng(0)
    found = []
    for seed in range(40):
        draws = rng.normal(size=(2, 20, 3))
        predictive = RivalPredictive([SampledPredictive(one, noise=0.001) for one in draws])
        results = SimulatedResults(predictive, 20, 100, np.random.default_rng(seed))
        found.append(results.information(np.arange(3)).mean())
    assert np.mean(found) < 0.02


def test_the_candidate_on_which_rivals_differ_comes_first() -> None:
    predictive = RivalPredictive([rival([0.0, 1.0, 5.0], 0.3), rival([0.0, 2.5, 5.0], 0.3)])
    selection = choose_batch(ModelDiscrimination(), situation_of(predictive), 1)
    assert selection.rows.tolist() == [1]
    assert "which mechanism is right" in ModelDiscrimination().why(selection, 0)


def test_far_apart_rivals_give_all_there_is_to_know() -> None:
    predictive = RivalPredictive([rival([0.0], 0.1), rival([50.0], 0.1), rival([-50.0], 0.1)])
    selection = choose_batch(ModelDiscrimination(), situation_of(predictive), 1)
    assert selection.gains == pytest.approx([np.log(3)], abs=1e-6)
    assert selection.scores == pytest.approx([np.log(3)], abs=1e-6)


def test_a_batch_tells_apart_three_rivals_and_not_one_of_them_twice() -> None:
    # Two copies of a candidate that singles out the first rival, and one that tells the second from the third.
    means = ([9.0, 9.0, 0.0], [0.0, 0.0, 4.0], [0.0, 0.0, -0.5])
    predictive = RivalPredictive([rival(list(mean), 0.1) for mean in means], [0.4, 0.3, 0.3])
    single = choose_batch(ModelDiscrimination(), situation_of(predictive), 1)
    assert single.rows[0] in (0, 1, 2)
    rows = choose_batch(ModelDiscrimination(), situation_of(predictive), 2).rows
    assert 2 in rows
    assert set(rows) & {0, 1}


def test_gains_add_up_to_no_more_than_the_entropy_of_the_weights() -> None:
    rng = np.random.default_rng(1)
    predictive = RivalPredictive([rival(rng.normal(0, 2, 12).tolist(), 0.3) for _ in range(3)])
    selection = choose_batch(ModelDiscrimination(), situation_of(predictive), 8)
    assert 0.8 * np.log(3) < selection.gains.sum() <= np.log(3) + 1e-9


def test_a_shared_unknown_is_measured_once_it_helps() -> None:
    # Rivals differ at candidate 0 by less than a level that both leave open; candidate 1 shows the level.
    factor = np.array([[2.0], [2.0], [0.0]])
    predictive = RivalPredictive(
        [rival([0.0, 0.0, 0.0], 0.0, 0.05, factor), rival([1.2, 0.0, 0.05], 0.0, 0.05, factor)]
    )
    selection = choose_batch(ModelDiscrimination(draws=200, simulations=800), situation_of(predictive), 2)
    assert set(selection.rows) == {0, 1}
    assert selection.gains[1] > selection.gains[0]


def test_several_outputs_tell_more_than_one() -> None:
    one = [FactorPredictive(np.full((1, 1), m), 0.2 * np.eye(1), noise=0.5) for m in (0.0, 1.0)]
    three = [FactorPredictive(np.full((1, 3), m), 0.2 * np.eye(1), noise=0.5) for m in (0.0, 1.0)]
    gains = [
        choose_batch(ModelDiscrimination(), situation_of(RivalPredictive(rivals)), 1).gains[0]
        for rivals in (one, three)
    ]
    assert gains[1] > 1.5 * gains[0]


def test_pending_candidates_are_members_of_the_batch() -> None:
    means = ([9.0, 9.0, 0.0], [0.0, 0.0, 1.5], [0.0, 0.0, -1.5])
    predictive = RivalPredictive([rival(list(mean), 0.1) for mean in means], [0.6, 0.2, 0.2])
    situation = situation_of(predictive)
    situation.available[0] = False
    waiting = choose_batch(ModelDiscrimination(), replace(situation, pending=np.array([0])), 1)
    assert waiting.rows.tolist() == [2]


def test_units_do_not_matter_and_seeds_decide() -> None:
    rng = np.random.default_rng(2)
    means = rng.normal(size=(2, 10))
    plain = RivalPredictive([rival(mean.tolist(), 0.3) for mean in means])
    changed = RivalPredictive([rival((100 * mean + 5).tolist(), 30.0, noise=5000.0) for mean in means])
    one, again, other = (
        choose_batch(ModelDiscrimination(), situation_of(predictive, 7), 4)
        for predictive in (plain, plain, changed)
    )
    assert np.array_equal(one.rows, again.rows)
    assert np.array_equal(one.gains, again.gains)
    assert np.array_equal(one.rows, other.rows)
    assert other.gains == pytest.approx(one.gains)


def test_candidates_without_prediction_are_left_out() -> None:
    draws = np.random.default_rng(0).normal(size=(2, 12, 4))
    draws[1, 3, 2] = np.nan
    predictive = RivalPredictive([SampledPredictive(one, noise=0.5) for one in draws])
    with pytest.warns(PajamoWarning, match="left out"):
        selection = choose_batch(ModelDiscrimination(), situation_of(predictive), 3)
    assert sorted(selection.rows) == [0, 1, 3]


def test_what_is_refused() -> None:
    plain = SampledPredictive(np.random.default_rng(0).normal(size=(5, 2)), noise=1.0)
    with pytest.raises(ModelError, match="rivals are told apart"):
        choose_batch(ModelDiscrimination(), situation_of(plain), 1)
    with pytest.raises(ModelError, match="without noise"):
        choose_batch(ModelDiscrimination(), situation_of(RivalPredictive([rival([0.0], 1.0, 0.0)] * 2)), 1)
    with pytest.raises(StudyError):
        ModelDiscrimination(draws=1)
