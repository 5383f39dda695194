"""Every metric equals a loop that spells out its definition, and has the values that fit on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.evaluation.differential import benjamini_hochberg
from pajamo.evaluation.metric import COUNTS, GENERAL, Guess, metric, metrics
from pajamo.evaluation.scoring import UNDEFINED, score
from pajamo.evaluation.truth import Truth, strongest

N, G = 6, 40
CONDITIONS = tuple(Condition((f"g{i}", f"g{i + 1}")) for i in range(N))
GENES = pd.Index([f"g{i}" for i in range(G)])
OF_MEANS = [name for name, item in metrics().items() if not item.needs_cells and item.family == GENERAL]


def make_truth(seed: int = 0, exclude: bool = False) -> Truth:
    rng = np.random.default_rng(seed)
    control = rng.random((1, G)).repeat(N, axis=0)
    t = rng.normal(size=(N, G))
    counted = np.ones((N, G), dtype=bool)
    if exclude:
        for row in range(N):
            counted[row, [row, row + 1]] = False
    return Truth(
        genes=GENES,
        conditions=CONDITIONS,
        mean=control + rng.normal(size=(N, G)),
        control=control,
        variance_of_mean=np.full((N, G), 0.01),
        n_cells=np.full(N, 40),
        t=t,
        t_rest=rng.normal(size=(N, G)),
        significant=(np.abs(t) > 1.2) & counted,
        counted=counted,
        top=strongest(np.abs(t), counted, 5),
        centre=rng.normal(size=G),
        centre_seen=rng.normal(size=G),
    )


def make_guess(truth: Truth, seed: int = 1, sd: bool = True) -> Guess:
    rng = np.random.default_rng(seed)
    delta = truth.delta + rng.normal(size=truth.delta.shape)
    return Guess(delta, truth.control + 0.1 + delta, np.full(delta.shape, 0.5) if sd else None, {})


def naive(name: str, guess: Guess, truth: Truth, row: int) -> float:
    genes = np.flatnonzero(truth.counted[row])
    top = sorted(genes, key=lambda g: -abs(truth.t[row, g]))[:5]
    changed = [g for g in genes if truth.significant[row, g]]
    delta, true = guess.delta[row], truth.delta[row]
    z = stats.norm.sf(np.abs(delta[genes]) / 0.5) * 2
    called = {g for g, q in zip(genes, stats.false_discovery_control(z), strict=True) if q <= 0.05}
    strongest_predicted = sorted(genes, key=lambda g: -abs(delta[g]))[: len(changed)]
    everywhere = np.flatnonzero(truth.counted.all(axis=0))
    strength = np.abs(truth.t_rest[row, genes])
    weight = ((strength - strength.min()) / (strength.max() - strength.min())) ** 2
    weight /= weight.sum()
    about = weight @ true[genes]
    unexplained = weight @ (delta - true)[genes] ** 2 / (weight @ (true[genes] - about) ** 2)

    def distance(other: int) -> float:
        return float(np.linalg.norm(guess.level[row, everywhere] - truth.mean[other, everywhere]))

    def cosine(other: int) -> float:
        a, b = delta[everywhere], truth.delta[other, everywhere]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    return {
        "mse": lambda: np.mean([(guess.level[row, g] - truth.mean[row, g]) ** 2 for g in genes]),
        "mse_top": lambda: np.mean([(guess.level[row, g] - truth.mean[row, g]) ** 2 for g in top]),
        "mse_weighted": lambda: weight @ (guess.level[row] - truth.mean[row])[genes] ** 2,
        "r2_weighted": lambda: 1 - unexplained,
        "centroid_accuracy": lambda: np.mean([distance(o) > distance(row) for o in range(N) if o != row]),
        "mse_delta": lambda: np.mean([(delta[g] - true[g]) ** 2 for g in genes]),
        "pearson_delta": lambda: stats.pearsonr(delta[genes], true[genes])[0],
        "pearson_centred": lambda: stats.pearsonr(
            (delta - truth.centre_seen)[genes], (true - truth.centre)[genes]
        )[0],
        "sign_agreement": lambda: np.mean([delta[g] * true[g] > 0 for g in top]),
        "sign_agreement_de": lambda: np.mean([delta[g] * true[g] > 0 for g in changed]),
        "discrimination": lambda: 1 - sum(cosine(o) > cosine(row) for o in range(N) if o != row) / (N - 1),
        "de_overlap": lambda: len(set(strongest_predicted) & set(changed)) / len(changed),
        "de_precision": lambda: len(called & set(changed)) / len(called),
        "de_recall": lambda: len(called & set(changed)) / len(changed),
    }[name]()


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("name", OF_MEANS)
def test_metric_equals_the_loop(name: str, exclude: bool) -> None:
    truth = make_truth(exclude=exclude)
    guess = make_guess(truth)
    values = metric(name).compute(guess, truth)
    expected = [naive(name, guess, truth, row) for row in range(N)]
    np.testing.assert_allclose(values.value, expected, rtol=1e-12)
    assert not values.undefined.any()


def predict(truth: Truth, delta: np.ndarray, sd: float = 0.0, name: str = "m") -> Prediction:
    return Prediction(name, GENES, CONDITIONS, delta, np.full(delta.shape, sd), truth.control)


def scores_of(prediction: Prediction, truth: Truth) -> pd.Series:
    table = score(prediction, truth)
    return table.groupby("metric")["value"].mean()


def test_the_truth_itself_scores_best_everywhere() -> None:
    truth = replace(make_truth(), centre=np.zeros(G), centre_seen=np.zeros(G))
    truth = replace(truth, significant=np.abs(truth.delta) > 1.0)
    values = scores_of(predict(truth, truth.delta, sd=0.01), truth)
    for name in ("mse", "mse_top", "mse_delta", "mse_weighted"):
        assert values[name] == 0
    for name in (
        "pearson_delta",
        "pearson_centred",
        "sign_agreement",
        "discrimination",
        "de_overlap",
        "de_recall",
        "r2_weighted",
        "centroid_accuracy",
    ):
        assert values[name] == pytest.approx(1)


def test_a_scaled_truth_keeps_its_direction() -> None:
    truth = make_truth()
    values = scores_of(predict(truth, 0.1 * truth.delta), truth)
    for name in ("pearson_delta", "sign_agreement", "discrimination"):
        assert values[name] == pytest.approx(1)
    assert values["mse"] == pytest.approx(0.81 * (truth.delta**2).mean())


def test_no_change_scores_nothing_rather_than_rounding() -> None:
    truth = make_truth()
    rounding = 1e-16 * np.random.default_rng(0).normal(size=(N, G))
    for delta in (np.zeros((N, G)), rounding, np.full((N, G), 0.3)):
        table = score(predict(truth, delta), truth).set_index("metric")
        correlation = table.loc["pearson_delta"]
        assert (correlation["value"] == 0).all()
        assert (correlation["flag"] == UNDEFINED).all()
    zero = score(predict(truth, rounding), truth).groupby("metric")["value"].mean()
    assert zero["sign_agreement"] == 0.5
    assert zero["discrimination"] == 0.5
    assert zero["de_overlap"] == 0


def test_the_common_response_scores_nothing_once_it_is_centred_away() -> None:
    truth = make_truth()
    table = score(predict(truth, np.tile(truth.centre_seen, (N, 1))), truth).set_index("metric")
    assert (table.loc["pearson_centred", "flag"] == UNDEFINED).all()
    assert (table.loc["pearson_delta", "flag"] == "").all()


def test_a_constant_prediction_takes_every_rank_once_and_so_scores_one_half() -> None:
    for seed in range(20):
        truth = make_truth(seed)
        constant = np.tile(np.random.default_rng(seed).normal(size=G), (N, 1))
        values = metric("discrimination").compute(Guess(constant, constant, None, {}), truth).value
        assert sorted(values) == pytest.approx(np.arange(N) / (N - 1))


def test_a_cyclic_permutation_of_orthogonal_conditions_discriminates_by_ties() -> None:
    truth = make_truth()
    unit = np.zeros((N, G))
    unit[np.arange(N), np.arange(N)] = 1.0
    truth = replace(truth, mean=truth.control + unit)
    values = metric("discrimination").compute(Guess(np.roll(unit, 1, axis=0), unit, None, {}), truth).value
    # One condition is ahead and the other four tie with the true one: k = 1 + 4/2 = 3 of 5.
    np.testing.assert_allclose(values, 1 - 3 / 5)


def test_genes_that_do_not_count_change_nothing() -> None:
    truth = make_truth(exclude=True)
    guess = make_guess(truth)
    for name in OF_MEANS:
        whole = name in ("discrimination", "centroid_accuracy")
        counted = truth.counted.all(axis=0) if whole else truth.counted
        wild = np.where(counted, 0.0, 1e6)
        disturbed = Guess(guess.delta + wild, guess.level + wild, guess.sd, {})
        before, after = (metric(name).compute(made, truth).value for made in (guess, disturbed))
        np.testing.assert_array_equal(before, after)


def test_metrics_that_do_not_apply_are_nan_and_not_zero() -> None:
    truth = make_truth()
    truth = replace(truth, significant=np.zeros((N, G), dtype=bool))
    table = score(predict(truth, truth.delta, sd=1.0), truth).set_index("metric")
    for name in ("sign_agreement_de", "de_overlap", "de_precision", "de_recall"):
        assert table.loc[name, "value"].isna().all()
        assert (table.loc[name, "flag"] == "").all()
    without_sd = score(predict(make_truth(), truth.delta), make_truth()).set_index("metric")
    assert without_sd.loc["de_precision", "value"].isna().all()


def test_a_prediction_that_calls_nothing_has_precision_zero_by_definition() -> None:
    truth = make_truth()
    table = score(predict(truth, truth.delta, sd=1e3), truth).set_index("metric")
    assert (table.loc["de_precision", "value"] == 0).all()
    assert (table.loc["de_precision", "flag"] == UNDEFINED).all()
    assert (table.loc["de_recall", "value"] == 0).all()


def test_weights_are_one_at_the_strongest_gene_and_zero_at_the_weakest() -> None:
    truth = make_truth(exclude=True)
    strength = np.where(truth.counted, np.abs(truth.t_rest), np.nan)
    assert (truth.weights[np.arange(N), np.nanargmax(strength, axis=1)] == 1).all()
    assert (truth.weights[np.arange(N), np.nanargmin(strength, axis=1)] == 0).all()
    assert (truth.weights[~truth.counted] == 0).all()
    without = replace(truth, t_rest=None)
    assert (
        without.weights[np.arange(N), np.argmax(np.where(truth.counted, np.abs(truth.t), 0), axis=1)] == 1
    ).all()


def test_a_constant_explains_nothing_and_the_control_less() -> None:
    truth = make_truth()
    constant = (truth.weights * truth.delta).sum(axis=1) / truth.weights.sum(axis=1)
    values = scores_of(predict(truth, np.tile(constant[:, None], (1, G))), truth)
    assert values["r2_weighted"] == pytest.approx(0)
    assert scores_of(predict(truth, np.zeros((N, G))), truth)["r2_weighted"] < 0


def test_a_shrunk_truth_keeps_its_rank_by_cosine_but_not_by_distance() -> None:
    truth = make_truth()
    level = np.arange(N)[:, None] * np.ones(G) + truth.control
    truth = replace(truth, mean=level)
    values = scores_of(predict(truth, 0.1 * truth.delta), truth)
    # Shrunk towards the control, every prediction but two is nearest to the weakest conditions.
    assert values["centroid_accuracy"] < 0.6


def test_called_genes_are_few_under_the_null() -> None:
    rng = np.random.default_rng(0)
    p = 2 * stats.norm.sf(np.abs(rng.normal(size=(400, 200))))
    assert (benjamini_hochberg(p) <= 0.05).any(axis=1).mean() < 0.09


def test_every_metric_says_what_it_is() -> None:
    assert len(metrics()) == 22
    assert [item.family for item in metrics().values()].count(COUNTS) == 6
    for item in metrics().values():
        assert item.title
        assert item.definition
        assert item.source
        assert item.sign == (1 if item.direction == "higher" else -1)
