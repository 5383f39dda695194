"""The linear baseline recovers a planted linear law, and says where it knows nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.models.linear import PENALTIES
from pajamo.models.registry import create


@pytest.fixture
def world(table):
    """Effects that are a linear map of three-dimensional vectors plus a common part; 10 of 40 held out."""
    rng = np.random.default_rng(0)
    names = [f"P{i:02d}" for i in range(40)]
    prior = dict(zip(names, rng.normal(size=(40, 3)), strict=True))
    mapping, common = rng.normal(size=(3, 20)), rng.normal(size=20)
    effect = {name: common + prior[name] @ mapping + rng.normal(0, 0.05, 20) for name in names}
    seen = {Condition((name,)): effect[name] for name in names[:30]}
    return table(seen, embedding=prior, variance=0.01), effect, common, names[30:]


def test_unseen_perturbations_are_predicted_from_their_vectors(world):
    training, effect, _, held = world
    prediction = create("linear").fit(training).predict([Condition((name,)) for name in held])
    np.testing.assert_allclose(prediction.delta, [effect[name] for name in held], atol=0.35)
    inside = np.abs(prediction.delta - [effect[name] for name in held]) < 1.96 * prediction.sd
    assert 0.88 <= inside.mean() <= 1.0


def test_combinations_sum(world):
    training, effect, _, held = world
    asked = Condition((held[0], held[1]))
    prediction = create("linear").fit(training).predict([asked])
    np.testing.assert_allclose(prediction.delta[0], effect[held[0]] + effect[held[1]], atol=0.5)


def test_gene_without_a_vector_gets_the_mean_change_and_no_trust(world):
    training, _, _, held = world
    prediction = create("linear").fit(training).predict([Condition(("UNHEARD",)), Condition((held[0],))])
    np.testing.assert_allclose(prediction.delta[0], training.delta.mean(axis=0), atol=1e-9)
    np.testing.assert_array_equal(prediction.trusted, [0.0, 1.0])


def test_vectors_without_meaning_are_shrunk_away(world):
    training, _, _, held = world
    rng = np.random.default_rng(1)
    shuffled = dict(zip(training.embedding, rng.permutation(list(training.embedding.values())), strict=True))
    sensible = create("linear").fit(training)
    senseless = create("linear").fit(replace(training, embedding=shuffled))
    assert senseless.penalty > sensible.penalty
    assert {sensible.penalty, senseless.penalty} <= set(PENALTIES)
    spread = [
        model.predict([Condition((name,)) for name in held]).delta.std(axis=0).mean()
        for model in (sensible, senseless)
    ]
    assert spread[1] < 0.3 * spread[0]


def test_own_expression_serves_as_vector(table):
    """Two modules of genes; perturbing a member lowers its module; one member of each was never perturbed."""
    genes = [f"{module}{i}" for module in "xy" for i in range(6)]
    lowered = np.array([[-1.0 if a[0] == b[0] else 0.0 for b in genes] for a in genes])
    noise = np.random.default_rng(2).normal(0, 0.05, lowered.shape)
    seen = {Condition((g,)): lowered[i] + noise[i] for i, g in enumerate(genes) if not g.endswith("5")}
    prediction = (
        create("linear").fit(table(seen, genes=genes)).predict([Condition(("x5",)), Condition(("y5",))])
    )
    np.testing.assert_allclose(prediction.delta, lowered[[5, 11]], atol=0.25)
