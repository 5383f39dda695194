"""The Salt family on planted truth: exact where the law holds, honest about its errors where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import ModelError
from pajamo.models.registry import create

A, B, C, D, AB, CD, ABC = (Condition(tuple(g)) for g in ("A", "B", "C", "D", "AB", "CD", "ABC"))
SINGLES = {A: [1.0, 0.0], B: [0.5, -1.0], C: [0.0, 2.0]}


def test_salt_is_the_sum(table):
    prediction = create("salt").fit(table(SINGLES)).predict([A, AB, ABC])
    np.testing.assert_allclose(prediction.delta, [[1.0, 0.0], [1.5, -1.0], [1.5, 1.0]])
    np.testing.assert_allclose(prediction.level, prediction.delta + 1.0)
    np.testing.assert_array_equal(prediction.sd, 0.0)


def test_average_is_the_mean(table):
    prediction = create("average-singles").fit(table(SINGLES)).predict([A, AB, ABC])
    np.testing.assert_allclose(prediction.delta, [[1.0, 0.0], [0.75, -0.5], [0.5, 1 / 3]])


def test_effects_belong_to_their_context_and_time(table):
    here, there = Condition(("A",), "K562"), Condition(("A",), "RPE1")
    model = create("salt").fit(table({here: [1.0], there: [2.0], Condition(("B",), "RPE1"): [3.0]}))
    np.testing.assert_allclose(model.predict([Condition(("A", "B"), "RPE1")]).delta, [[5.0]])
    with pytest.raises(ModelError, match="A\\+B in K562"):
        model.predict([Condition(("A", "B"), "K562")])


@pytest.mark.parametrize("name", ["salt", "average-singles", "scaled-salt", "salt-shift"])
def test_missing_single_is_refused_by_name(table, name):
    training = table(SINGLES | {AB: [1.5, -1.0]})
    assert "A+D" in create(name).refusal(training, [Condition(("A", "D"))])


def test_errors_of_cells_count_the_control_twice_for_a_double(table):
    training = table({A: [1.0], B: [1.0]}, variance=4.0, cells=100)
    sd = create("salt").fit(training).predict([A, AB]).sd[:, 0]
    # A single: own mean and control. A double: two means, and the control twice over, 2^2 times its variance.
    np.testing.assert_allclose(sd**2, [0.04 + 0.04, 0.08 + 4 * 0.04])


@pytest.mark.parametrize("alpha", [0.4, 0.75, 1.0, 1.3])
def test_scaled_salt_recovers_alpha(planted, alpha):
    training, held, truth = planted(0, alpha=alpha, cells=4000)
    model = create("scaled-salt").fit(training)
    assert model.alpha[0] == pytest.approx(alpha, abs=max(4 * model.alpha_se[0], 0.01))
    np.testing.assert_allclose(model.predict(held).delta, truth, atol=0.15)


def test_alpha_on_paper(table):
    training = table({A: [1.0, 0.0], B: [0.0, 1.0], AB: [0.6, 0.8], C: [2.0, 0.0]})
    model = create("scaled-salt").fit(training)
    # <(0.6, 0.8), (1, 1)> / |(1, 1)|^2
    assert model.alpha == pytest.approx([0.7])
    np.testing.assert_allclose(model.predict([Condition(("A", "C"))]).delta, [[2.1, 0.0]])
    np.testing.assert_allclose(model.predict([ABC]).delta, 0.49 * np.array([[3.0, 1.0]]))


def test_alpha_covers_the_truth_at_the_promised_rate(planted):
    hits = 0
    for seed in range(60):
        model = create("scaled-salt").fit(planted(seed, alpha=0.7, tau=0.3, cells=2000)[0])
        hits += abs(model.alpha[0] - 0.7) < 1.96 * model.alpha_se[0]
    assert 49 <= hits <= 60  # binomial(60, 0.95): below 49 has probability 1e-4


def test_each_class_of_pairs_has_its_own_share(table):
    # Alike singles (A, B) reach half of their sum, unlike ones (A, C) all of it.
    alike = {Condition(("A", "B")): [1.0, 0.0], Condition(("C", "D")): [0.0, 1.0]}
    unlike = {Condition(("A", "C")): [1.0, 1.0], Condition(("B", "D")): [1.0, 1.0]}
    training = table({A: [1.0, 0.0], B: [1.0, 0.0], C: [0.0, 1.0], D: [0.0, 1.0]} | alike | unlike)
    model = create("scaled-salt", {"classes": 2}).fit(training)
    assert model.alpha == pytest.approx([1.0, 0.5])
    made = model.predict([Condition(("A", "D")), AB, Condition(("A",))]).delta
    np.testing.assert_allclose(made, [[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert list(model.weights()["of"][:2]) == [
        "doubles, likeness class 1 of 2",
        "doubles, likeness class 2 of 2",
    ]


def test_scaled_salt_needs_doubles(table):
    assert "training double" in create("scaled-salt").refusal(table(SINGLES), [AB])
    with pytest.raises(ModelError, match="training double"):
        create("scaled-salt").fit(table(SINGLES))


@pytest.mark.parametrize(("name", "alpha"), [("salt", 1.0), ("scaled-salt", 0.7)])
@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_intervals_of_held_doubles_are_honest(planted, name, alpha, tau):
    inside = []
    for seed in range(12):
        training, held, truth = planted(seed, alpha=alpha, tau=tau)
        prediction = create(name).fit(training).predict(held)
        inside.append((np.abs(prediction.delta - truth) < 1.96 * prediction.sd).mean())
    # Errors within a screen share controls and singles, so the screens are the independent units.
    error = np.std(inside, ddof=1) / np.sqrt(len(inside))
    assert np.mean(inside) > 0.95 - 4 * error - 0.01
    # A scatter cannot be estimated below zero, so intervals err on the long side where there is none.
    assert np.mean(inside) < (0.995 if tau == 0 else 0.95 + 4 * error + 0.01)


def test_intervals_without_interactions_would_be_too_short(planted):
    training, held, truth = planted(0, tau=0.5, cells=400)
    model = create("salt").fit(training)
    assert np.sqrt(model.scatter.mean()) == pytest.approx(0.5, rel=0.1)
    model.scatter = np.zeros_like(model.scatter)
    prediction = model.predict(held)
    assert (np.abs(prediction.delta - truth) < 1.96 * prediction.sd).mean() < 0.6


def test_main_effects_are_listed_with_their_errors(table):
    weights = create("salt").fit(table(SINGLES, variance=4.0)).weights()
    row = weights[(weights["quantity"] == "main effect") & (weights["of"] == "B on g1")].iloc[0]
    assert row["value"] == -1.0
    assert row["se"] == pytest.approx(np.sqrt(0.08))
