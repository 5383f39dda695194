from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.bins import bin_shares
from pajamo.reports.figures.assays.curve import MOST_DOTS, reading_curve
from pajamo.reports.figures.assays.information import information_bars
from pajamo.reports.figures.assays.predicted import GROUPS, group_means, predicted_against_measured
from pajamo.reports.figures.theme import colour

Draw = Callable[[Callable[[], Figure]], Figure]


def rows(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    expected = rng.uniform(1, 9, n)
    return pd.DataFrame(
        {
            "expected": expected,
            "measured": expected + rng.normal(size=n),
            "observations": rng.integers(1, 5, n),
        }
    )


def test_means_of_like_predictions_lie_on_the_line_where_the_model_is_right() -> None:
    means = group_means(rows(4000))
    assert len(means) == GROUPS
    assert ((means["measured"] - means["expected"]).abs() < 4 * means["error"]).all()
    assert means["expected"].is_monotonic_increasing


def test_a_group_s_mean_counts_every_reading_once() -> None:
    table = pd.DataFrame(
        {"expected": [1.0] * 10, "measured": [0.0] * 9 + [6.0], "observations": [1] * 9 + [3]}
    )
    means = group_means(table)
    assert means["measured"].tolist() == pytest.approx([18 / 12])


def test_each_sequence_is_a_dot_between_the_band_and_the_line(drawn: Draw) -> None:
    table = rows(60)
    table.loc[3, "measured"] = np.nan
    band = pd.DataFrame({"expected": [1.0, 9.0], "low": [-0.6, 7.4], "high": [2.6, 10.6]})
    figure = drawn(lambda: predicted_against_measured(table, "mean bin", band, "I_var 0.7 bits"))
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted mean bin", "measured mean bin")
    assert max(len(line.get_xdata()) for line in axes.lines) == 59
    assert axes.get_title(loc="left") == "59 sequences  ·  I_var 0.7 bits"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["90 % of the noise", "prediction = measurement", "means ± 2 s.e."]
    assert axes.collections


def test_many_sequences_are_a_density_that_counts_them_all(drawn: Draw) -> None:
    table = rows(5000)
    table["measured"] = table["measured"].round()
    figure = drawn(lambda: predicted_against_measured(table, "mean bin"))
    mesh = figure.axes[0].collections[0]
    assert mesh.get_array().sum() == 5000
    # Sequences that were read once have whole numbers: a row of the density for each of them.
    assert mesh.get_array().shape[0] == np.ptp(table["measured"]) + 1
    assert figure.axes[1].get_ylabel() == "sequences"


def test_shares_of_bins_are_a_map_under_a_histogram(drawn: Draw) -> None:
    grid = np.linspace(-2, 2, 9)
    shares = np.stack([1 / (1 + np.exp(grid)), 1 / (1 + np.exp(-grid))], axis=1)
    figure = drawn(lambda: bin_shares(grid, shares, np.array([-3.0, 0.0, 0.1]), "ln of the activity"))
    above, below, bar = figure.axes
    assert np.asarray(below.images[0].get_array()) == pytest.approx(shares.T)
    assert below.get_xlabel() == "ln of the activity"
    assert [label.get_text() for label in below.get_yticklabels()] == ["1", "2"]
    assert above.patches[0].get_data().values.sum() == 3
    assert bar.get_ylabel() == "p(bin | activity)"


def test_a_curve_runs_through_a_share_of_many_readings(drawn: Draw) -> None:
    grid = np.linspace(0, 1, 5)
    curve = pd.DataFrame({"coordinate": grid, "expected": grid, "low": grid - 1, "high": grid + 1})
    many = pd.DataFrame({"coordinate": np.linspace(0, 1, 3000), "measured": 0.0})
    figure = drawn(lambda: reading_curve(curve, many, "y, as recorded", "ln of the activity"))
    below = figure.axes[1]
    assert len(next(line for line in below.lines if line.get_label() == "measured").get_xdata()) <= MOST_DOTS
    assert (below.get_xlabel(), below.get_ylabel()) == ("ln of the activity", "y, as recorded")
    assert below.collections
    assert not drawn(lambda: reading_curve(curve[["coordinate", "expected"]], many, "y")).axes[1].collections


def test_information_is_a_bar_a_model_with_the_best_baseline_s_line(drawn: Draw) -> None:
    scores = pd.DataFrame(
        {
            "model": ["mean", "additive", "lac"] * 2,
            "kind": ["baseline", "baseline", "mechanism"] * 2,
            "metric": ["I_var"] * 3 + ["I_pred"] * 3,
            "value": [-0.1, 0.64, 0.72, np.nan, 0.65, 0.73],
            "low": [-0.2, 0.62, 0.70, np.nan, 0.62, 0.70],
            "high": [0.0, 0.66, 0.74, np.nan, 0.68, 0.76],
        }
    )
    left, right = drawn(lambda: information_bars(scores, ("I_var", "I_pred"), "additive")).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["lac", "additive ◆", "mean"]
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.72, 0.64, -0.1])
    assert len(right.patches) == 2
    line = next(line for line in left.lines if line.get_linestyle() == "--")
    assert line.get_xdata()[0] == pytest.approx(0.64)
    assert [axes.get_xlabel() for axes in (left, right)] == ["I_var, bits", "I_pred, bits"]
    assert left.get_xlim()[0] < -0.1
    bounded = drawn(
        lambda: information_bars(scores, ("I_pred",), "additive", {"lower": 0.9, "upper": 9.0})
    ).axes[0]
    # A bound that lies far beyond the bars is left to the table.
    assert [
        float(line.get_xdata()[0]) for line in bounded.lines if line.get_color() == colour("vermilion")
    ] == [0.9]
    assert bounded.get_xlim()[1] > 0.9
