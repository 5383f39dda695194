"""BADGE: gradients that are never written out, against gradients written out."""

import numpy as np
import pytest

import pajamo.campaigns.acquisition.distances as distances
import pajamo.campaigns.features as features
from pajamo.campaigns.acquisition.badge import Badge, gradient_distance, gradient_parts
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError


def situation(seed=0, size=40, **more):
    rng = np.random.default_rng(seed)
    classes = ClassPredictive(rng.dirichlet(np.ones(4), (3, size)), rng.normal(size=(size, 5)))
    return Situation(
        np.zeros((size, 2)),
        more.pop("available", np.ones(size, dtype=bool)),
        classes,
        rng=np.random.default_rng(seed),
        **more,
    )


def gradients(found):
    classes = found.predictive
    errors = classes.mean - np.eye(4)[classes.mean.argmax(axis=1)]
    return (errors[:, :, None] * classes.features[:, None]).reshape(found.size, -1)


def test_factorised_distances_are_those_of_whole_gradients():
    found = situation()
    errors, inputs = gradient_parts(found)
    whole = gradients(found)
    lengths = (whole**2).sum(axis=1)
    for row in (0, 17):
        expected = ((whole - whole[row]) ** 2).sum(axis=1)
        np.testing.assert_allclose(gradient_distance(errors, inputs, lengths, row), expected, atol=1e-12)


def test_the_largest_gradient_is_first_and_scores_are_lengths():
    found = situation(1)
    selection = choose_batch(Badge(), found, 5)
    lengths = np.linalg.norm(gradients(found), axis=1)
    np.testing.assert_allclose(selection.scores, lengths)
    assert selection.rows[0] == lengths.argmax()


def test_gains_are_distances_from_those_chosen_before_and_pending():
    available = np.ones(40, dtype=bool)
    available[[3, 9]] = False
    found = situation(2, available=available, pending=np.array([3, 9]))
    selection = choose_batch(Badge(), found, 6)
    whole = gradients(found)
    for place, row in enumerate(selection.rows):
        before = [3, 9, *selection.rows[:place]]
        assert selection.gains[place] == pytest.approx(
            np.linalg.norm(whole[before] - whole[row], axis=1).min()
        )


def test_draws_follow_squared_distances():
    found = situation(3, size=6)
    whole = gradients(found)
    first = int(np.linalg.norm(whole, axis=1).argmax())
    squared = ((whole - whole[first]) ** 2).sum(axis=1)
    rng = np.random.default_rng(4)
    counts = np.zeros(6)
    for _ in range(3000):
        found.rng.bit_generator.state = np.random.default_rng(int(rng.integers(2**32))).bit_generator.state
        counts[Badge().choose(found, 2).rows[1]] += 1
    np.testing.assert_allclose(counts / 3000, squared / squared.sum(), atol=0.035)


def test_features_of_candidates_stand_in_for_those_of_a_last_layer():
    rng = np.random.default_rng(5)
    classes = ClassPredictive(rng.dirichlet(np.ones(3), 20))
    held = rng.normal(size=(20, 4)).astype(np.float32)
    _, inputs = gradient_parts(Situation(held, np.ones(20, dtype=bool), classes))
    assert inputs is held


def test_a_model_of_values_is_refused():
    with pytest.raises(ModelError, match="probabilities of classes"):
        choose_batch(Badge(), Situation(np.zeros((3, 1)), np.ones(3, dtype=bool)), 1)


def test_a_pool_made_by_block_is_chosen_from_as_naive_draws_from_whole_gradients_would(monkeypatch):
    monkeypatch.setattr(features.blocks, "__defaults__", (7,))
    monkeypatch.setattr(distances, "HELD", 0)
    rng = np.random.default_rng(6)
    pairs = PairFeatures(rng.normal(size=(12, 5)), np.stack(np.triu_indices(12, 1), axis=1))
    classes = ClassPredictive(rng.dirichlet(np.ones(4), pairs.shape[0]))
    available = np.arange(pairs.shape[0]) % 5 > 0
    given = Situation(pairs, available, classes, pending=np.array([10]), rng=np.random.default_rng(8))
    found = choose_batch(Badge(), given, 9)

    errors = classes.mean - np.eye(4)[classes.mean.argmax(axis=1)]
    whole = np.einsum("nc,nh->nch", errors, pairs[slice(0, pairs.shape[0])]).reshape(pairs.shape[0], -1)
    draws, centres = np.random.default_rng(8), [10]
    for row in found.rows:
        squared = ((whole[:, None] - whole[centres]) ** 2).sum(axis=2).min(axis=1)
        total = np.cumsum(np.where(available & ~np.isin(np.arange(len(squared)), centres), squared, 0.0))
        assert row == np.searchsorted(total, draws.random() * total[-1], side="right")
        centres.append(row)
