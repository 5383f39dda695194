from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.footprint import footprint
from pajamo.reports.figures.assays.profiles import HEADROOM, profile_curves, threshold
from pajamo.reports.figures.assays.shifts import shift_map
from pajamo.reports.figures.assays.sites import Window, lines_of
from pajamo.reports.figures.assays.ticks import position_ticks, width_of
from pajamo.reports.figures.theme import WIDTH, colour

Draw = Callable[[Callable[[], Figure]], Figure]


def parabola(half_width: float) -> pd.DataFrame:
    values = np.linspace(-4, 4, 17)
    return pd.DataFrame(
        {
            "quantity": "CRP+RNAP",
            "value": values,
            "drop": threshold(0.9) * (values / half_width) ** 2,
            "unit": "kcal/mol",
        }
    ).assign(converged=lambda table: table["value"].abs() < 1.2)


def found(low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame({"quantity": ["CRP+RNAP"], "value": [0.0], "low": [low], "high": [high]})


def test_the_threshold_is_that_of_a_normal_likelihood() -> None:
    assert threshold(0.9) == pytest.approx(1.6448536**2 / 2)
    assert threshold(0.95) == pytest.approx(1.9207294, abs=1e-6)


def test_the_interval_lies_on_the_level_s_line(drawn: Draw) -> None:
    axes = drawn(lambda: profile_curves(parabola(1.0), found(-1.0, 1.0), 0.9)).axes[0]
    bar = next(line for line in axes.lines if line.get_linewidth() > 2)
    assert list(bar.get_xdata()) == [-1.0, 1.0]
    assert set(bar.get_ydata()) == {threshold(0.9)}
    assert axes.get_xlabel() == "kcal/mol"
    assert axes.get_ylabel() == "nats above the minimum"
    assert axes.get_title(loc="left") == "CRP+RNAP\n0   (−1.00 to 1.00)"
    assert axes.texts[0].get_text() == "90%"


def test_points_that_did_not_converge_are_hollow(drawn: Draw) -> None:
    axes = drawn(lambda: profile_curves(parabola(3.0), found(-3.0, 3.0), 0.9)).axes[0]
    dots = {line.get_label(): line for line in axes.lines if line.get_marker() == "o"}
    assert to_hex(dots["converged"].get_markerfacecolor()) == colour("blue")
    assert to_hex(dots["not converged"].get_markerfacecolor()) == colour("paper")
    assert len(dots["converged"].get_xdata()) == 5
    assert len(dots["not converged"].get_xdata()) == 12


def test_an_end_that_the_data_leave_open_is_an_arrow_and_said(drawn: Draw) -> None:
    axes = drawn(lambda: profile_curves(parabola(9.0), found(-np.inf, 2.0), 0.9)).axes[0]
    arrows = [line for line in axes.lines if line.get_marker() in "<>" and line.get_marker()]
    assert [line.get_marker() for line in arrows] == ["<"]
    assert arrows[0].get_xdata()[0] == -4.0
    assert "open downwards" in axes.get_title(loc="left")
    both = drawn(lambda: profile_curves(parabola(9.0), found(-np.inf, np.inf), 0.9)).axes[0]
    assert "open at both ends" in both.get_title(loc="left")


def test_far_points_do_not_flatten_what_matters(drawn: Draw) -> None:
    axes = drawn(lambda: profile_curves(parabola(0.5), found(-0.5, 0.5), 0.9)).axes[0]
    assert axes.get_ylim()[1] == pytest.approx(HEADROOM * threshold(0.9))
    assert axes.get_xlim()[1] < 1.2


def test_a_quantity_without_an_interval_is_drawn_all_the_same(drawn: Draw) -> None:
    axes = drawn(lambda: profile_curves(parabola(1.0), found(0, 0).iloc[:0], 0.9)).axes[0]
    assert "no interval" in axes.get_title(loc="left")


def positions(n: int) -> pd.DataFrame:
    letters = list("ACGT" * n)[:n]
    return pd.DataFrame(
        {"position": range(n), "wild_type": letters, "bits": 0.01, "standard_error": 0.001, "chance": 0.002}
    )


def test_a_footprint_has_a_bar_a_position_shaded_sites_and_what_chance_reaches(drawn: Draw) -> None:
    table = positions(30)
    table.loc[4, ["bits", "chance"]] = np.nan
    figure = drawn(lambda: footprint(table, [Window("CRP", 2, 9), Window("RNAP", 12, 28, slides=True)]))
    axes = figure.axes[0]
    assert len(axes.containers[0]) == 30
    words = [text.get_text() for text in axes.texts]
    assert words[:30] == table["wild_type"].tolist()
    assert {"CRP", "RNAP (slides)"} <= set(words)
    bands = [patch.get_x() for patch in axes.patches[30:]]
    assert bands == pytest.approx([1.5, 11.5])
    assert axes.get_ylabel() == "information, bits"
    assert [text.get_text() for text in figure.legends[0].get_texts()].count("reached by chance in 5 %") == 1


def test_a_shift_map_shows_each_letter_where_it_was_seen(drawn: Draw) -> None:
    table = pd.DataFrame(
        {
            "position": [0, 0, 0, 1, 1, 1],
            "wild_type": ["A"] * 3 + ["C"] * 3,
            "comparison": ["C", "G", "T", "A", "G", "T"],
            "shift": [-1.0, -2.0, np.nan, 0.5, 0.25, 0.0],
        }
    )
    figure = drawn(lambda: shift_map(table, "the mean bin", [Window("CRP", 0, 2)]))
    axes = figure.axes[0]
    image = np.ma.filled(axes.images[0].get_array(), np.nan)
    assert image == pytest.approx(
        np.array([[np.nan, 0.5], [-1, np.nan], [-2, 0.25], [np.nan, 0]]), nan_ok=True
    )
    assert axes.lines[0].get_xydata() == pytest.approx(np.array([[0, 0], [1, 1]]))
    assert figure.axes[1].get_ylabel() == "shift of the mean bin"
    assert "CRP" in [text.get_text() for text in axes.texts]


def test_names_of_sites_that_overlap_have_lines_of_their_own() -> None:
    apart = [Window("CRP", 0, 20), Window("RNAP", 30, 70)]
    assert lines_of(apart, 75) == [0, 0]
    assert lines_of(
        [Window("activator", 10, 20), Window("repressor", 11, 21), Window("far", 60, 70)], 75
    ) == [0, 1, 0]


@pytest.mark.parametrize(("length", "first"), [(1, 0), (9, 0), (26, 1), (75, 0), (300, 17), (9000, 3)])
def test_labelled_positions_are_round_and_few(length: int, first: int) -> None:
    axes = Figure().subplots()
    position_ticks(axes, length, first)
    labels = [int(label.get_text()) for label in axes.get_xticklabels()]
    assert len(labels) <= 21
    assert [place + first for place in axes.get_xticks()] == labels
    assert all(first <= label < first + length for label in labels)
    assert width_of(length) <= WIDTH
