"""Upper confidence bounds, coherent Thompson sampling, and the probability of a hit."""

import numpy as np
import pytest
from scipy.stats import norm

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.probability_of_hit import ProbabilityOfHit, beyond, top_share
from pajamo.campaigns.acquisition.thompson import Thompson
from pajamo.campaigns.acquisition.upper_confidence_bound import UpperConfidenceBound
from pajamo.campaigns.predictive import FactorPredictive, KernelPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import PajamoWarning, StudyError


def situation_of(predictive, seed: int = 0, **changes) -> Situation:
    size = predictive.size
    return Situation(
        np.zeros((size, 1)), np.ones(size, bool), predictive, rng=np.random.default_rng(seed), **changes
    )


def independent(mean: list[float], deviation: list[float], **changes) -> FactorPredictive:
    return FactorPredictive(np.array(mean), np.diag(deviation), **changes)


def test_bounds_by_hand_in_both_directions() -> None:
    predictive = independent([1.0, 0.0, -3.0], [0.5, 2.0, 1.0])
    up = choose_batch(UpperConfidenceBound(kappa=2.0), situation_of(predictive), 1)
    assert up.scores == pytest.approx([2.0, 4.0, -1.0])
    down = choose_batch(
        UpperConfidenceBound(kappa=2.0), situation_of(predictive, target=Target(maximise=False)), 1
    )
    assert down.scores == pytest.approx([0.0, 4.0, 5.0])
    assert choose_batch(UpperConfidenceBound(kappa=0.0), situation_of(predictive), 3).rows.tolist() == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize("kind", ["factor", "kernel", "draws"])
def test_a_joint_batch_is_conditioning_one_by_one(kind: str) -> None:
    rng = np.random.default_rng(0)
    mean, factor = rng.normal(size=15), rng.normal(size=(15, 4))
    whole = factor @ factor.T
    predictive = {
        "factor": FactorPredictive(mean, factor, noise=0.3),
        "kernel": KernelPredictive(mean, np.diag(whole), lambda rows: whole[:, rows], noise=0.3),
        "draws": SampledPredictive(rng.normal(size=(40, 15)) @ np.diag(rng.random(15)), noise=0.3),
    }[kind]
    selection = choose_batch(UpperConfidenceBound(), situation_of(predictive), 5)
    left, chosen = predictive, []
    for gain in selection.gains:
        bound = left.mean[:, 0] + left.deviation[:, 0]
        bound[chosen] = -np.inf
        chosen.append(int(bound.argmax()))
        assert gain == pytest.approx(bound.max())
        left = left.condition(np.array(chosen[-1:]))
    assert selection.rows.tolist() == chosen


def test_a_joint_batch_leaves_out_the_duplicate() -> None:
    predictive = FactorPredictive([1.0, 1.0, 0.5], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], noise=0.01)
    assert 2 in choose_batch(UpperConfidenceBound(), situation_of(predictive), 2).rows
    assert 2 not in choose_batch(UpperConfidenceBound(joint=False), situation_of(predictive), 2).rows


def test_d6_candidates_that_are_alike_are_alike_in_every_world() -> None:
    # PyRelationAL's ThompsonSampling draws another member for each candidate: candidates that are the same to the
    # model get different values, and the choice is at random (on concrete, recall of the best 5 % is .305, of random
    # .270, and of coherent draws 1.000).
    world = np.random.default_rng(0).normal(size=(200, 1))
    ordered = world + np.linspace(0.0, 1.0, 50)
    selection = choose_batch(Thompson(), situation_of(SampledPredictive(ordered)), 5)
    assert selection.rows.tolist() == [49, 48, 47, 46, 45]
    assert selection.gains.tolist() == [1.0] * 5


def test_the_first_choice_follows_the_probability_of_being_best() -> None:
    predictive = independent([0.0, 0.5, -1.0], [1.0, 1.0, 1.0])
    first = [int(choose_batch(Thompson(), situation_of(predictive, seed), 1).rows[0]) for seed in range(1500)]
    draws = np.random.default_rng(0).normal([0.0, 0.5, -1.0], 1.0, (200_000, 3)).argmax(axis=1)
    expected = np.bincount(draws) / 200_000
    assert np.bincount(first, minlength=3) / 1500 == pytest.approx(expected, abs=0.05)


def test_worlds_do_not_choose_the_same_candidate_twice_nor_a_barred_one() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 10))
    situation = situation_of(SampledPredictive(draws))
    situation.available[:3] = False
    rows = choose_batch(Thompson(), situation, 7).rows
    assert sorted(rows) == list(range(3, 10))


def test_thompson_without_a_prediction_for_some() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 5))
    draws[1, 2] = np.nan
    with pytest.warns(PajamoWarning, match="left out"):
        selection = choose_batch(Thompson(), situation_of(SampledPredictive(draws)), 3)
    assert 2 not in selection.rows
    assert "in a world" in Thompson().why(selection, 0)


def test_thompson_mirrors_and_is_deterministic() -> None:
    draws = np.random.default_rng(1).normal(size=(20, 30))
    up = choose_batch(Thompson(), situation_of(SampledPredictive(draws), 4), 6)
    down = choose_batch(
        Thompson(), situation_of(SampledPredictive(5 - 2 * draws), 4, target=Target(maximise=False)), 6
    )
    assert np.array_equal(up.rows, down.rows)


def test_probability_by_hand() -> None:
    found = beyond(np.array([0.0, 1.0, 2.0, 0.0]), np.array([1.0, 2.0, 0.0, 0.0]), 1.0)
    assert found == pytest.approx([norm.sf(1.0), 0.5, 1.0, 0.0])


def test_threshold_is_in_the_units_of_the_recorded_readout() -> None:
    predictive = independent([-2.0, 0.0], [1.0, 1.0])
    low = Target(maximise=False, threshold=-1.0)
    found = choose_batch(ProbabilityOfHit(), situation_of(predictive, target=low), 1)
    assert found.scores == pytest.approx([norm.cdf(1.0), norm.cdf(-1.0)])
    own = choose_batch(ProbabilityOfHit(threshold=0.0), situation_of(predictive, target=low), 1)
    assert own.scores == pytest.approx([norm.cdf(2.0), 0.5])
    assert "hit with probability 0.84" in ProbabilityOfHit().why(found, 0)


def test_a_share_is_what_is_expected_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    mean, deviation, measured = rng.normal(size=400), rng.random(400), rng.normal(size=100)
    bar = top_share(mean, deviation, np.append(measured, np.nan), 0.05)
    expected = norm.sf(bar, mean, deviation).sum() + (measured >= bar).sum()
    assert expected == pytest.approx(25.0, abs=1.0)


def test_a_share_of_sure_values_is_their_quantile() -> None:
    bar = top_share(np.arange(100.0), np.zeros(100), np.zeros(0), 0.05)
    assert (np.arange(100.0) >= bar).sum() == 5


def test_a_share_does_not_depend_on_units() -> None:
    rng = np.random.default_rng(0)
    mean, factor = rng.normal(size=50), rng.normal(size=(50, 3))
    share = ProbabilityOfHit(share=0.1)
    plain = choose_batch(share, situation_of(FactorPredictive(mean, factor)), 5)
    moved = choose_batch(share, situation_of(FactorPredictive(1000 * mean + 3, 1000 * factor)), 5)
    assert moved.scores == pytest.approx(plain.scores)


def test_the_penalty_spreads_a_batch_over_different_candidates() -> None:
    predictive = FactorPredictive([1.0, 1.0, 0.9], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    situation = situation_of(predictive, target=Target(threshold=1.0))
    assert 2 not in choose_batch(ProbabilityOfHit(), situation, 2).rows
    selection = choose_batch(ProbabilityOfHit(penalty=1.0), situation, 2)
    assert selection.rows[1] == 2
    whole = choose_batch(ProbabilityOfHit(penalty=1.0), situation, 3)
    assert whole.gains[2] == pytest.approx(0.0, abs=1e-12)


def test_without_correlation_the_penalty_changes_nothing() -> None:
    predictive = independent([0.0, 2.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0])
    situation = situation_of(predictive, target=Target(threshold=1.0))
    plain, penalised = (choose_batch(ProbabilityOfHit(penalty=p), situation, 3) for p in (0.0, 1.0))
    assert np.array_equal(plain.rows, penalised.rows)
    assert penalised.gains == pytest.approx(plain.gains)


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 0.1, "threshold": 1.0}, {"penalty": 2.0}])
def test_wrong_settings_of_hits(wrong: dict) -> None:
    with pytest.raises(StudyError):
        ProbabilityOfHit(**wrong)


def test_wrong_kappa() -> None:
    with pytest.raises(StudyError, match="kappa"):
        UpperConfidenceBound(kappa=-1.0)
