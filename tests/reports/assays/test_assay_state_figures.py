from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from pajamo.config.assays import declare
from pajamo.data.assays.assay import Assay
from pajamo.models.assays.compile import compile_mechanism
from pajamo.models.assays.description import Diagram, Edge, Node, diagram
from pajamo.reports.figures.assays.layout import circle, layout
from pajamo.reports.figures.assays.spreading import spread
from pajamo.reports.figures.assays.state_diagram import caption, rate_label, state_diagram
from pajamo.reports.figures.assays.states import MOST_STATES, energy_levels, occupancies, shown_states
from pajamo.reports.figures.theme import colour

Draw = Callable[[Callable[[], Figure]], Figure]
STATES = pd.DataFrame(
    {
        "state": ["free", "CRP", "RNAP", "CRP+RNAP"],
        "occupancy": [0.2, 0.1, 0.3, 0.4],
        "active": [False, False, True, True],
        "energy": [0.0, 0.4, -0.25, -0.26],
    }
)


def test_labels_move_apart_by_no_more_than_they_must() -> None:
    assert spread(np.array([0.0, 5.0, 9.0]), 1.0) == pytest.approx([0, 5, 9])
    assert spread(np.array([2.0, 2.0, 2.0]), 1.0) == pytest.approx([1, 2, 3])
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = np.sort(rng.normal(size=7))
        moved = spread(values, 0.5)
        assert (np.diff(moved) >= 0.5 - 1e-12).all()
        # No other feasible set of places in a crowd of random ones is nearer.
        others = np.sort(rng.normal(size=(400, 7)), axis=1) + 0.5 * np.arange(7) - 1.5
        assert ((moved - values) ** 2).sum() <= ((others - values) ** 2).sum(axis=1).min() + 1e-12


def test_layers_are_numbers_of_bound_sites() -> None:
    names = {"free": (), "A": ("A",), "B": ("B",), "A+B": ("A", "B")}
    nodes = tuple(Node(name, bound, ("0",)) for name, bound in names.items())
    edges = (Edge("free", "A", "A"), Edge("free", "B", "B"), Edge("A", "A+B", "B"), Edge("B", "A+B", "A"))
    places = layout(Diagram(nodes, edges))
    assert {name: place[0] for name, place in places.items()} == {"free": 0, "A": 1, "B": 1, "A+B": 2}
    assert places["A"][1] == -places["B"][1] == 0.5
    assert len(set(places.values())) == 4


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_states_of_a_scheme_stand_on_a_circle_a_unit_apart(count: int) -> None:
    places = list(circle([str(n) for n in range(count)]).values())
    radii = [math.hypot(*place) for place in places]
    assert radii == pytest.approx([radii[0]] * count)
    if count > 2:
        apart = [math.dist(a, b) for a, b in zip(places, places[1:] + places[:1], strict=True)]
        assert apart == pytest.approx([1.0] * count)


def test_a_promoter_is_drawn_with_its_active_states_in_vermilion(drawn: Draw, assay: Assay) -> None:
    sites = {"CRP": {"start": 1, "length": 5}, "RNAP": {"start": 8, "length": 6}}
    graph = diagram(compile_mechanism(declare("thermodynamic", sites=sites, transcribes=["RNAP"]), assay))
    axes = drawn(lambda: state_diagram(graph, ("activity",))).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    shades = [to_hex(box.get_edgecolor()) for box in boxes]
    assert shades.count(colour("vermilion")) == 2
    assert shades.count(colour("grey")) == 2
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 4
    words = [text.get_text() for text in axes.texts]
    assert words.count("+ CRP") == words.count("+ RNAP") == 2
    assert any("rate 1" in word for word in words)


def test_boxes_of_a_diagram_do_not_overlap(drawn: Draw) -> None:
    sites = tuple("ABC")
    subsets = [tuple(s for s in sites if n >> sites.index(s) & 1) for n in range(8)]
    nodes = tuple(Node("+".join(bound) or "free", bound, ("0",)) for bound in subsets)
    axes = drawn(lambda: state_diagram(Diagram(nodes, ()))).axes[0]
    boxes = [patch.get_bbox() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    inside = axes.get_xlim()[1], axes.get_ylim()[1]
    assert all(b.x0 >= 0 and b.x1 <= inside[0] and b.y0 >= 0 and b.y1 <= inside[1] for b in boxes)


def test_transitions_are_arrows_with_rate_names_and_what_makes_rna_is_dashed(drawn: Draw) -> None:
    nodes = (Node("off", (), ("0",)), Node("on", (), ("r[on]",), arrangements=3))
    edges = (Edge("off", "on", "ln k[off->on]", True), Edge("on", "off", "0", True, ("rna",)))
    axes = drawn(lambda: state_diagram(Diagram(nodes, edges), ("rna",))).axes[0]
    words = [text.get_text() for text in axes.texts]
    assert "ln k[off->on]" in words
    assert "k = 1/s\nmakes rna" in words
    dashed = [
        p for p in axes.patches if isinstance(p, FancyArrowPatch) and p.get_linestyle() not in ("-", "solid")
    ]
    assert len(dashed) == 1
    assert caption(nodes[1], ("rna",)) == ["on", "3 arrangements", "rate r[on]"]
    assert caption(nodes[1], ("rna", "protein"))[-1] == "rna: r[on]"


def test_known_rates_are_numbers() -> None:
    assert rate_label("ln 2.5") == "k = 2.5/s"
    assert rate_label("ln k[a->b] + ln [x]") == "ln k[a->b] + ln [x]"


def test_occupancies_are_bars_in_the_order_of_the_table(drawn: Draw) -> None:
    axes = drawn(lambda: occupancies(STATES)).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.2, 0.1, 0.3, 0.4])
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches][2] == colour("vermilion")
    assert [label.get_text() for label in axes.get_yticklabels()] == list(STATES["state"])
    assert "share" in axes.get_xlabel()


def test_levels_lie_at_their_energies_and_their_names_do_not_overlap(drawn: Draw) -> None:
    axes = drawn(lambda: energy_levels(STATES)).axes[0]
    levels = [line for line in axes.lines if line.get_linewidth() > 2]
    assert [line.get_ydata()[0] for line in levels] == pytest.approx(sorted(STATES["energy"]))
    assert [line.get_color() for line in levels].count(colour("vermilion")) == 2
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert min(np.diff(heights)) > 0.03
    assert "kcal/mol" in axes.get_ylabel()


def test_only_the_most_frequent_of_many_states_are_drawn() -> None:
    many = pd.DataFrame({"state": [str(n) for n in range(60)], "occupancy": np.linspace(1, 0, 60)})
    shown = shown_states(many)
    assert list(shown["state"]) == [str(n) for n in range(MOST_STATES)]
