"""Rivals earn their weights by results that they have not seen, and batches tell them apart."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.discrimination import ModelDiscrimination
from pajamo.campaigns.learners.gaussian_process import GaussianProcess
from pajamo.campaigns.learners.linear import BayesianLinear
from pajamo.campaigns.learners.rivals import LEAST, Rivals
from pajamo.campaigns.learners.trees import RandomForest
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError

RIVALS = Rivals({"straight": BayesianLinear(), "bent": GaussianProcess(restarts=0)})


def results(bend: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 2))
    return x, (x[:, :1] + bend * x[:, :1] ** 2) + 0.05 * rng.normal(size=(40, 1))


def test_the_right_rival_earns_the_weight() -> None:
    x, y = results(bend=1.5)
    fitted = RIVALS.fit(x, y, seed=1)
    assert fitted.weights[1] > 0.99
    assert fitted.weights[0] >= LEAST / 2
    again = RIVALS.fit(x, y, seed=1)
    assert again.fingerprint() == fitted.fingerprint()
    straight = RIVALS.fit(*results(bend=0.0), seed=1)
    assert straight.weights[0] > fitted.weights[0]


def test_the_mixture_is_the_weighted_mean() -> None:
    x, y = results(bend=0.3)
    fitted = RIVALS.fit(x, y, seed=1)
    said = fitted.predict(x)
    own = [one.predict(x).mean for one in fitted.fitted.values()]  # type: ignore[attr-defined]
    np.testing.assert_allclose(said.mean, np.tensordot(fitted.weights, np.stack(own), 1))


def test_the_next_batch_lies_where_rivals_disagree() -> None:
    x, y = results(bend=0.05)
    pool = np.random.default_rng(2).uniform(-1, 1, (60, 2))
    pool[7] = [3.0, 0.0]
    predictive = RIVALS.fit(x, y, seed=1).predict(pool)
    situation = Situation(pool, np.ones(60, dtype=bool), predictive, x, y, rng=np.random.default_rng(0))
    assert choose_batch(ModelDiscrimination(), situation, 3).rows[0] == 7


def test_what_is_no_rivalry_is_refused() -> None:
    with pytest.raises(ModelError, match="fewer than two"):
        Rivals({"alone": BayesianLinear()})
    x, y = results(bend=0.0)
    with pytest.raises(ModelError, match="predicts classes"):
        Rivals({"a": BayesianLinear(), "b": RandomForest(trees=5, records="classes")}).fit(
            x, (y > 0).astype(float), seed=0
        )
