"""Core-set: greedy k-centre written out, and within a factor two of the best there is."""

from itertools import combinations

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.core_set import CoreSet
from pajamo.campaigns.acquisition.relative_distance import RelativeDistance
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


def known(features, **more):
    return Situation(features, np.ones(len(features), dtype=bool), **more)


def radius(features, centres):
    return np.linalg.norm(features[:, None] - centres, axis=2).min(axis=1).max()


def test_it_covers_the_pool_within_twice_the_smallest_radius():
    rng = np.random.default_rng(0)
    features, seen = rng.normal(size=(16, 2)), rng.normal(size=(1, 2))
    found = choose_batch(CoreSet(), known(features, measured_features=seen, measured=np.zeros((1, 1))), 3)
    best = min(
        radius(features, np.concatenate([seen, features[list(rows)]])) for rows in combinations(range(16), 3)
    )
    assert radius(features, np.concatenate([seen, features[found.rows]])) <= 2 * best + 1e-12


def test_gains_are_distances_from_what_is_measured_pending_and_chosen_and_fall():
    rng = np.random.default_rng(1)
    features, seen = rng.normal(size=(30, 3)), rng.normal(size=(2, 3))
    available = np.arange(30) != 7
    given = Situation(
        features, available, measured_features=seen, measured=np.full((2, 1), np.nan), pending=np.array([7])
    )
    found = choose_batch(CoreSet(), given, 6)
    for place, row in enumerate(found.rows):
        centres = np.concatenate([seen, features[[7]], features[found.rows[:place]]])
        assert found.gains[place] == pytest.approx(np.linalg.norm(centres - features[row], axis=1).min())
    assert (np.diff(found.gains) <= 1e-12).all()


def test_with_nothing_known_the_middle_of_the_pool_is_first():
    features = np.array([[-4.0], [-3.0], [0.2], [3.0], [4.0]])
    for acquisition in (CoreSet(), RelativeDistance("manhattan")):
        assert choose_batch(acquisition, known(features), 3).rows.tolist()[0] == 2


@pytest.mark.parametrize("metric", ["manhattan", "cosine"])
def test_relative_distance_is_greedy_in_its_metric(metric):
    rng = np.random.default_rng(2)
    features, seen = rng.normal(size=(40, 4)), rng.normal(size=(20, 4))

    def away(one, other):
        if metric == "manhattan":
            return np.abs(one[:, None] - other).sum(axis=2)
        lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
        return 1 - one @ other.T / lengths

    found = choose_batch(
        RelativeDistance(metric), known(features, measured_features=seen, measured=np.zeros((20, 1))), 8
    )
    rows = []
    for _ in range(8):
        near = away(features, np.concatenate([seen, features[rows]])).min(axis=1)
        near[rows] = -1
        rows.append(int(near.argmax()))
    assert found.rows.tolist() == rows


def test_an_unknown_metric_is_refused():
    with pytest.raises(StudyError, match="manhattan"):
        RelativeDistance("manhatan")
