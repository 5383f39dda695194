"""Least confidence, margin, ratio and entropy: values worked out by hand, limits, and what spoils others."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.entropy import Entropy, entropies
from pajamo.campaigns.acquisition.least_confidence import LeastConfidence
from pajamo.campaigns.acquisition.margin import Margin
from pajamo.campaigns.acquisition.ratio import Ratio
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError, PajamoWarning

ALL = (LeastConfidence(), Margin(), Ratio(), Entropy())


def situation_of(probabilities: list | np.ndarray, seed: int = 0) -> Situation:
    predictive = ClassPredictive(probabilities)
    size = predictive.size
    return Situation(np.zeros((size, 1)), np.ones(size, bool), predictive, rng=np.random.default_rng(seed))


def test_values_by_hand() -> None:
    situation = situation_of([[0.5, 0.3, 0.2]])
    assert LeastConfidence().score(situation) == pytest.approx([0.5 * 3 / 2])
    assert Margin().score(situation) == pytest.approx([0.8])
    assert Ratio().score(situation) == pytest.approx([0.6])
    by_hand = -(0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2)) / np.log(3)
    assert Entropy().score(situation) == pytest.approx([by_hand])


@pytest.mark.parametrize("acquisition", ALL, ids=lambda one: one.name)
def test_between_certain_and_a_mere_guess(acquisition) -> None:
    scores = acquisition.score(situation_of([[1.0, 0.0, 0.0, 0.0], [0.25] * 4, [0.4, 0.3, 0.2, 0.1]]))
    assert scores[0] == 0.0
    assert scores[1] == pytest.approx(1.0)
    assert 0.0 < scores[2] < 1.0


@pytest.mark.parametrize("acquisition", ALL, ids=lambda one: one.name)
def test_the_order_of_classes_does_not_matter(acquisition) -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(5), 30)
    plain = acquisition.score(situation_of(probabilities))
    assert acquisition.score(situation_of(probabilities[:, rng.permutation(5)])) == pytest.approx(plain)


@pytest.mark.parametrize("acquisition", ALL, ids=lambda one: one.name)
def test_members_are_averaged_first(acquisition) -> None:
    members = np.array([[[0.9, 0.1]], [[0.5, 0.5]]])
    assert acquisition.score(situation_of(members)) == pytest.approx(
        acquisition.score(situation_of([[0.7, 0.3]]))
    )


def test_two_classes_are_ordered_alike_by_all() -> None:
    probabilities = np.column_stack([np.linspace(0.5, 1.0, 11), np.linspace(0.5, 0.0, 11)])
    for acquisition in ALL:
        assert (np.diff(acquisition.score(situation_of(probabilities))) < 0).all()


def test_d3_a_certain_candidate_has_no_entropy_and_is_chosen_last() -> None:
    # PyRelationAL's Entropy gives NaN at [1, 0, 0], and its TopKSampler sorts NaN first: it asks for exactly the
    # candidates of which the model is certain.
    situation = situation_of([[1.0, 0.0, 0.0], [0.6, 0.3, 0.1], [0.0, 1.0, 0.0], [0.4, 0.3, 0.3]])
    scores = Entropy().score(situation)
    assert (scores[[0, 2]] == 0.0).all()
    assert choose_batch(Entropy(), situation, 2).rows.tolist() == [3, 1]


def test_entropy_of_probabilities_a_rounding_error_below_zero_is_finite() -> None:
    assert entropies(np.array([[1.0 + 1e-9, -1e-9]])) == pytest.approx([0.0])


@pytest.mark.parametrize("acquisition", ALL, ids=lambda one: one.name)
def test_candidates_without_a_prediction_are_never_chosen(acquisition) -> None:
    situation = situation_of([[np.nan, np.nan], [0.9, 0.1], [0.5, 0.5]])
    with pytest.warns(PajamoWarning, match="left out"):
        selection = choose_batch(acquisition, situation, 2)
    assert selection.rows.tolist() == [2, 1]
    assert np.isnan(selection.scores[0])


@pytest.mark.parametrize("acquisition", ALL, ids=lambda one: one.name)
def test_a_single_class_has_nothing_open(acquisition) -> None:
    assert acquisition.score(situation_of([[1.0], [1.0]])).tolist() == [0.0, 0.0]


def test_reasons_in_words() -> None:
    situation = situation_of([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1]])
    words = {one.name: one.why(choose_batch(one, situation, 1), 0) for one in ALL}
    assert "75 %" in words["least-confidence"]
    assert "0 apart" in words["margin"]
    assert "1 times as probable" in words["ratio"]
    assert "63 %" in words["entropy"]


def test_values_are_not_classes() -> None:
    predictive = FactorPredictive(np.zeros(2), np.ones((2, 1)))
    with pytest.raises(ModelError, match="needs probabilities of classes"):
        Margin().score(Situation(np.zeros((2, 1)), np.ones(2, bool), predictive))
