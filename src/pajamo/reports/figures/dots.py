"""One dot and its interval for each model, the common part of several figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from pajamo.evaluation.comparison import CEILING, IS_BEST, LOSES, TIES
from pajamo.reports.content import ReportContent
from pajamo.reports.figures.theme import bare, colour
from pajamo.reports.rows import records
from pajamo.reports.wording import number, short

ROW: Final = 0.205
"""Inches of a row."""
LABEL: Final = 22
"""Characters of a model's name."""


@dataclass(frozen=True)
class Look:
    """How a row is drawn: colour, marker, and whether the marker is filled."""

    colour: str
    marker: str = "o"
    filled: bool = True


BEST_BASELINE: Final = Look("ink", "D")
BASELINE: Final = Look("grey")
MODEL: Final = Look("blue")
LOSING: Final = Look("vermilion")
UNDECIDED: Final = Look("blue", filled=False)


def look_of(model: str, outcome: str, baselines: tuple[str, ...]) -> Look:
    """Models by their outcome against the best baseline; baselines in grey."""
    if outcome == IS_BEST:
        return BEST_BASELINE
    if model in baselines:
        return BASELINE
    return {LOSES: LOSING, TIES: UNDECIDED}.get(outcome, MODEL)


def ladder_order(content: ReportContent) -> list[str]:
    """Models, best first on the verdict's metric, then those without a value of it; no ceiling."""
    rows = content.summary[content.summary["outcome"] != CEILING]
    lead = rows[rows["metric"] == content.metric].set_index("model")["mean"].astype(float)
    ranked = (-content.sign(content.metric) * lead).sort_values(kind="stable").index
    return list(dict.fromkeys([*ranked, *rows["model"]]))


def name_rows(axes: Axes, names: list[str], baselines: tuple[str, ...], labels: bool = True) -> None:
    """Rows from the top down, a hair line under each; baselines' names in grey."""
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(
        range(len(names)), [short(name, LABEL) for name in names] if labels else [""] * len(names)
    )
    axes.grid(axis="y")
    bare(axes, "left")
    for tick, name in zip(axes.get_yticklabels(), names, strict=True):
        tick.set_color(colour("muted" if name in baselines else "ink"))


def draw_rows(axes: Axes, rows: pd.DataFrame, looks: list[Look], limits: tuple[float, float]) -> None:
    """Dots with intervals; a row beyond the limits becomes an arrow at the edge with its value.

    Parameters
    ----------
    rows: columns value, low, high; NaN values are left empty.
    looks: of each row.
    limits: ends of the horizontal axis.
    """
    axes.set_xlim(*limits)
    for place, (row, look) in enumerate(zip(records(rows), looks, strict=True)):
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        if value < limits[0] or value > limits[1]:
            _edge(axes, place, value, look, limits)
        elif value == value:
            axes.plot(
                [low, high], [place, place], color=colour(look.colour), linewidth=1.4, solid_capstyle="butt"
            )
            dot(axes, value, place, look)


def dot(axes: Axes, x: float, y: float, look: Look, size: float = 5.4) -> None:
    """A marker, filled or hollow."""
    axes.plot(
        [x], [y], look.marker, markersize=size, color=colour(look.colour), zorder=3, clip_on=False,
        markerfacecolor=colour(look.colour if look.filled else "paper"), markeredgewidth=1.2,
    )  # fmt: skip


def _edge(axes: Axes, place: int, value: float, look: Look, limits: tuple[float, float]) -> None:
    left = value < limits[0]
    at = limits[0] if left else limits[1]
    axes.plot(
        [at], [place], "<" if left else ">", color=colour(look.colour), markersize=5, clip_on=False, zorder=3
    )
    axes.annotate(
        number(value, 2), (at, place), xytext=(6 if left else -6, 0), textcoords="offset points", fontsize=7,
        ha="left" if left else "right", va="center", color=colour("muted"),
        bbox={"facecolor": colour("paper"), "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip
