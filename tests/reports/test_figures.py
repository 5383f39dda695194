from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from pajamo.evaluation.comparison import BEATS, CEILING, IS_BEST, LOSES, TIES
from pajamo.reports.figures.categories import category_models
from pajamo.reports.figures.differences import difference_rows, differences
from pajamo.reports.figures.dots import (
    BASELINE,
    BEST_BASELINE,
    LOSING,
    MODEL,
    UNDECIDED,
    ladder_order,
    look_of,
)
from pajamo.reports.figures.examples import chosen_conditions, compared_models
from pajamo.reports.figures.heat import MOST_CONDITIONS, MOST_GENES, clustered, heat_tables
from pajamo.reports.figures.interactions import interaction_classes, interaction_matrix
from pajamo.reports.figures.labels import name_points
from pajamo.reports.figures.ladder import calibrated_metrics
from pajamo.reports.figures.ranges import visible
from pajamo.reports.figures.time_course import panels


def _rows(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"value": values, "low": np.array(values) - 0.1, "high": np.array(values) + 0.1})


def test_one_poor_model_does_not_squeeze_the_others() -> None:
    low, high = visible(_rows(1.0, 1.2, 1.4, 50.0), (0.0,))
    assert low == pytest.approx(-0.09)
    assert high == pytest.approx(1.59)


def test_models_nearby_are_shown_in_place() -> None:
    low, high = visible(_rows(1.0, 1.2, 1.4, 1.7))
    assert low < 0.9
    assert high > 1.8


def test_an_axis_without_values_still_has_a_length() -> None:
    assert visible(_rows()) == (0.0, 1.0)
    low, high = visible(_rows(np.nan), (0.0,))
    assert low < 0 < high
    one = pd.DataFrame({"value": [2.0], "low": [np.nan], "high": [np.nan]})
    low, high = visible(one)
    assert low < 2 < high


def test_looks_say_the_outcome() -> None:
    baselines = ("salt",)
    looks = [look_of("peper", outcome, baselines) for outcome in (BEATS, TIES, LOSES, "")]
    assert looks == [MODEL, UNDECIDED, LOSING, MODEL]
    assert look_of("salt", IS_BEST, baselines) == BEST_BASELINE
    assert look_of("salt", LOSES, baselines) == BASELINE


def test_models_stand_best_first_without_the_ceiling(content) -> None:
    order = ladder_order(content)
    assert order[0] == "peper"
    assert order[-1] == "no-change"
    assert "technical-duplicate" not in order
    assert order == ladder_order_by_hand(content)


def ladder_order_by_hand(content) -> list[str]:
    rows = content.of_metric("mse_top")
    return list(rows[rows["outcome"] != CEILING]["mean"].sort_values().index)


def test_the_lead_figure_puts_the_best_baseline_at_zero(content) -> None:
    rows = difference_rows(content)
    assert rows.loc["salt", "value"] == 0
    assert (rows["value"].diff().dropna() <= 0).all()
    axes = differences(content).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows.index)


def test_models_beyond_the_axis_carry_their_value(content) -> None:
    rows = difference_rows(content)
    axes = differences(content).axes[0]
    low, _ = axes.get_xlim()
    hidden = rows[rows["value"] < low]
    assert len(hidden)
    arrows = [line for line in axes.lines if line.get_marker() == "<"]
    assert len(arrows) == len(hidden)


def test_examples_are_best_middle_and_worst(make, content) -> None:
    scores = content.scores.query("metric == 'mse_top' and model == 'peper'").set_index("condition")["value"]
    assert chosen_conditions(content) == [
        scores.idxmin(), scores.sort_values().index[(len(scores) - 1) // 2], scores.idxmax(),
    ]  # fmt: skip
    few = content.examples[content.examples["condition"] == content.examples["condition"].iloc[0]]
    assert len(chosen_conditions(make(examples=few))) == 1
    assert compared_models(content) == ["peper", "salt"]


def test_examples_without_scores_are_shown_all_the_same(make, content) -> None:
    renamed = content.examples.assign(condition="other " + content.examples["condition"])
    assert len(chosen_conditions(make(examples=renamed))) == 3


def test_rows_that_are_alike_become_neighbours() -> None:
    values = np.array([[0.0, 0], [5, 5], [0, 0.1], [5, 5.1], [0.1, 0]])
    order = list(clustered(values))
    low = sorted(order.index(row) for row in (0, 2, 4))
    assert low[2] - low[0] == 2
    assert list(clustered(values[:2])) == [0, 1]


def test_heat_maps_keep_the_strongest_in_one_order(make, content) -> None:
    measured, predicted = heat_tables(content)
    assert measured.shape == (24, MOST_GENES)
    assert list(measured.index) == list(predicted.index)
    assert list(measured.columns) == list(predicted.columns)
    many = pd.concat(
        content.examples.assign(
            condition=lambda t, i=i: t["condition"] + str(i), truth=lambda t, i=i: t["truth"] * i
        )
        for i in (1, 2, 3)
    )
    measured, _ = heat_tables(make(examples=many))
    assert len(measured) == MOST_CONDITIONS
    assert measured.index.str.endswith("3").sum() == 24


def test_the_interaction_map_is_symmetric_in_octaves(content) -> None:
    matrix = interaction_matrix(content)
    first = content.interactions.iloc[0]
    expected = np.log2(first["strength"])
    assert matrix.at[first["gene_1"], first["gene_2"]] == pytest.approx(expected)
    assert matrix.at[first["gene_2"], first["gene_1"]] == pytest.approx(expected)
    np.testing.assert_array_equal(matrix.to_numpy(), matrix.to_numpy().T)
    assert np.isnan(np.diag(matrix.to_numpy())).all()


def test_the_strongest_perturbation_comes_first_over_time(content) -> None:
    shown = panels(content)
    assert [name for name, _ in shown] == ["POU5F1", "SOX2"]
    assert shown[0][1] == ["NANOG", "LIN28A", "DPPA4", "T"]


def test_classes_show_the_verdict_first(content) -> None:
    assert category_models(content)[:2] == ["peper", "salt"]


def test_metrics_without_a_scale_are_left_out(make, content) -> None:
    summary = content.summary.copy()
    summary.loc[summary["metric"] == "mse", "calibrated"] = np.nan
    assert "mse" not in calibrated_metrics(make(summary=summary))
    assert "mse_top" in calibrated_metrics(make(summary=summary))


def test_names_do_not_overlap_and_crowded_ones_are_left_out() -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    crowd = np.full(40, 0.5)
    name_points(axes, crowd, crowd, [f"GENE{i}" for i in range(40)])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without its leader line
    assert 1 <= len(boxes) < 40
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_logarithmic_axes_are_labelled_in_plain_numbers(content) -> None:
    """Predictions within one octave leave few labels, which matplotlib fills with powers of two."""
    close = content.interactions.assign(strength_predicted=np.linspace(0.9, 1.1, len(content.interactions)))
    figure = interaction_classes(replace(content, interactions=close))
    labels = [
        label.get_text()
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in (*axis.get_ticklabels(), *axis.get_ticklabels(minor=True))
    ]
    assert "1" in labels
    assert not any("$" in label for label in labels)
