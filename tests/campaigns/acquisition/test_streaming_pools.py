"""Pools that are made on demand: memory is bounded by a block, and the choice is that of a pool in memory."""

import numpy as np
import pytest

import pajamo.campaigns.acquisition.distances as distances
import pajamo.campaigns.features as features
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.registry import acquisition
from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation

BLOCK = 500


class Counted:
    """Features that remember the most rows that were asked for at once."""

    def __init__(self, inner):
        self.inner, self.most = inner, 0

    @property
    def shape(self):
        return self.inner.shape

    def __getitem__(self, rows):
        found = self.inner[rows]
        self.most = max(self.most, len(found))
        return found


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 500, samples of 400, and nothing kept in memory."""
    monkeypatch.setattr(features.blocks, "__defaults__", (BLOCK,))
    monkeypatch.setattr(distances.Coverage.__init__, "__defaults__", (BLOCK,))
    monkeypatch.setattr(distances, "HELD", 0)
    sample = {"most": 400}
    for name in ("k_means", "typiclust"):
        module = __import__(f"pajamo.campaigns.acquisition.{name}", fromlist=["sample_of"])
        held = module.sample_of
        monkeypatch.setattr(
            module,
            "sample_of",
            lambda rows, rng, most=0, held=held: held(rows, rng, most=most or sample["most"]),
        )


def pool(seed=0, singles=100):
    rng = np.random.default_rng(seed)
    pairs = PairFeatures(rng.normal(size=(singles, 6)), np.stack(np.triu_indices(singles, 1), axis=1))
    return pairs, rng.dirichlet(np.ones(3), pairs.shape[0])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("k-means", {}),
        ("core-set", {}),
        ("lcmd", {}),
        ("badge", {}),
        ("typiclust", {"most_clusters": 40}),
        ("relative-distance", {}),
        ("relative-distance", {"metric": "cosine"}),
        ("diverse-margin", {}),
        ("default", {}),
    ],
)
def test_no_more_than_a_block_is_asked_for_at_once(small_blocks, name, settings):
    pairs, classes = pool()
    counted = Counted(pairs)
    given = {
        "available": np.ones(pairs.shape[0], dtype=bool),
        "predictive": ClassPredictive(classes),
        "measured_features": pairs[np.arange(0, 4000, 500)],
        "measured": np.zeros((8, 1)),
    }
    lazy = choose_batch(
        acquisition(name, **settings), Situation(counted, rng=np.random.default_rng(1), **given), 12
    )
    assert 0 < counted.most <= BLOCK
    held = Situation(pairs[slice(0, pairs.shape[0])], rng=np.random.default_rng(1), **given)
    np.testing.assert_array_equal(lazy.rows, choose_batch(acquisition(name, **settings), held, 12).rows)
