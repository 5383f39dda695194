"""Genes never perturbed, in a world where what a perturbation does is written in its gene's vector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.models.flow_screens import screen

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import expressed, one_hot
from pajamo.errors import ModelError
from pajamo.models.base import Model
from pajamo.models.parts.unseen_response import UnseenResponse
from pajamo.models.registry import create, models
from pajamo.protocols.protocol import Protocol
from pajamo.training.fit import fit_model
from pajamo.training.saved import load_model, save_model

GENES, DIMENSIONS, CELLS = 24, 3, 30
SEEN, UNSEEN = [f"P{i:02d}" for i in range(24)], [f"Q{i}" for i in range(6)]
FAST = {"steps": 20, "members": 2}
TAKERS = [name for name, kind in models().items() if kind.takes_embedding]
NAMED = ("peper", "dynamics", "graph-shift", "shift-vae", "sparse-shift")


@dataclass(frozen=True)
class World:
    """A training set of singles, and the true change of each gene that was never perturbed."""

    training: TrainingSet
    truth: np.ndarray

    @property
    def asked(self) -> list[Condition]:
        return [Condition((name,)) for name in UNSEEN]


@cache
def world() -> World:
    """Change = vector times a mapping onto the measured genes, plus what all perturbations have in common."""
    rng = np.random.default_rng(0)
    vectors = dict(zip([*SEEN, *UNSEEN], rng.normal(size=(30, DIMENSIONS)), strict=True))
    mapping, common = rng.normal(0, 0.35, (DIMENSIONS, GENES)), rng.normal(0, 0.1, GENES)
    effect = {name: common + vector @ mapping for name, vector in vectors.items()}
    conditions = [Condition((name,)) for name in SEEN]
    control = Condition(())
    cells = {
        c: (3.0 + sum((effect[g] for g in c.genes), np.zeros(GENES)) + rng.normal(0, 0.4, (CELLS, GENES)))
        .clip(0)
        .astype(np.float32)
        for c in [control, *conditions]
    }
    mean = np.array([cells[c].mean(axis=0) for c in cells], dtype=float)
    variance = np.array([cells[c].var(axis=0, ddof=1) for c in cells], dtype=float)
    counted = np.full(len(conditions), CELLS)
    training = TrainingSet(
        pd.Index([f"g{i}" for i in range(GENES)]), tuple(conditions), Moments(counted, mean[1:], variance[1:]),
        (("", 0.0),), Moments(counted[:1], mean[:1], variance[:1]), embedding=vectors, cells=cells,
    )  # fmt: skip
    return World(training, np.array([effect[name] for name in UNSEEN]))


@cache
def fitted(name: str) -> Model:
    return fit(name, world().training)


def fit(name: str, training: TrainingSet, **more: object) -> Model:
    fields = models()[name].Settings.model_fields
    settings = {key: v for key, v in FAST.items() if key in fields} | more
    return fit_model(create(name, settings, seed=1), training)


def error(model: Model, truth: np.ndarray) -> float:
    """Mean squared error over the genes never perturbed, relative to the mean square of their changes."""
    delta = model.predict([Condition((name,)) for name in UNSEEN]).delta
    return float(((delta - truth) ** 2).mean() / ((truth - truth.mean(axis=0)) ** 2).mean())


def test_the_named_models_and_the_baselines_take_an_embedding():
    assert {*NAMED, "linear", "nearest", "salt-ls"} <= set(TAKERS)


@pytest.mark.parametrize("name", TAKERS)
def test_an_embedding_that_says_what_genes_do_predicts_genes_never_perturbed(name):
    made = world()
    known = error(fitted(name), made.truth)
    nothing = replace(made.training, embedding=one_hot([*SEEN, *UNSEEN]))
    assert known < 0.6 * error(fit(name, nothing), made.truth)
    assert known < (0.9 if name == "nearest" else 0.35)


@pytest.mark.parametrize("name", ["peper", "dynamics", "shift-vae", "sparse-shift"])
def test_vectors_that_say_nothing_leave_the_mean_response(name):
    made = world()
    rng = np.random.default_rng(7)
    senseless = {gene: rng.normal(size=DIMENSIONS) for gene in made.training.embedding}
    model = fit(name, replace(made.training, embedding=senseless))
    delta = model.predict(made.asked).delta
    np.testing.assert_allclose(delta, np.tile(delta[0], (len(UNSEEN), 1)), atol=1e-9)
    np.testing.assert_allclose(delta[0], made.training.delta.mean(axis=0), atol=0.1)


@pytest.mark.parametrize("name", TAKERS)
def test_intervals_of_genes_never_perturbed_hold_the_truth(name):
    made = world()
    prediction = fitted(name).predict(made.asked)
    inside = np.abs(prediction.delta - made.truth) < 1.96 * prediction.sd
    assert inside.mean() > 0.85


@pytest.mark.parametrize("name", TAKERS)
def test_what_is_said_of_other_genes_is_saved(name, tmp_path: Path):
    save_model(fitted(name), tmp_path / "model.safetensors")
    loaded, asked = load_model(tmp_path / "model.safetensors"), world().asked
    for array in ("delta", "sd", "trusted"):
        before, after = (getattr(m.predict(asked), array) for m in (fitted(name), loaded))
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["shift-vae", "sparse-shift"])
def test_latent_shifts_without_an_embedding_refuse_genes_never_perturbed(name):
    training = replace(world().training, embedding={})
    assert "no embedding of genes" in str(create(name).refusal(training, world().asked))
    with pytest.raises(ModelError, match="cannot predict Q0"):
        fit(name, training).predict(world().asked[:1])


def test_a_measured_target_never_perturbed_moves_as_targets_do():
    made = world()
    genes = pd.Index([*SEEN[:6], "Q0", *(f"g{i}" for i in range(GENES - 7))])
    mean, cells = made.training.moments.mean.copy(), dict(made.training.cells)
    for i in range(6):
        mean[i, i] += 1.5
        cells[Condition((SEEN[i],))] = cells[Condition((SEEN[i],))] + 1.5 * np.eye(GENES, dtype=np.float32)[i]
    moments = replace(made.training.moments, mean=mean)
    model = fit("shift-vae", replace(made.training, genes=genes, moments=moments, cells=cells), axes=3)
    delta = model.predict([Condition(("Q0",)), Condition(("Q1",))]).delta
    assert 0.5 < delta[0, 6] - made.truth[0, 6] < 2.5
    drawn = model.draw(Condition(("Q0",)), 400, np.random.default_rng(0))
    assert drawn[:, 6].mean() == pytest.approx(model.predict([Condition(("Q0",))]).level[0, 6], abs=0.2)


def test_a_double_of_a_known_and_an_unknown_gene_adds_both():
    for name in ("shift-vae", "dynamics", "peper"):
        model = fitted(name)
        known, new = model.predict([Condition(("P00",)), Condition(("Q1",))]).delta
        both = model.predict([Condition(("P00", "Q1"))]).delta[0]
        np.testing.assert_allclose(both, known + new, atol=0.3)
        assert model.predict([Condition(("P00", "Q1"))]).trusted[0] <= 0.5


def test_under_another_protocol_the_flow_alone_knows_them_too():
    made, model = world(), fitted("dynamics")
    moved = model.under(model.protocol).predict(made.asked)
    assert ((moved.delta - made.truth) ** 2).mean() < 0.35 * made.truth.var(axis=0).mean()


def test_columns_over_time_come_from_vectors_as_well():
    rng = np.random.default_rng(2)
    names = [*SEEN[:18], *UNSEEN[:3]]
    vectors = dict(zip(names, rng.normal(size=(len(names), 2)), strict=True))
    column = np.array(list(vectors.values())) @ rng.normal(0, 0.4, (2, 15))
    level, times = np.full(15, 4.0), (2.0, 4.0)
    means = {
        Condition((name,), time=time): level + (1 - np.exp(-0.5 * time)) * column[i]
        for i, name in enumerate(SEEN[:18])
        for time in times
    }
    training = screen(means, {("", time): level for time in times}, protocol=Protocol.plain("day"))
    model = fit_model(create("dynamics", {"feedback": 0.0}), replace(training, embedding=vectors))
    asked = [Condition((name,), time=4.0) for name in UNSEEN[:3]]
    truth = (1 - np.exp(-2.0)) * column[18:]
    missed = ((model.predict(asked).delta - truth) ** 2).mean()
    model.flow = replace(model.flow, unseen=UnseenResponse.nothing(15))
    assert missed < 0.3 * ((model.predict(asked).delta - truth) ** 2).mean()


def test_regression_recovers_a_linear_law_and_forgets_nothing():
    rng = np.random.default_rng(3)
    names = [f"a{i}" for i in range(20)]
    vectors = dict(zip([*names, "new"], rng.normal(size=(21, 4)), strict=True))
    response = np.array([vectors[name] for name in names]) @ rng.normal(size=(4, 10))
    found = UnseenResponse.fit(vectors, names, response)
    assert found.names == ("new",)
    assert found.share < 0.2
    again = UnseenResponse.restored(found.state(), found.facts(), 10)
    np.testing.assert_array_equal(again.of(["new", "other"]), found.of(["new", "other"]))
    np.testing.assert_allclose(found.of(["other"])[0], response.mean(axis=0))
    assert UnseenResponse.restored({}, None, 10).names == ()


def test_one_hot_and_expressed_vectors():
    vectors = one_hot(["A", "B", "C"])
    gaps = [np.linalg.norm(vectors[a] - vectors[b]) for a, b in ("AB", "BC", "AC")]
    np.testing.assert_allclose(gaps, np.sqrt(2))
    training = world().training
    found = expressed(training, 5)
    assert list(found) == list(training.genes)
    assert all(vector.shape == (5,) for vector in found.values())
