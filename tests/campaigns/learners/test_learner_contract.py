"""What holds of every learner: same bits by the seed, block by block, and no missing number goes in."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge
from torch import nn

from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.learners import blockwise
from pajamo.campaigns.learners.estimators import from_sklearn
from pajamo.campaigns.learners.functions import FunctionLearner
from pajamo.campaigns.learners.registry import learner
from pajamo.campaigns.learners.torch_dropout import MonteCarloDropout
from pajamo.campaigns.learners.torch_ensemble import DeepEnsemble
from pajamo.campaigns.learners.torch_laplace import LastLayerLaplace
from pajamo.campaigns.learners.torch_modules import Network
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.errors import DataError


def network(features, outputs):
    return nn.Sequential(nn.Linear(features, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, outputs))


def briefly(module, features, targets):
    loss = nn.functional.cross_entropy if targets.dtype == torch.long else nn.functional.mse_loss
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(5):
        order = torch.randperm(len(features))
        optimiser.zero_grad()
        loss(module(features[order]), targets[order]).backward()
        optimiser.step()


def drawn(features, values, noise, seed):
    weights = np.linalg.lstsq(features, values, rcond=None)[0]
    moved = weights + 0.1 * np.random.default_rng(seed).normal(size=(5, *weights.shape))
    return lambda table: np.einsum("nf,sfd->snd", table, moved)


VALUES = {
    "bayesian-linear": lambda: learner("bayesian-linear"),
    "two groups": lambda: learner("bayesian-linear", groups=[2, 1]),
    "gaussian-process": lambda: learner("gaussian-process", restarts=1),
    "random-forest": lambda: learner("random-forest", trees=10),
    "extra-trees": lambda: learner("extra-trees", trees=10),
    "bootstrap": lambda: from_sklearn(Ridge()),
    "deep-ensemble": lambda: DeepEnsemble(Network(network, briefly), 2),
    "dropout": lambda: MonteCarloDropout(Network(network, briefly), 4),
    "laplace": lambda: LastLayerLaplace(Network(network, briefly)),
    "function": lambda: FunctionLearner(drawn, gives="samples", version="1"),
}
ONE = {"deviation": lambda: from_sklearn(BayesianRidge())}
CLASSES = {
    "forest of classes": lambda: learner("random-forest", trees=6, records="classes"),
    "classifier": lambda: from_sklearn(LogisticRegression()),
    "ensemble of classes": lambda: DeepEnsemble(Network(network, briefly, records="classes", logits=True), 2),
    "laplace of classes": lambda: LastLayerLaplace(Network(network, briefly, records="classes", logits=True)),
}
EVERY = VALUES | ONE | CLASSES


def results(name, outputs=2):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(30, 3))
    values = np.tanh(table @ rng.normal(size=(3, outputs))) + 0.1 * rng.normal(size=(30, outputs))
    if name in CLASSES:
        return table, (values[:, :1] > 0).astype(float)
    return table, values[:, :1] if name in ONE else values


def said(predictive):
    if isinstance(predictive, ClassPredictive):
        return [predictive.probabilities]
    return [predictive.mean, predictive.variance, predictive.noise, predictive.columns(np.array([1, 5]))]


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_gives_the_same_bits_whatever_the_global_random_state(name):
    table, values = results(name)
    first = EVERY[name]().fit(table, values, seed=5)
    expected = said(first.predict(table))
    np.random.seed(1)  # noqa: NPY002
    random.seed(2)
    torch.manual_seed(3)
    states = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()  # noqa: NPY002
    again = EVERY[name]().fit(table, values, seed=5)
    assert again.fingerprint() == first.fingerprint()
    for one, two in zip(said(again.predict(table)), expected, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])  # noqa: NPY002
    assert random.getstate() == states[1]
    torch.testing.assert_close(torch.get_rng_state(), states[2])


@pytest.mark.parametrize("name", EVERY)
def test_other_results_give_another_fingerprint(name):
    table, values = results(name)
    first = EVERY[name]().fit(table, values, seed=5).fingerprint()
    changed = values.copy()
    changed[3] = 1 - changed[3]
    assert EVERY[name]().fit(table, changed, seed=5).fingerprint() != first


@pytest.mark.parametrize("name", [name for name in EVERY if name != "function"])
def test_block_by_block_is_the_same_as_the_whole(name, monkeypatch):
    table, values = results(name)
    fitted = EVERY[name]().fit(table, values, seed=0)
    expected = said(fitted.predict(table))
    monkeypatch.setattr(blockwise, "BLOCK", 7)
    for one, two in zip(said(fitted.predict(table)), expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-8)


class Counting:
    """Features that remember how many rows were asked for at once."""

    def __init__(self, inner):
        self.inner, self.most = inner, 0

    @property
    def shape(self):
        return self.inner.shape

    def __getitem__(self, rows):
        found = self.inner[rows]
        self.most = max(self.most, len(found))
        return found


@pytest.mark.parametrize("name", [name for name in EVERY if name != "function"])
def test_a_pool_of_pairs_streams(name, monkeypatch):
    table, values = results(name)
    pairs = np.stack(np.triu_indices(20, 1), axis=1)
    pool = PairFeatures(table, pairs)
    fitted = EVERY[name]().fit(table, values, seed=0)
    expected = said(fitted.predict(table[pairs].sum(axis=1)))
    monkeypatch.setattr(blockwise, "BLOCK", 50)
    monkeypatch.setattr("pajamo.campaigns.learners.exact_process.BLOCK", 50)
    counted = Counting(pool)
    for one, two in zip(said(fitted.predict(counted)), expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-7)
    assert counted.most <= 50


@pytest.mark.parametrize("name", EVERY)
def test_a_missing_number_is_told_by_row_and_column(name):
    table, values = results(name)
    for hole in (np.nan, np.inf):
        broken = table.copy()
        broken[4, 2] = hole
        with pytest.raises(DataError, match="features: row 4, column 2"):
            EVERY[name]().fit(broken, values, seed=0)
        with pytest.raises(DataError, match="candidates: row 4, column 2"):
            EVERY[name]().fit(table, values, seed=0).predict(broken)
    broken = values.copy()
    broken[7, 0] = np.nan
    with pytest.raises(DataError, match="values: row 7, column 0"):
        EVERY[name]().fit(table, broken, seed=0)


@pytest.mark.parametrize("name", EVERY)
def test_what_cannot_be_learnt_from_is_told(name):
    table, values = results(name)
    with pytest.raises(DataError, match="29 rows of features for 30"):
        EVERY[name]().fit(table[1:], values, seed=0)
    with pytest.raises(DataError, match="1 results: at least 2"):
        EVERY[name]().fit(table[:1], values[:1], seed=0)
    with pytest.raises(DataError, match="the variance in row 0, column 0 is negative"):
        EVERY[name]().fit(table, values, -np.ones_like(values), seed=0)
    with pytest.raises(DataError, match="noise has the shape"):
        EVERY[name]().fit(table, values, np.ones((3, 1)), seed=0)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "function"])
def test_an_empty_pool_is_told(name):
    table, values = results(name)
    with pytest.raises(DataError, match="the pool of candidates is empty"):
        EVERY[name]().fit(table, values, seed=0).predict(table[:0])


@pytest.mark.parametrize("name", [*VALUES, *ONE])
def test_what_is_said_is_whole_and_noise_and_scale_have_the_readout_s_unit(name):
    table, values = results(name)
    noise = np.full_like(values, 0.01)
    plain = EVERY[name]().fit(table, values, noise, seed=0).predict(table)
    assert plain.finite().all()
    np.testing.assert_allclose(plain.scale, values.std(axis=0))
    assert (plain.noise >= 0.0099).all()


FINGERPRINTS = """
import numpy as np
from pajamo.campaigns.learners.registry import learner
rng = np.random.default_rng(0)
table, values = rng.normal(size=(100, 30)), rng.normal(size=(100, 2))
kinds = {"bayesian-linear": {}, "gaussian-process": {"restarts": 0}, "random-forest": {"trees": 3}}
found = [learner(name, **more).fit(table, values, seed=1).fingerprint() for name, more in kinds.items()]
"""


@pytest.mark.slow
def test_another_process_with_other_threads_gives_the_same_bits():
    here: dict = {}
    exec(FINGERPRINTS, here)
    there = subprocess.run(
        [sys.executable, "-c", FINGERPRINTS + "print(*found)"],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PATH": ""},
    )
    assert there.stdout.split() == here["found"]
