"""The neural differential equation: planted relaxation, what structure and stationarity buy, saving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.node import CONTROLS, PERTURBED, RATE
from pajamo.models.node_parts.building import histories_of
from pajamo.models.node_parts.fitting import CANDIDATES
from pajamo.models.registry import create
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.steps import differentiate, measure, perturb
from pajamo.training.fit import fit_model
from pajamo.training.saved import load_model, save_model

GENES = ("a", "b", "c", "d")
TIMES = (0.5, 1.0, 2.0, 4.0)
LEVEL = 2.0


def relaxing(seed: int = 0, noise: float = 0.05, cells: int = 0, drifting: float = 0.0) -> TrainingSet:
    """Genes without regulators: a knocked-out gene decays at a rate of one, all others stay at two."""
    rng = np.random.default_rng(seed)
    conditions = tuple(Condition((gene,), time=t) for gene in GENES[:3] for t in TIMES)
    settings = tuple(("", t) for t in TIMES)
    means = np.full((len(conditions), len(GENES)), LEVEL)
    for row, c in enumerate(conditions):
        means[row, GENES.index(c.genes[0])] *= np.exp(-c.time)
    controls = np.full((len(settings), len(GENES)), LEVEL) + drifting * np.array(TIMES)[:, None]

    def moments(values: np.ndarray) -> Moments:
        spread = np.full_like(values, 100 * noise**2)
        return Moments(np.full(len(values), 100), values + rng.normal(0.0, noise, values.shape), spread)

    kept = {c: rng.normal(m, 0.3, (cells, len(GENES))) for c, m in zip(conditions, means, strict=True)}
    resting = {Condition((), *s): rng.normal(LEVEL, 0.3, (cells, len(GENES))) for s in settings}
    seen = {c: x.astype(np.float32) for c, x in (kept | resting).items()} if cells else {}
    return TrainingSet(
        pd.Index(GENES), conditions, moments(means), settings, moments(controls), cells=seen,
        protocol=Protocol.plain("hour"),
    )  # fmt: skip


def fitted(training: TrainingSet, **settings):
    chosen = {"weights": (0.0, 0.0), "members": 1, "steps": 60, **settings}
    return fit_model(create("node", chosen, seed=1), training)


@pytest.fixture(scope="module")
def structured():
    return fitted(relaxing(), drift="production", members=2)


def test_structure_predicts_a_knockout_that_was_never_made(structured):
    unseen = [Condition(("d",), time=t) for t in TIMES]
    delta = structured.predict(unseen).delta
    np.testing.assert_allclose(delta[:, 3], LEVEL * np.expm1(-np.array(TIMES)), atol=0.3)
    assert np.abs(delta[:, :3]).max() < 0.15


def test_a_black_box_fits_what_it_saw_and_knows_no_unseen_target():
    model = fitted(relaxing(), steps=150)
    seen = [Condition(("a",), time=4.0)]
    assert model.predict(seen).delta[0, 0] == pytest.approx(-LEVEL, abs=0.4)
    # What it says of one stranger it says of every other.
    strangers = model.predict([Condition(("d",), time=4.0), Condition(("z",), time=4.0)])
    np.testing.assert_array_equal(strangers.delta[0], strangers.delta[1])
    np.testing.assert_array_equal(model.trust(strangers.conditions), 0.0)


def test_rates_are_per_unit_of_the_protocol(structured):
    """Nothing regulates anything, so that every mode returns at the decay rate, one an hour."""
    table = structured.weights().set_index("quantity")
    assert table.loc[RATE, "value"] == pytest.approx(1.0, abs=0.35)
    assert table.loc[RATE, "unit"] == "1 / hour"
    days = replace(
        relaxing(),
        conditions=tuple(Condition(c.genes, time=c.time / 24) for c in relaxing().conditions),
        settings=tuple(("", t / 24) for t in TIMES),
        protocol=Protocol.plain("day"),
    )
    daily = fitted(days, drift="production", members=2).weights().set_index("quantity")
    assert daily.loc[RATE, "value"] == pytest.approx(24 * table.loc[RATE, "value"], rel=1e-3)


@pytest.mark.parametrize("correction", ["naive", "covariance"])
def test_stationarity_of_controls_keeps_them_where_they_are(correction):
    """Noisy controls seem to move; beyond the last time a black box goes on moving, unless asked not to."""
    training = relaxing(seed=3, noise=0.2)
    drifts = []
    for weight in (0.0, 10.0):
        model = fitted(training, weights=(weight, 0.0), correction=correction)
        drifts.append(np.abs(model.fitted.levels([Condition((), time=20.0)])[0, 0] - LEVEL).mean())
    assert drifts[1] < 0.7 * drifts[0]


def test_perturbed_stationarity_holds_perturbed_cells_at_their_last_state():
    far = [Condition((gene,), time=20.0) for gene in GENES[:3]]
    truth = np.full((3, 4), LEVEL) - LEVEL * np.eye(3, 4)
    errors = [
        ((fitted(relaxing(noise=0.15), weights=w).fitted.levels(far)[0] - truth) ** 2).mean()
        for w in ((0.0, 0.0), (1.0, 1.0))
    ]
    assert errors[1] < 0.75 * errors[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"order": 2},
        {"order": "kernel"},
        {"correction": "split-half"},
        {"order": 2, "correction": "split-half"},
    ],
)
def test_losses_on_cells_need_cells(settings):
    with_cells = relaxing(cells=12)
    model = create("node", {**settings, "weights": (1.0, 0.1), "steps": 5, "members": 1})
    assert model.refusal(with_cells, ()) is None
    assert "cells" in model.refusal(relaxing(), ())
    asked = list(with_cells.conditions[:2])
    with_term = fit_model(model, with_cells).predict(asked)
    without = fitted(with_cells, steps=5).predict(asked)
    assert np.isfinite(with_term.delta).all()
    assert not np.array_equal(with_term.delta, without.delta)


def test_stability_hinge_is_part_of_the_loss_only_where_rest_repels():
    training = relaxing()
    plain, hinged = (create("node", {"weights": (0.0, 0.0), "stability": s}, seed=1) for s in (0.0, 5.0))
    for model in (plain, hinged):
        model.fit(training)
        with torch.no_grad():
            for parameter in model.module().parameters():
                parameter.zero_()
            drift = model.module().drift
            drift.read[:, 0, 0], drift.write[:, 0, 0] = 0.5, 0.5
    # The Jacobian is 0.25 in one direction and zero in all others; the margin asked for is 0.01.
    extra = (hinged.loss(0) - plain.loss(0)).detach()
    assert float(extra) == pytest.approx(5.0 * hinged.plan.total * 0.26, rel=1e-3)


def test_weights_are_chosen_on_training_conditions():
    model = fitted(relaxing(), weights="validation", steps=10)
    table = model.weights().set_index("quantity")
    assert (table.loc[CONTROLS, "value"], table.loc[PERTURBED, "value"]) in CANDIDATES
    assert model.plan.aside < set(relaxing().conditions)
    fixed = fitted(relaxing(), weights=(0.3, 0.2), steps=10).weights().set_index("quantity")
    assert (fixed.loc[CONTROLS, "value"], fixed.loc[PERTURBED, "value"]) == (0.3, 0.2)


def test_uncertainty_covers_an_unseen_perturbation_of_a_black_box():
    """It cannot know the fall of a new target's own level; its error aside says so."""
    model = fitted(relaxing(), members=2)
    prediction = model.predict([Condition(("d",), time=4.0)])
    error = np.sqrt(((prediction.delta[0] - [0, 0, 0, LEVEL * np.expm1(-4.0)]) ** 2).mean())
    assert error < 2.5 * np.sqrt((prediction.sd[0] ** 2).mean())


def test_production_saved_and_loaded_is_the_same(structured, tmp_path):
    asked = [Condition(("d",), time=4.0), Condition(("a", "b"), time=1.0)]
    save_model(structured, tmp_path / "node.safetensors")
    loaded = load_model(tmp_path / "node.safetensors")
    np.testing.assert_array_equal(loaded.predict(asked).delta, structured.predict(asked).delta)


@pytest.mark.parametrize("drift", ["black-box", "production"])
def test_latent_space_writes_own_levels_and_predicts(drift, table):
    rng = np.random.default_rng(0)
    genes = [f"g{i}" for i in range(30)]
    effects = rng.normal(0.0, 0.5, (5, 30))
    changes = {Condition((genes[i],)): effects[i].tolist() for i in range(5)}
    training = table(changes, control=2.0, variance=1.0, genes=genes)
    model = fitted(training, space="latent", components=5, drift=drift, steps=100)
    prediction = model.predict(list(changes))
    error = ((prediction.delta - effects) ** 2).mean() / (effects**2).mean()
    assert error < (0.9 if drift == "black-box" else 1.0)
    np.testing.assert_allclose(np.diag(prediction.delta[:, :5]), np.diag(effects[:, :5]))


def test_cells_that_differentiate_are_followed_and_not_held():
    """Controls rise at a constant rate: asking for stationarity at any weight changes nothing."""
    rule = Protocol.of(perturb("knockout", onset=0.0), differentiate("N2B27"), measure(), time_unit="hour")
    training = replace(relaxing(drifting=0.3), protocol=rule)
    loose, strict = (fitted(training, weights=w) for w in ((0.0, 0.0), (5.0, 5.0)))
    asked = [Condition(("a",), time=4.0), Condition((), time=4.0)]
    np.testing.assert_array_equal(loose.predict(asked).delta, strict.predict(asked).delta)
    risen = loose.fitted.levels([Condition((), time=t) for t in (0.5, 4.0)])[0].mean(axis=1)
    assert risen[1] - risen[0] == pytest.approx(0.3 * 3.5, rel=0.25)


@pytest.mark.parametrize(("own", "kind", "strength"), [(-1.5, "crispri", 0.75), (2.0, "crispra", 1.0)])
def test_without_a_protocol_edits_act_as_far_as_targets_moved(table, own, kind, strength):
    changes = {Condition((g,)): [own if g == other else 0.0 for other in "ab"] for g in "ab"}
    training = table(changes, control=2.0, variance=0.1, genes=["a", "b"])
    (edit,) = next(iter(histories_of(training).history(Condition(("a",))).branches[0][1])).edits
    assert (edit.kind, edit.strength) == (kind, pytest.approx(strength))


def test_a_single_phenotype_is_refused():
    growth = TrainingSet.from_table({Condition(("a",)): 1.0, Condition(("b",)): 2.0})
    assert "several genes" in create("node").refusal(growth, ())
