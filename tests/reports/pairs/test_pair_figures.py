"""Figures of kinetic networks: what stands where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from pajamo.models.assays.description import diagram
from pajamo.reports.figures.pairs.changes import change_map, step_colours
from pajamo.reports.figures.pairs.control import control_bars
from pajamo.reports.figures.pairs.profile import energy_profile
from pajamo.reports.figures.pairs.scheme import rate_labels, rated_scheme
from pajamo.reports.figures.pairs.windows import window_map
from pajamo.reports.figures.theme import colour

RATES = pd.DataFrame(
    {
        "quantity": ["rate", "rate", "rate", "ratio"],
        "of": ["a -> b", "b -> a", "b -> c", "a -> b / b -> a"],
        "log10": [-1.0, 0.5, 2.0, -1.5],
        "low": [-1.2, -9.0, 2.0, -1.6],
        "high": [-0.8, 9.0, 2.0, -1.4],
        "verdict": [
            "determined by the data",
            "held by priors (90 %)",
            "known: declared",
            "determined by the data",
        ],
    }
)
CHANGES = pd.DataFrame(
    {
        "from_pam": [-1, 1, 1, 2, 2],
        "change": ["G>A", "A>C", "A-", "C>A", "+T"],
        "effect": [-2.0, -1.0, 0.0, 1.0, -0.5],
        "step": ["a -> b", "b -> c", "", "b -> c", "b -> c"],
    }
)


def test_labels_say_how_sure_a_rate_is():
    labels = rate_labels(RATES)
    assert labels == {
        "a -> b": "10^−1.0/s (−1.2 to −0.80)",
        "b -> a": "10^0.50/s (?)",
        "b -> c": "10^2.0/s (known)",
    }


def test_rates_stand_on_their_arrows(nuclease, drawn):
    model, tables = nuclease
    figure = drawn(lambda: rated_scheme(diagram(model.assembly.blueprint), tables["rates"]))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum("10^" in text for text in texts) == 7
    assert any("makes cleavage" in text for text in texts)


def test_levels_of_a_profile_are_the_states(nuclease, drawn):
    table = nuclease[1]["landscape"]
    axes = drawn(lambda: energy_profile(table)).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "solution",
        "open",
        "intermediate",
        "closed",
    ]
    states = table[(table["kind"] == "state") & (table["name"] == "matched")]["energy"].to_numpy()
    levels = [
        line.get_ydata()[0] for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 3
    ]
    assert levels[: len(states)] == pytest.approx(states)
    assert len(axes.get_legend().get_texts()) == table["name"].nunique()
    assert len(axes.collections) == 1


def test_a_profile_without_bands_has_none(nuclease, drawn):
    table = nuclease[1]["landscape"].assign(low=np.nan, high=np.nan)
    assert not drawn(lambda: energy_profile(table)).axes[0].collections


def test_bars_are_means_and_diamonds_the_matched_target(nuclease, drawn):
    table = nuclease[1]["control"]
    axes = drawn(lambda: control_bars(table)).axes[0]
    own = table[table["transition"] != "sum"]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(own["mean"].tolist())
    assert list(axes.lines[0].get_xdata()) == pytest.approx(own["matched"].tolist())


def test_the_colour_of_a_change_is_its_step_s(drawn):
    axes = drawn(lambda: change_map(CHANGES)).axes[0]
    assert step_colours(CHANGES["step"]) == {"b -> c": "blue", "a -> b": "vermilion"}
    cells = np.asarray(axes.images[0].get_array())
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == [">A", ">C", "-", "+T"]
    # The strongest change has its step's full colour, one without an effect the paper's, and none is grey.
    assert cells[0, 0] == pytest.approx(to_rgb(colour("vermilion")))
    assert cells[2, 2] == pytest.approx(to_rgb(colour("paper")))
    assert cells[0, 1] == pytest.approx(to_rgb(colour("missing")))
    blue, paper = np.array(to_rgb(colour("blue"))), np.array(to_rgb(colour("paper")))
    assert np.linalg.norm(cells[0, 3] - paper) < np.linalg.norm(blue - paper)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["G\n-1", "\n0", "A\n1", "C\n2"]


def test_a_window_map_has_every_position(drawn):
    table = pd.DataFrame({"transition": ["a -> b", "b -> c"], "from_pam": [1, 4], "inclusion": [0.25, 1.0]})
    axes = drawn(lambda: window_map(table)).axes[0]
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(
        np.array([[0.25, 0, 0, 0], [0, 0, 0, 1.0]])
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a → b", "b → c"]
