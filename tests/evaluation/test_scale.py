"""The scale of the six metrics fits on paper, clamps where cell-eval2 does, and says why it has no value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pajamo.evaluation.comparison import MEAN_BASELINE
from pajamo.evaluation.panel.scale import BOUNDS, COLUMNS, MEAN_OF_SIX, calibrated_six
from pajamo.evaluation.truth import TECHNICAL_DUPLICATE

ENDS = {
    "counts_discrimination": (0.5, 0.9), "counts_error": (1.0, 0.0), "direction_fidelity": (0.5, 0.8),
    "direction_reach": (0.1, 0.9), "significance_jaccard": (0.0, 0.4), "fold_error": (1.0, 0.4),
}  # fmt: skip
MODEL = {
    "counts_discrimination": 0.7, "counts_error": 0.25, "direction_fidelity": 0.8, "direction_reach": 0.1,
    "significance_jaccard": 0.3, "fold_error": 0.7,
}  # fmt: skip
SCALED = {
    "counts_discrimination": 0.5, "counts_error": 0.75, "direction_fidelity": 1.0, "direction_reach": 0.0,
    "significance_jaccard": 0.75, "fold_error": 0.5,
}  # fmt: skip


def scores(
    model: dict[str, float], ends: dict[str, tuple[float, float]] = ENDS, spread: float = 0.0
) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        ("split", "f", name, f"c{i}", metric, value + spread * rng.normal())
        for metric, (zero, one) in ends.items()
        for name, value in ((MEAN_BASELINE, zero), (TECHNICAL_DUPLICATE, one), ("m", model[metric]))
        for i in range(8)
    ]
    return pd.DataFrame(rows, columns=["split", "fold", "model", "condition", "metric", "value"])


def of_model(table: pd.DataFrame, model: str = "m") -> pd.DataFrame:
    return table[table["model"] == model].set_index("metric")


def test_scale_and_mean_fit_on_paper() -> None:
    table = calibrated_six(scores(MODEL), n_bootstrap=100)
    assert tuple(table.columns) == COLUMNS
    found = of_model(table)
    for name, value in SCALED.items():
        assert found.loc[name, "scaled"] == pytest.approx(value)
        assert (found.loc[name, "zero"], found.loc[name, "one"]) == pytest.approx(ENDS[name])
    assert found.loc[MEAN_OF_SIX, "scaled"] == pytest.approx(np.mean(list(SCALED.values())))
    for model, value in ((MEAN_BASELINE, 0.0), (TECHNICAL_DUPLICATE, 1.0)):
        np.testing.assert_allclose(of_model(table, model)["scaled"], value, atol=1e-12)


def test_errors_are_clamped_and_others_are_not() -> None:
    wild = {name: ENDS[name][0] - 50 * (ENDS[name][1] - ENDS[name][0]) for name in ENDS}
    found = of_model(calibrated_six(scores(wild), n_bootstrap=100))["scaled"]
    assert {name: BOUNDS[name][0] for name in BOUNDS} == {"counts_error": 0.0, "fold_error": -6.0}
    assert found["counts_error"] == 0
    assert found["fold_error"] == -6
    assert found["direction_reach"] == pytest.approx(-50)
    better = calibrated_six(scores(MODEL | {"counts_error": -0.4}), n_bootstrap=100)
    assert of_model(better).loc["counts_error", "scaled"] == 1


def test_intervals_hold_the_estimate_and_need_perturbations() -> None:
    found = of_model(calibrated_six(scores(MODEL, spread=0.05)))
    assert (found["low"] < found["scaled"]).all()
    assert (found["scaled"] < found["high"]).all()
    widths = (found["high"] - found["low"])[[MEAN_OF_SIX, "fold_error"]]
    assert widths[MEAN_OF_SIX] < widths["fold_error"]
    single = scores(MODEL)
    alone = of_model(calibrated_six(single[single["condition"] == "c0"], n_bootstrap=100))
    assert alone["low"].isna().all()
    assert alone.loc[MEAN_OF_SIX, "scaled"] == pytest.approx(np.mean(list(SCALED.values())))


@pytest.mark.parametrize("why", ["no length", "no value"])
def test_a_missing_scale_is_named_and_takes_the_mean_away(why: str) -> None:
    table = scores(MODEL, ENDS | {"fold_error": (0.4, 1.0)}) if why == "no length" else scores(MODEL)
    if why == "no value":
        table.loc[(table["metric"] == "fold_error") & (table["model"] == TECHNICAL_DUPLICATE), "value"] = (
            np.nan
        )
    found = of_model(calibrated_six(table, n_bootstrap=100))
    assert np.isnan(found.loc["fold_error", "scaled"])
    assert why in found.loc["fold_error", "note"]
    assert np.isnan(found.loc[MEAN_OF_SIX, "scaled"])
    assert "fold_error" in found.loc[MEAN_OF_SIX, "note"]
    assert found.loc["direction_fidelity", "scaled"] == pytest.approx(1)


def test_conditions_without_a_value_are_left_out_of_a_mean() -> None:
    table = scores(MODEL)
    held = (table["model"] == "m") & (table["metric"] == "fold_error") & (table["condition"] == "c3")
    table.loc[held, "value"] = np.nan
    assert of_model(calibrated_six(table, n_bootstrap=100)).loc["fold_error", "scaled"] == pytest.approx(0.5)


def test_nothing_on_counts_gives_an_empty_table() -> None:
    assert calibrated_six(scores(MODEL).assign(metric="mse")).empty
