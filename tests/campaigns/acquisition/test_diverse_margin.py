"""Doubtful and spread."""

import numpy as np

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.diverse_margin import DiverseMargin
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation


def situation(features, sureness):
    classes = ClassPredictive(np.stack([(1 + sureness) / 2, (1 - sureness) / 2], axis=1))
    return Situation(features, np.ones(len(features), dtype=bool), classes, rng=np.random.default_rng(0))


def test_a_shortlist_of_one_batch_is_the_smallest_margins():
    rng = np.random.default_rng(1)
    sureness = rng.random(60)
    found = choose_batch(DiverseMargin(1), situation(rng.normal(size=(60, 2)), sureness), 8)
    assert set(found.rows) == set(np.argsort(sureness)[:8])
    np.testing.assert_allclose(found.scores, 1 - sureness)
    assert (np.diff(found.gains) <= 0).all()


def test_only_the_shortlist_is_chosen_from_and_each_doubtful_kind_is_met():
    rng = np.random.default_rng(2)
    kinds = np.repeat([[0.0, 0], [9, 0], [0, 9]], 10, axis=0) + 0.1 * rng.normal(size=(30, 2))
    features = np.concatenate([kinds, 50 + rng.normal(size=(100, 2))])
    sureness = np.concatenate([0.1 * rng.random(30), 0.5 + 0.5 * rng.random(100)])
    rows = choose_batch(DiverseMargin(10), situation(features, sureness), 3).rows
    assert sorted(rows // 10) == [0, 1, 2]


def test_one_class_is_never_in_doubt():
    given = Situation(np.arange(6.0)[:, None], np.ones(6, dtype=bool), ClassPredictive(np.ones((6, 1))))
    found = choose_batch(DiverseMargin(), given, 2)
    np.testing.assert_array_equal(found.scores, 0.0)
