"""Scores of models on assays: closed forms, paired differences, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.evaluation.assays.differences import gain, pooled_likelihood, with_differences
from pajamo.evaluation.assays.resampling import interval, resampled_totals, totals
from pajamo.evaluation.assays.rows import ALL, Measured, Said, pooled
from pajamo.evaluation.assays.scores import (
    CORRELATION,
    I_PRED,
    I_VAR,
    LIKELIHOOD,
    R2,
    per_observation,
    score_table,
    scores_of,
)
from pajamo.evaluation.assays.verdict import BASELINE, COMPARISON, MECHANISM, assay_verdict, best_of

KINDS = {"mean": BASELINE, "additive": BASELINE, "mechanism": MECHANISM}


def measured_values(rows: int = 200, seed: int = 0, name: str = "one") -> tuple[Measured, np.ndarray]:
    """Values with unit noise about a signal of variance four."""
    rng = np.random.default_rng(seed)
    signal = 2 * rng.standard_normal(rows)
    value = signal + rng.standard_normal(rows)
    return Measured(name, "test", "values", value, np.ones(rows), np.arange(rows)), signal


def said(measured: Measured, expected: np.ndarray, sd: float = 1.0) -> Said:
    """What a model with normal noise says."""
    residual = (measured.recorded - expected) / sd
    return Said(expected, expected, expected, -0.5 * residual**2 - np.log(sd) - 0.5 * np.log(2 * np.pi))


def measured_reads(rows: int = 60, seed: int = 0) -> tuple[Measured, np.ndarray]:
    """Reads of rows in three bins, and the probabilities that they were drawn from."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), size=rows)
    counts = np.stack([rng.multinomial(5, p) for p in probabilities]).astype(float)
    return Measured("one", "test", "reads", counts, counts.sum(axis=1), np.arange(rows)), probabilities


def test_totals_add_up_rows_of_one_sequence() -> None:
    columns = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    found = totals(columns, np.array([7, 3, 7]))
    assert found.tolist() == [[2.0, 20.0], [5.0, 50.0]]


def test_resamples_are_those_of_a_loop() -> None:
    of_units = np.random.default_rng(1).standard_normal((7, 2))
    rng = np.random.default_rng(5)
    naive = np.array([of_units[rng.integers(7, size=7)].sum(axis=0) for _ in range(120)])
    assert np.allclose(resampled_totals(of_units, 5, 120), naive)


def test_no_interval_from_one_sequence() -> None:
    drawn = resampled_totals(np.array([[1.0, 2.0]]), 0)
    assert np.isnan(interval(per_observation, drawn, 1)).all()


def test_interval_of_a_mean_covers() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        sample = np.column_stack([rng.exponential(size=30), np.ones(30)])
        low, high = interval(per_observation, resampled_totals(sample, 0, 300), 30)
        inside += low <= 1 <= high
    assert 0.87 <= inside / 200 <= 0.99


def test_scores_of_values_by_their_formulas() -> None:
    measured, signal = measured_values()
    found = {score.metric: score for score in scores_of(measured, said(measured, signal))}
    y, residual = measured.recorded, measured.recorded - signal
    assert found[R2].value == pytest.approx(1 - (residual**2).sum() / ((y - y.mean()) ** 2).sum())
    assert found[CORRELATION].value == pytest.approx(np.corrcoef(y, signal)[0, 1] ** 2)
    assert found[LIKELIHOOD].value == pytest.approx((-0.5 * residual**2 - 0.5 * np.log(2 * np.pi)).mean())
    # The capacity of the Gaussian channel with signal four and noise one: ln2(5) / 2 bits.
    for metric in (I_VAR, I_PRED):
        assert found[metric].low < 0.5 * np.log2(5) < found[metric].high
    for score in found.values():
        assert score.low < score.value < score.high


def test_a_constant_prediction_explains_nothing() -> None:
    measured, _ = measured_values()
    constant = np.full(measured.n, float(measured.recorded.mean()) + 0.3)
    found = {score.metric: score.value for score in scores_of(measured, said(measured, constant))}
    assert found[CORRELATION] == 0
    assert found[R2] < 0


def test_scores_of_reads() -> None:
    measured, probabilities = measured_reads()
    likelihood = (measured.recorded * np.log(probabilities)).sum(axis=1)
    own = Said(probabilities[:, 2], probabilities[:, 2], probabilities @ np.arange(1, 4), likelihood)
    found = {score.metric: score.value for score in scores_of(measured, own)}
    assert found[LIKELIHOOD] == pytest.approx(likelihood.sum() / measured.observations.sum())
    share = measured.recorded.sum(axis=0) / measured.recorded.sum()
    entropy = -(share * np.log2(share)).sum() + (3 - 1) / (2 * measured.observations.sum() * np.log(2))
    assert found[I_VAR] == pytest.approx(entropy + found[LIKELIHOOD] / np.log(2))
    assert set(found) == {LIKELIHOOD, I_VAR, I_PRED}
    assert measured.summary == pytest.approx(measured.recorded @ np.arange(1, 4) / 5)


def test_few_rows_leave_a_note_in_place_of_information() -> None:
    measured, signal = measured_values(5)
    found = {score.metric: score for score in scores_of(measured, said(measured, signal))}
    assert np.isnan(found[I_PRED].value)
    assert "too few" in found[I_PRED].note
    assert np.isfinite(found[LIKELIHOOD].value)


def table_of(parts: dict[str, Measured], models: dict[str, dict[str, Said]]) -> pd.DataFrame:
    tables = [
        score_table(m, {k: own[name] for k, own in models.items()}, information=False)
        for name, m in parts.items()
    ]
    if len(parts) > 1:
        tables.append(pooled_likelihood(parts, models))
    return with_differences(pd.concat(tables, ignore_index=True), parts, models, ["mean", "additive"])


def three_models(measured: Measured, signal: np.ndarray) -> dict[str, dict[str, Said]]:
    flat = np.full(measured.n, measured.recorded.mean())
    return {
        "mean": {measured.experiment: said(measured, flat, 5**0.5)},
        "additive": {measured.experiment: said(measured, 0.8 * signal, 1.1)},
        "mechanism": {measured.experiment: said(measured, signal)},
    }


def test_differences_are_to_the_best_baseline_and_in_bits() -> None:
    measured, signal = measured_values(400)
    parts, models = {"one": measured}, three_models(measured, signal)
    table = table_of(parts, models).set_index(["model", "metric"])
    assert set(table["best_baseline"]) == {"additive"}
    more = models["mechanism"]["one"].log_likelihood - models["additive"]["one"].log_likelihood
    row = table.loc[("mechanism", I_VAR)]
    assert row["difference"] == pytest.approx(more.mean() / np.log(2))
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    in_nats = table.loc[("mechanism", LIKELIHOOD)]
    assert in_nats["difference"] == pytest.approx(row["difference"] * np.log(2))
    # The same noise in both models cancels: the paired interval is narrower than that of either figure.
    assert row["difference_high"] - row["difference_low"] < 0.7 * (row["high"] - row["low"])
    own = table.loc[("additive", I_VAR)]
    assert (own["difference"], own["difference_low"], own["difference_high"]) == (0, 0, 0)


def test_verdict_says_which_model_wins_and_by_how_much() -> None:
    measured, signal = measured_values(400)
    parts, models = {"one": measured}, three_models(measured, signal)
    found = assay_verdict(table_of(parts, models), parts, models, KINDS)
    assert (found.model, found.baseline, found.outcome) == ("mechanism", "additive", "beats")
    assert "mechanism" in found.sentence
    assert "beats the best baseline, additive" in found.sentence
    assert "bits per observation, 95% interval" in found.sentence
    assert "the test set of experiment one (400 rows)" in found.sentence
    assert found.low < found.improvement < found.high
    assert found.improvement == pytest.approx(gain(parts, models["mechanism"], models["additive"])[0])


def test_verdict_does_not_hide_a_loss_a_tie_or_a_fit_that_failed() -> None:
    measured, signal = measured_values(400)
    parts, models = {"one": measured}, three_models(measured, signal)
    models["mechanism"], models["additive"] = models["additive"], models["mechanism"]
    lost = assay_verdict(table_of(parts, models), parts, models, KINDS, unconverged=True)
    assert lost.outcome == "loses"
    assert "no mechanism beats the best baseline, additive" in lost.sentence
    assert "did not converge: its parameters are not to be interpreted" in lost.sentence
    models["mechanism"] = models["additive"]
    tied = assay_verdict(table_of(parts, models), parts, models, KINDS)
    assert (tied.outcome, tied.improvement) == ("ties", 0)


def test_verdict_names_a_map_that_tells_more_than_the_mechanism() -> None:
    measured, signal = measured_values(400)
    parts, models = {"one": measured}, three_models(measured, signal)
    models["network"] = models["mechanism"]
    models["mechanism"] = {"one": said(measured, 0.9 * signal, 1.05)}
    kinds = KINDS | {"network": COMPARISON}
    found = assay_verdict(table_of(parts, models), parts, models, kinds)
    assert (found.model, found.ceiling) == ("mechanism", "network")
    assert "network, which has no mechanism, gains another" in found.sentence


def test_verdict_without_a_mechanism() -> None:
    measured, signal = measured_values(60)
    parts, models = {"one": measured}, three_models(measured, signal)
    del models["mechanism"]
    kinds = {"mean": BASELINE, "additive": BASELINE}
    found = assay_verdict(table_of(parts, models), parts, models, kinds)
    assert (found.outcome, found.model) == ("baselines only", "additive")
    assert np.isnan(found.improvement)
    assert best_of(table_of(parts, models), kinds) == ""


def test_several_experiments_are_pooled_by_sequence() -> None:
    first, signal = measured_values(50, 0, "one")
    second, other = measured_values(50, 1, "two")
    parts = {"one": first, "two": second}
    models = three_models(first, signal)
    for name, own in three_models(second, other).items():
        models[name] |= own
    table = table_of(parts, models)
    whole = table[table["experiment"] == ALL]
    likelihood = np.concatenate([models["mechanism"][name].log_likelihood for name in parts])
    assert whole.set_index("model").loc["mechanism", "value"] == pytest.approx(likelihood.mean())
    # The same fifty sequences in both experiments: fifty units, not a hundred.
    assert gain(parts, models["mechanism"], models["mean"])[3] == 50
    assert len(np.unique(pooled(parts).sequences)) == 50
    found = assay_verdict(table, parts, models, KINDS)
    assert "2 experiments (100 rows)" in found.sentence
