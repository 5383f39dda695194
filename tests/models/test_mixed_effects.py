"""Mixed effects against dense formulas, limits that fit on paper, and planted truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.mixed_effects import MixedEffects
from pajamo.models.parts.variance_components import SCALES, fit_components, learn_scales, log_likelihood

RNG = np.random.default_rng


def kernel(_: np.ndarray) -> np.ndarray:
    return np.eye(6) + 0.5


def test_posterior_equals_the_dense_formulas() -> None:
    rng = RNG(0)
    data, noise = rng.normal(size=(6, 4)), np.diag(rng.uniform(0.1, 1.0, 6)) + 0.05
    fitted = fit_components(data, noise, kernel, start=[0.0])
    covariance, prior = rng.normal(size=(3, 6)) * 0.3, np.full(3, 2.0)
    mean, variance = np.zeros((3, 4)), np.zeros((3, 4))
    for k, tau in enumerate(SCALES):
        inverse = np.linalg.inv(tau * kernel(np.zeros(1)) + noise)
        share = fitted.responsibility[:, k]
        mean += tau * covariance @ inverse @ data * share
        left = tau * prior - tau**2 * np.einsum("ij,jk,ik->i", covariance, inverse, covariance)
        variance += np.maximum(left, 0.0)[:, None] * share
    np.testing.assert_allclose(fitted.mean(covariance), mean, atol=1e-9)
    np.testing.assert_allclose(fitted.variance(covariance, prior), variance, atol=1e-9)


def test_scales_are_found_for_genes_that_respond_and_genes_that_do_not() -> None:
    rng = RNG(1)
    values = np.ones(60)
    rotated = np.column_stack([rng.normal(scale=np.sqrt(1 + 100), size=(60, 5)), rng.normal(size=(60, 5))])
    _, responsibility = learn_scales(log_likelihood(values, rotated))
    np.testing.assert_allclose(responsibility.sum(axis=1), 1.0)
    found = responsibility @ SCALES
    assert found[:5].min() > 30
    assert found[5:].max() < 1


def planted(
    *, memory_days: float = 50.0, cells: int = 80, seed: int = 2
) -> tuple[TrainingSet, dict[Condition, np.ndarray]]:
    """Effects of 15 perturbations on 40 genes over four days, half of the genes silent."""
    rng = RNG(seed)
    names, days, genes = [f"P{i}" for i in range(15)], [2.0, 3.0, 4.0, 5.0], 40
    size = np.where(np.arange(genes) < 20, 1.0, 0.0)
    walk = np.exp(-np.abs(np.subtract.outer(days, days)) / memory_days)
    drift = np.linalg.cholesky(walk + 1e-9 * np.eye(4))
    truth = {}
    for name in names:
        effects = drift @ rng.normal(size=(4, genes)) * size
        truth |= {Condition((name,), "", day): effect for day, effect in zip(days, effects, strict=True)}
    conditions = tuple(sorted(truth))
    base = rng.uniform(1, 2, genes)
    controls = base + rng.normal(size=(4, genes)) / np.sqrt(cells)
    means = np.stack([base + truth[c] for c in conditions]) + rng.normal(size=(60, genes)) / np.sqrt(cells)
    moments = Moments(np.full(60, cells), means, np.ones((60, genes)))
    settings = tuple(("", day) for day in days)
    names_of_genes = pd.Index([f"g{i}" for i in range(genes)])
    control = Moments(np.full(4, cells), controls, np.ones((4, genes)))
    whole = TrainingSet(names_of_genes, conditions, moments, settings, control)
    return whole, truth


def without_day(training: TrainingSet, day: float) -> TrainingSet:
    keep = [i for i, c in enumerate(training.conditions) if c.time != day]
    conditions = tuple(training.conditions[i] for i in keep)
    return TrainingSet(
        training.genes, conditions, training.moments[keep], training.settings, training.controls
    )


def test_unseen_day_is_predicted_better_than_by_carrying_the_last_one_on() -> None:
    whole, truth = planted(memory_days=8.0, cells=20)
    training = without_day(whole, 5.0)
    held = [c for c in whole.conditions if c.time == 5.0]
    model = MixedEffects().fit(training)
    predicted = model.predict(held)
    measured = np.stack([truth[c] for c in held])
    last = training.delta[[training.conditions.index(Condition(c.genes, "", 4.0)) for c in held]]
    ours, carried = ((x - measured) ** 2 for x in (predicted.delta, last))
    assert ours.mean() < 0.8 * carried.mean()


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held_in = []
    for seed in range(3):
        whole, truth = planted(memory_days=8.0, cells=20, seed=seed)
        held = [c for c in whole.conditions if c.time == 5.0]
        made = MixedEffects().fit(without_day(whole, 5.0)).predict(held)
        z = (made.delta - np.stack([truth[c] for c in held])) / made.sd
        held_in.append(np.abs(z[:, :20]) < 1.645)
    assert 0.85 < np.mean(held_in) < 0.95


def test_common_error_of_the_controls_is_taken_off() -> None:
    whole, _ = planted(cells=20)
    shifted = np.array(whole.controls.mean)
    shifted[3] += 0.5
    controls = Moments(whole.controls.n_cells, shifted, whole.controls.variance)
    training = TrainingSet(whole.genes, whole.conditions, whole.moments, whole.settings, controls)
    model = MixedEffects().fit(training)
    fifth, fourth = Condition((), "", 5.0), Condition((), "", 4.0)
    corrected = model.control([fifth])[0] - shifted[3]
    # Silent genes: fifteen perturbations all half a unit below the control can only be the control's error.
    assert corrected[20:].mean() < -0.3
    assert abs((model.control([fourth])[0] - shifted[2])[20:].mean()) < 0.1


def test_gene_that_was_never_perturbed_gets_the_common_response_with_more_doubt() -> None:
    whole, _ = planted()
    made = MixedEffects().fit(whole).predict([Condition(("NEW",), "", 3.0), Condition(("P1",), "", 3.0)])
    assert made.trusted is not None
    np.testing.assert_array_equal(made.trusted, [0.0, 1.0])
    assert (made.sd[0, :20] > 2 * made.sd[1, :20]).all()


def test_few_or_too_many_conditions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = planted()
    one = TrainingSet(whole.genes, whole.conditions[:1], whole.moments[:1], whole.settings, whole.controls)
    assert "two training conditions" in str(MixedEffects().refusal(one, whole.conditions))
    monkeypatch.setattr("pajamo.models.mixed_effects.MOST_CONDITIONS", 10)
    assert "more than 10" in str(MixedEffects().refusal(whole, whole.conditions))
