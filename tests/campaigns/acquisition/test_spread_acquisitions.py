"""What every acquisition that spreads a batch keeps: no copies, what is known is known, invariances, determinism."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.badge import Badge
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.core_set import CoreSet
from pajamo.campaigns.acquisition.diverse_margin import DiverseMargin
from pajamo.campaigns.acquisition.k_means import KMeans
from pajamo.campaigns.acquisition.lcmd import LargestClusterMaximumDistance
from pajamo.campaigns.acquisition.max_det import MaxDeterminant
from pajamo.campaigns.acquisition.relative_distance import RelativeDistance
from pajamo.campaigns.acquisition.typiclust import TypiClust
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive
from pajamo.campaigns.situation import Situation

BY_FEATURES = [
    KMeans(),
    CoreSet(),
    TypiClust(),
    LargestClusterMaximumDistance(),
    RelativeDistance(),
    RelativeDistance("manhattan"),
]
IDS = ["k-means", "core-set", "typiclust", "lcmd", "euclidean", "manhattan"]


def situation(features, *, seed=0, **more):
    return Situation(
        features, more.pop("available", np.ones(len(features), bool)), rng=np.random.default_rng(seed), **more
    )


@pytest.mark.parametrize("acquisition", BY_FEATURES, ids=IDS)
def test_copies_are_never_chosen_while_there_are_others(acquisition):
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(8, 3)), 5, axis=0)
    rows = choose_batch(acquisition, situation(features), 8).rows
    assert len(np.unique(features[rows], axis=0)) == 8


@pytest.mark.parametrize("acquisition", BY_FEATURES, ids=IDS)
def test_copies_of_what_is_measured_or_pending_are_not_chosen(acquisition):
    rng = np.random.default_rng(1)
    kinds = rng.normal(size=(8, 3))
    features = np.repeat(kinds, 4, axis=0)
    available = np.ones(32, dtype=bool)
    available[4] = False
    known = {"measured_features": kinds[:1], "measured": np.zeros((1, 1)), "pending": np.array([4])}
    rows = choose_batch(acquisition, situation(features, available=available, **known), 6).rows
    assert len(np.unique(features[rows], axis=0)) == 6
    assert (rows >= 8).all()


@pytest.mark.parametrize("acquisition", BY_FEATURES, ids=IDS)
def test_when_only_copies_are_left_they_are_chosen(acquisition):
    rows = choose_batch(acquisition, situation(np.ones((6, 2))), 4).rows
    assert len(set(rows.tolist())) == 4


@pytest.mark.parametrize("acquisition", BY_FEATURES, ids=IDS)
def test_moving_and_stretching_all_features_changes_nothing(acquisition):
    rng = np.random.default_rng(2)
    features, seen = rng.normal(size=(60, 4)), rng.normal(size=(3, 4))
    known = {"measured": np.zeros((3, 1))}
    first = choose_batch(acquisition, situation(features, measured_features=seen, **known), 7)
    moved = {"measured_features": 4.0 * seen + 1.0, **known}
    second = choose_batch(acquisition, situation(4.0 * features + 1.0, **moved), 7)
    np.testing.assert_array_equal(first.rows, second.rows)


@pytest.mark.parametrize("acquisition", [*BY_FEATURES, RelativeDistance("cosine")], ids=[*IDS, "cosine"])
def test_the_same_seed_gives_the_same_batch_whatever_the_global_generator_does(acquisition):
    features = np.random.default_rng(3).normal(size=(80, 5))
    first = choose_batch(acquisition, situation(features, seed=5), 9)
    np.random.seed(1)  # noqa: NPY002
    second = choose_batch(acquisition, situation(features, seed=5), 9)
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.gains, second.gains)
    assert len(first.scores) == 80
    assert all(acquisition.why(first, place) for place in range(9))


@pytest.mark.parametrize("acquisition", BY_FEATURES, ids=IDS)
def test_candidates_that_cannot_be_chosen_are_not_and_score_nan(acquisition):
    features = np.random.default_rng(4).normal(size=(40, 3))
    available = np.arange(40) % 2 == 0
    found = choose_batch(acquisition, situation(features, available=available), 20)
    assert set(found.rows) == set(range(0, 40, 2))
    assert np.isnan(found.scores[1::2]).all()
    assert not np.isnan(found.scores[::2]).any()


def test_batches_of_a_model_take_no_copies():
    rng = np.random.default_rng(5)
    features = np.repeat(rng.normal(size=(10, 4)), 3, axis=0)
    classes = ClassPredictive(np.repeat(rng.dirichlet(np.ones(3), 10), 3, axis=0))
    values = FactorPredictive(np.zeros(30), features, noise=0.0)
    for acquisition, predictive in [
        (Badge(), classes),
        (DiverseMargin(), classes),
        (MaxDeterminant(), values),
        (LargestClusterMaximumDistance("posterior"), values),
    ]:
        rows = choose_batch(acquisition, situation(features, predictive=predictive), 4).rows
        assert len(set(rows // 3)) == 4, acquisition.name


def test_five_copies_of_an_outlier_are_not_all_chosen():
    # PyRelationAL's RelativeDistanceStrategy scores once against what is labelled and takes the top: all five copies.
    features = np.concatenate([np.random.default_rng(6).normal(size=(50, 2)), np.full((5, 2), 100.0)])
    known = {"measured_features": np.zeros((1, 2)), "measured": np.zeros((1, 1))}
    for acquisition in (RelativeDistance(), RelativeDistance("manhattan"), CoreSet(), KMeans()):
        rows = choose_batch(acquisition, situation(features, **known), 5).rows
        assert (rows >= 50).sum() == 1


def test_what_is_measured_moves_the_batch_elsewhere():
    # PyRelationAL's k-means ignores what is labelled.
    rng = np.random.default_rng(7)
    features = np.concatenate([rng.normal(size=(60, 2)), 20.0 + rng.normal(size=(20, 2))])
    known = {
        "measured_features": np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]),
        "measured": np.zeros((3, 1)),
    }
    for acquisition in (KMeans(), LargestClusterMaximumDistance(), CoreSet()):
        assert choose_batch(acquisition, situation(features, **known), 1).rows[0] >= 60
