"""Models of growth maps on planted maps."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.models.registry import create
from pajamo.training.fit import fit_model

NAMES = [f"P{i:02d}" for i in range(24)]


def planted_map(rank=0, noise=0.01, seed=0):
    """A quadratic map with gene effects and, on request, low-rank interactions; training, held, truth."""
    rng = np.random.default_rng(seed)
    single, shift = rng.normal(-0.3, 0.25, 24), rng.normal(0, 0.05, 24)
    factors = rng.normal(0, 0.35, (24, rank))
    phenotype = {}
    for a in range(24):
        for b in range(a):
            total = single[a] + single[b]
            value = 0.05 + 0.9 * total + 0.3 * total**2 + shift[a] + shift[b] + factors[a] @ factors[b]
            phenotype[Condition((NAMES[a], NAMES[b]))] = float(value + rng.normal(0, noise))
    doubles = sorted(phenotype)
    held = [doubles[i] for i in rng.permutation(len(doubles))[:50]]
    seen = {Condition((name,)): float(f) for name, f in zip(NAMES, single, strict=True)}
    seen |= {c: phenotype[c] for c in doubles if c not in held}
    return TrainingSet.from_table(seen), held, np.array([[phenotype[c]] for c in held])


def error(name, training, held, truth):
    return float(np.square(fit_model(create(name), training).predict(held).delta - truth).mean())


@pytest.mark.parametrize("name", ["growth-salt-ls", "growth-peper"])
def test_a_quadratic_map_with_gene_effects_is_recovered(name):
    training, held, truth = planted_map()
    assert error(name, training, held, truth) < 4 * 0.01**2


def test_low_rank_interactions_are_filled_in():
    case = planted_map(rank=2)
    assert error("growth-peper", *case) < 0.4 * error("growth-salt-ls", *case)


@pytest.mark.parametrize("name", ["growth-salt-ls", "growth-peper"])
def test_intervals_hold_what_they_promise(name):
    inside = []
    for seed in range(3):
        training, held, truth = planted_map(rank=1, noise=0.05, seed=seed)
        prediction = fit_model(create(name), training).predict(held)
        inside.append((np.abs(prediction.delta - truth) < 1.645 * prediction.sd).mean())
    assert 0.8 < np.mean(inside) < 0.97


def test_singles_are_as_measured_and_triples_compose():
    training, _, _ = planted_map()
    model = fit_model(create("growth-salt-ls"), training)
    a, b, c = NAMES[:3]
    single = {name: model.predict([Condition((name,))]).delta[0, 0] for name in (a, b, c)}
    assert single[a] == training.delta[training.conditions.index(Condition((a,))), 0]
    pairs = model.predict([Condition(p) for p in ((a, b), (a, c), (b, c))]).delta.sum()
    triple = model.predict([Condition((a, b, c))]).delta[0, 0]
    assert triple == pytest.approx(pairs - sum(single.values()))


def test_a_screen_or_a_map_that_is_too_small_is_refused(table):
    model = create("growth-peper")
    wide = table({Condition(("A",)): [1.0, 2.0]})
    assert "2 quantities" in model.refusal(wide, [])
    small = TrainingSet.from_table({Condition((name,)): 0.1 for name in NAMES})
    assert "5 pairs" in model.refusal(small, [])
    with pytest.raises(ModelError, match="5 pairs"):
        fit_model(model, small)
    training, _, _ = planted_map()
    assert "stranger" in model.refusal(training, [Condition(("P00", "stranger"))])
