"""The simple baselines on numbers that fit on paper."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import ModelError
from pajamo.models.registry import create


def condition(genes: str, time: float = 0.0, context: str = "") -> Condition:
    return Condition(tuple(genes), context, time)


def delta(name, training, asked):
    assert create(name).refusal(training, [asked]) is None
    return create(name).fit(training).predict([asked]).delta[0]


SCREEN = {
    condition("A"): [1.0, 0.0],
    condition("B"): [0.0, 1.0],
    condition("C"): [4.0, 0.0],
    condition("D"): [0.0, 5.0],
    condition("AB"): [1.0, 1.0],
    condition("CD"): [4.0, 6.0],
}


def test_mean_perturbation(table):
    np.testing.assert_allclose(delta("mean-perturbation", table(SCREEN), condition("E")), [10 / 6, 13 / 6])


def test_mean_perturbation_prefers_the_same_setting(table):
    training = table(
        {condition("A", 1): [1.0], condition("A", 2): [3.0], condition("B", 2): [5.0]}, settings={("", 3.0)}
    )
    np.testing.assert_allclose(delta("mean-perturbation", training, condition("C", 2)), [4.0])
    np.testing.assert_allclose(delta("mean-perturbation", training, condition("C", 3)), [3.0])


def test_mean_double(table):
    np.testing.assert_allclose(delta("mean-double", table(SCREEN), condition("AC")), [2.5, 3.5])


def test_mean_double_refuses_singles_and_a_training_set_without_doubles(table):
    assert "single" in create("mean-double").refusal(table(SCREEN), [condition("E")])
    assert "doubles" in create("mean-double").refusal(table({condition("A"): [1.0]}), [condition("AB")])


def test_nearest_copies_the_same_perturbation_from_the_nearest_time(table):
    training = table(
        {condition("A", 1): [1.0], condition("A", 4): [4.0], condition("B", 3): [9.0]}, settings={("", 3.0)}
    )
    np.testing.assert_allclose(delta("nearest", training, condition("A", 3)), [4.0])


def test_nearest_copies_from_another_context(table):
    training = table({condition("A", context="x"): [1.0], condition("B", context="y"): [2.0]})
    np.testing.assert_allclose(delta("nearest", training, condition("A", context="y")), [1.0])


def test_nearest_combination_by_the_sum_of_singles(table):
    # BD sums to (0, 6), AB to (1, 1), CD to (4, 5).
    np.testing.assert_allclose(delta("nearest", table(SCREEN), condition("BD")), [4.0, 6.0])


def test_nearest_combination_falls_back_to_a_shared_gene(table):
    np.testing.assert_allclose(delta("nearest", table(SCREEN), condition("BE")), [1.0, 1.0])
    only_singles = {c: x for c, x in SCREEN.items() if c.order == 1}
    np.testing.assert_allclose(delta("nearest", table(only_singles), condition("BE")), [0.0, 1.0])


def test_nearest_unseen_gene_by_prior_vectors(table):
    prior = {
        name: np.array(v, dtype=float)
        for name, v in {"A": [0, 0], "B": [5, 5], "C": [9, 0], "E": [5, 4]}.items()
    }
    np.testing.assert_allclose(delta("nearest", table(SCREEN, embedding=prior), condition("E")), [0.0, 1.0])
    assert "cannot predict Z" in create("nearest").refusal(table(SCREEN, embedding=prior), [condition("Z")])


def test_nearest_unseen_gene_by_expression(table):
    # Gene z is expressed like a, so perturbing Z is taken to do what perturbing A does.
    changes = {Condition(("a",)): [3.0, 0.0, 2.9], Condition(("b",)): [0.0, 3.0, 0.1]}
    training = table(changes, genes=["a", "b", "z"])
    np.testing.assert_allclose(delta("nearest", training, Condition(("z",))), [3.0, 0.0, 2.9])


def test_nearest_returns_what_was_measured_with_its_own_error(table):
    model = create("nearest").fit(table(SCREEN, variance=4.0))
    assert model.scatter.max() > 1.0
    np.testing.assert_allclose(model.predict([condition("A")]).sd, np.sqrt(0.08))


def test_persistence_takes_the_last_earlier_time(table):
    training = table(
        {condition("A", 1): [1.0], condition("A", 2): [2.0], condition("A", 5): [5.0]}, settings={("", 4.0)}
    )
    np.testing.assert_allclose(delta("persistence", training, condition("A", 4)), [2.0])
    assert "B" in create("persistence").refusal(training, [condition("B", 4)])
    with pytest.raises(ModelError, match="A at 1"):
        create("persistence").fit(training).predict([condition("A", 1)])


def test_persistence_does_not_cross_contexts(table):
    training = table({condition("A", 1, "x"): [1.0], condition("A", 2, "y"): [2.0]})
    assert create("persistence").refusal(training, [condition("A", 2, "y")]) is not None


def test_time_mean_leaves_out_the_time_that_is_asked(table):
    training = table({condition("A", t): [float(t)] for t in (1, 2, 6)}, settings={("", 4.0)})
    np.testing.assert_allclose(delta("time-mean", training, condition("A", 4)), [3.0])
    np.testing.assert_allclose(delta("time-mean", training, condition("A", 6)), [1.5])


def test_controls_of_two_times_add_their_errors(table):
    training = table({condition("A", 1): [1.0]}, variance=4.0, settings={("", 2.0)})
    # The change at time 1 has the error of its mean and of its own control.
    np.testing.assert_allclose(
        create("persistence").fit(training).predict([condition("A", 2)]).sd, np.sqrt(0.08)
    )


def test_baselines_cover_new_perturbations(planted):
    """The truth of unseen doubles around their mean is as wide as the mean-double baseline says."""
    inside = []
    for seed in range(12):
        training, held, truth = planted(seed)
        prediction = create("mean-double").fit(training).predict(held)
        inside.append((np.abs(prediction.delta - truth) < 1.96 * prediction.sd).mean())
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
