"""BALD and its stochastic batch, and plain variance."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.bald import Bald, information_of_classes, information_of_values
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.power_bald import PowerBald
from pajamo.campaigns.acquisition.variance import Variance
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError, StudyError


def situation_of(predictive, seed: int = 0) -> Situation:
    size = predictive.size
    return Situation(np.zeros((size, 1)), np.ones(size, bool), predictive, rng=np.random.default_rng(seed))


def test_d1_a_coin_flip_that_all_members_agree_on_teaches_nothing() -> None:
    # PyRelationAL's ClassificationBald subtracts one number, the mean over all candidates, from every candidate's
    # entropy: it puts the coin flip first ([.377, .350, -.154] where the truth is [0, .572, 0]).
    members = np.array([[[0.5, 0.5], [0.97, 0.03], [0.9, 0.1]], [[0.5, 0.5], [0.03, 0.97], [0.9, 0.1]]])
    by_hand = np.log(2) + 0.97 * np.log(0.97) + 0.03 * np.log(0.03)
    assert information_of_classes(ClassPredictive(members)) == pytest.approx([0.0, by_hand, 0.0], abs=1e-12)
    assert choose_batch(Bald(), situation_of(ClassPredictive(members)), 1).rows.tolist() == [1]


def test_information_is_the_mutual_information_of_the_joint_table() -> None:
    rng = np.random.default_rng(0)
    members = rng.dirichlet(np.ones(4), (5, 7))
    joint = members / 5
    outcome = joint.sum(axis=0, keepdims=True)
    brute = (joint * np.log(joint / (outcome * (1 / 5)))).sum(axis=(0, 2))
    assert information_of_classes(ClassPredictive(members)) == pytest.approx(brute)


def test_sure_members_of_two_minds_give_the_most() -> None:
    members = np.zeros((4, 1, 2))
    members[:2, 0, 0] = members[2:, 0, 1] = 1.0
    assert information_of_classes(ClassPredictive(members)) == pytest.approx([np.log(2)])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    predictive = ClassPredictive(np.random.default_rng(3).dirichlet(np.ones(3), (4, 50)))
    whole = information_of_classes(predictive)
    monkeypatch.setattr("pajamo.campaigns.acquisition.bald.BLOCK", 7)
    assert np.array_equal(information_of_classes(predictive), whole)


def test_a_single_member_is_refused() -> None:
    with pytest.raises(ModelError, match="single member"):
        Bald().score(situation_of(ClassPredictive([[0.5, 0.5]])))


def test_values_by_hand_and_free_of_units() -> None:
    # D7: PyRelationAL's RegressionBald is 1/2 log(1 + variance), so that its information depends on whether the
    # readout is in percent or in shares. The 1 is the noise.
    mean, factor, noise = np.zeros((2, 2)), np.array([[3.0], [1.0]]), np.array([1.0, 4.0])
    plain = FactorPredictive(mean, factor, noise=noise)
    assert information_of_values(plain) == pytest.approx(
        [0.5 * np.log(10) + 0.5 * np.log(1 + 9 / 4), 0.5 * np.log(2) + 0.5 * np.log(1.25)]
    )
    percent = FactorPredictive(mean, 100 * factor, noise=1e4 * noise)
    assert information_of_values(percent) == pytest.approx(information_of_values(plain))


def test_d7_information_is_not_the_order_of_variances_where_noise_differs() -> None:
    # Under PyRelationAL's score the noisy candidate comes first, as under its StandardDeviation.
    predictive = FactorPredictive(np.zeros(2), [[2.0], [1.0]], noise=np.array([40.0, 0.1])[:, None])
    assert choose_batch(Variance(), situation_of(predictive), 1).rows.tolist() == [0]
    assert choose_batch(Bald(), situation_of(predictive), 1).rows.tolist() == [1]


def test_values_without_noise_are_refused() -> None:
    with pytest.raises(ModelError, match="infinitely much"):
        Bald().score(situation_of(FactorPredictive(np.zeros(2), np.ones((2, 1)))))


def test_variance_is_free_of_units_by_its_scale() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(20, 6, 2))
    unit = np.array([1.0, 1000.0])
    plain = Variance().score(situation_of(SampledPredictive(draws)))
    changed = Variance().score(situation_of(SampledPredictive(draws * unit + 7.0, scale=unit)))
    assert changed == pytest.approx(plain)
    assert plain == pytest.approx(draws.var(axis=0, ddof=1).sum(axis=1))


def test_variance_in_words() -> None:
    predictive = FactorPredictive(np.zeros(2), [[2.0], [1.0]], scale=[4.0])
    selection = choose_batch(Variance(), situation_of(predictive), 1)
    assert "within 0.5 spreads" in Variance().why(selection, 0)


def two_minds(strengths: list[float]) -> ClassPredictive:
    first = 0.5 + np.array(strengths) / 2
    one = np.column_stack([first, 1 - first])
    return ClassPredictive(np.stack([one, one[:, ::-1]]))


def test_power_draws_in_proportion_to_information() -> None:
    predictive = two_minds([0.9, 0.5, 0.2, 0.0])
    shares = information_of_classes(predictive)
    shares = shares / shares.sum()
    first = [choose_batch(PowerBald(), situation_of(predictive, seed), 1).rows[0] for seed in range(2000)]
    found = np.bincount(first, minlength=4) / 2000
    assert found == pytest.approx(shares, abs=4 * 0.5 / np.sqrt(2000))
    assert found[3] == 0.0


def test_a_large_power_is_bald_and_none_is_chance() -> None:
    predictive = two_minds([0.9, 0.5, 0.2, 0.7])
    assert choose_batch(PowerBald(power=1e6), situation_of(predictive), 4).rows.tolist() == [0, 3, 1, 2]
    firsts = {
        int(choose_batch(PowerBald(power=0.0), situation_of(predictive, s), 1).rows[0]) for s in range(60)
    }
    assert firsts == {0, 1, 2, 3}


def test_candidates_without_information_are_available_all_the_same() -> None:
    predictive = two_minds([0.0, 0.0, 0.9])
    situation = situation_of(predictive)
    situation.available[1] = False
    assert sorted(choose_batch(PowerBald(), situation, 2).rows) == [0, 2]


def test_settings_are_checked() -> None:
    with pytest.raises(StudyError, match="power"):
        PowerBald(power=-1.0)
